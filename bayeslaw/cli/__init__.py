"""The command line: every question of the package, for a terminal and, with ``--json``, for programs.

=================  ==========================================================
``answer.py``      what all commands share: JSON, exit codes, files, tables
``catalogue.py``   laws · show · check
``tables.py``      runs, and the options by which tables are read
``fitting.py``     fit
``questions.py``   forecast · summary · plot
``threshold.py``   threshold
``risk.py``        risk
``weighing.py``    compare · evidence
``optimum.py``     optimum
``effective.py``   effective-size · frontier
``backtest.py``    backtest
``drift.py``       drift
``demo.py``        demo
=================  ==========================================================

Exit codes: 0 good; 1 the answer is "no" (a check failed, the chains have not converged); 2 bad input, with one
sentence on standard error; 130 interrupted.  With ``--json``, standard output holds one JSON object and nothing else;
progress and notes go to standard error.

The modules import click alone at their top, and what a command needs when it runs, so that ``--help`` is there at
once; a test holds this.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from bayeslaw import __version__
from bayeslaw.cli.answer import BAD_INPUT, INTERRUPTED
from bayeslaw.cli.backtest import backtest
from bayeslaw.cli.catalogue import check, laws, show
from bayeslaw.cli.demo import demo
from bayeslaw.cli.drift import drift
from bayeslaw.cli.effective import effective_size, frontier
from bayeslaw.cli.fitting import fit
from bayeslaw.cli.optimum import optimum
from bayeslaw.cli.questions import forecast, plot, summary
from bayeslaw.cli.risk import risk
from bayeslaw.cli.tables import runs
from bayeslaw.cli.threshold import threshold
from bayeslaw.cli.weighing import compare, evidence

# What Click calls kinds of numbers, and what people do.
_PLAIN = {
    "a valid integer range": "a whole number", "a valid integer": "a whole number", "a valid float range": "a number",
    "a valid float": "a number",
}  # fmt: skip


class BadUsage(click.ClickException):
    """Arguments that no command takes, in one sentence: Click would print the usage, a hint and its fault."""

    exit_code = BAD_INPUT

    def __init__(self, fault: click.UsageError) -> None:
        said = " ".join(fault.format_message().split()).rstrip(".").replace(". Did you mean", "; did you mean")
        for theirs, ours in _PLAIN.items():
            said = said.replace(theirs, ours)
        path = "bayeslaw" if fault.ctx is None else fault.ctx.command_path
        end = "" if said.endswith("?") else ";"
        super().__init__(f"{said[:1].lower()}{said[1:]}{end} `{path} --help` says what there is.")


@contextlib.contextmanager
def _in_one_sentence() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as fault:
        raise BadUsage(fault) from None


class _Commands(click.Group):
    """Commands whose misuse costs one sentence, as other bad input does."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_sentence():
            return super().invoke(ctx)


@click.group(
    "bayeslaw", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="bayeslaw")
def commands() -> None:
    """Forecast large training runs from small ones, with honest uncertainty.

    Start with `bayeslaw demo`, or with a table of your own:

    \b
      bayeslaw runs RUNS.csv --law chinchilla
      bayeslaw fit RUNS.csv --law chinchilla --family family --out FIT.nc
      bayeslaw forecast FIT.nc --at N=7e10,D=1.4e12
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with a backspace, not with two characters


for command in (
    demo,
    runs,
    fit,
    forecast,
    threshold,
    risk,
    optimum,
    effective_size,
    frontier,
    compare,
    evidence,
    backtest,
    drift,
    summary,
    plot,
    laws,
    show,
    check,
):
    commands.add_command(command)


def main() -> None:
    """Run the command line: the entry point of ``bayeslaw`` and of ``python -m bayeslaw``."""
    try:
        commands(prog_name="bayeslaw")
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            # A compilation under way in another thread cannot be stopped, and Python would wait for it.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise
