"""The command line: every question of the package, for a terminal and, with ``--json``, for programs.

A file in one of the five folders is a command of the file's name, listed under the folder's; nothing else registers
it.  The first sentence of a command's docstring is its line in ``bayeslaw --help``.

================  ===========================================================
``answer.py``     what all commands share: JSON, exit codes, files, text
``options.py``    the options that several commands share, and their readers
``fits.py``       what a question is asked of: saved fits and published values
``sampling.py``   fits that commands make
``interrupted.py``  what is kept of a fit for ``--resume``
``pictures.py``   pictures beside an answer
``data``          import · laws · runs · show
``fit``           cache · demo · fit · predict · summary · warm
``ask``           effective-size · forecast · frontier · optimum · plot · risk · threshold
``decide``        decide · multiplier · next-runs · report · update
``trust``         backtest · check · compare · drift · evidence · prior
================  ===========================================================

Exit codes: 0 good; 1 the answer is "no" (a check failed, the chains have not converged); 2 bad input, with one
sentence on standard error; 130 interrupted.  With ``--json``, standard output holds one JSON object and nothing else;
progress and notes go to standard error.

A command's file is imported when the command is used.  It imports click alone at its top, and what the command needs
when it runs, so that ``--help`` is there at once; a test holds this.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bayeslaw import __version__
from bayeslaw.cli.answer import BAD_INPUT, INTERRUPTED

# Folders of commands, in the order of the work.
HEADINGS = ("data", "fit", "ask", "decide", "trust")

# Click's names for kinds of numbers, and plain ones.
_PLAIN = {
    "a valid integer range": "a whole number", "a valid integer": "a whole number", "a valid float range": "a number",
    "a valid float": "a number",
}  # fmt: skip


class BadUsage(click.ClickException):
    """Wrong arguments, reported in one sentence; Click would print the usage, a hint and the error."""

    exit_code = BAD_INPUT

    def __init__(self, fault: click.UsageError) -> None:
        said = " ".join(fault.format_message().split()).rstrip(".").replace("?)", "?")
        said = said.replace(". (Did you mean", "; did you mean").replace(". Did you mean", "; did you mean")
        for theirs, ours in _PLAIN.items():
            said = said.replace(theirs, ours)
        path = "bayeslaw" if fault.ctx is None else fault.ctx.command_path
        end = "" if said.endswith("?") else ";"
        super().__init__(f"{said[:1].lower()}{said[1:]}{end} `{path} --help` lists what there is.")


@contextlib.contextmanager
def _in_one_sentence() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as fault:
        raise BadUsage(fault) from None


class Found(Mapping[str, click.Command]):
    """Commands by name, found in the folders and imported when they are asked for."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        self.under = {heading: sorted(p.stem for p in (here / heading).glob("[a-z]*.py")) for heading in HEADINGS}
        self._homes = {_shown(file): (heading, file) for heading, files in self.under.items() for file in files}

    def __getitem__(self, name: str) -> click.Command:
        heading, file = self._homes[name]
        command: click.Command = getattr(importlib.import_module(f"bayeslaw.cli.{heading}.{file}"), file)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


def _shown(file: str) -> str:
    return file.rstrip("_").replace("_", "-")  # a file `import.py` could not be imported


class _Commands(click.Group):
    """Commands under headings; misuse is reported in one sentence, as other bad input is."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - Click's
        widest = max(map(len, FOUND))
        for heading, files in FOUND.under.items():
            with formatter.section(heading.capitalize()):
                names = [_shown(file) for file in files]
                formatter.write_dl([(name.ljust(widest), FOUND[name].get_short_help_str()) for name in names])

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_sentence():
            return super().invoke(ctx)


FOUND = Found()


@click.group(
    "bayeslaw", cls=_Commands, commands=FOUND,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip
@click.version_option(__version__, prog_name="bayeslaw")
def commands() -> None:
    """Forecast large training runs from small ones, with honest uncertainty.

    Start with `bayeslaw demo`, or with a table of your own:

    \b
      bayeslaw runs RUNS.csv --law chinchilla
      bayeslaw fit RUNS.csv --law chinchilla --family family --out FIT.nc
      bayeslaw forecast FIT.nc --at N=7e10,D=1.4e12
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with a backspace, not with two characters


def main() -> None:
    """Run the command line: the entry point of ``bayeslaw`` and of ``python -m bayeslaw``."""
    try:
        commands(prog_name="bayeslaw")
    except SystemExit as leaving:
        if leaving.code in (BAD_INPUT, INTERRUPTED) and "jax" in sys.modules:
            # A compilation under way in another thread cannot be stopped, and Python would wait for it.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(leaving.code)
        raise
