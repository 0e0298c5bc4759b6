"""The command line: every question of the package, for a terminal and, with ``--json``, for programs.

=================  ==========================================================
``answer.py``      what all commands share: JSON, exit codes, files, tables
``catalogue.py``   laws · show · check
``tables.py``      runs, and the options by which tables are read
``fitting.py``     fit
``questions.py``   forecast · summary · plot
``threshold.py``   threshold
``weighing.py``    compare · evidence
``optimum.py``     optimum
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

import os
import sys

import click

from bayeslaw import __version__
from bayeslaw.cli.answer import INTERRUPTED
from bayeslaw.cli.backtest import backtest
from bayeslaw.cli.catalogue import check, laws, show
from bayeslaw.cli.demo import demo
from bayeslaw.cli.drift import drift
from bayeslaw.cli.fitting import fit
from bayeslaw.cli.optimum import optimum
from bayeslaw.cli.questions import forecast, plot, summary
from bayeslaw.cli.tables import runs
from bayeslaw.cli.threshold import threshold
from bayeslaw.cli.weighing import compare, evidence


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    optimum,
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
