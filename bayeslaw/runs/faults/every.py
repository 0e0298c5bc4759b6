"""All for which a fit of a law to a table would stop, each cause once; a fit itself names the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.columns import runs_of_a_chart
from bayeslaw.runs.faults.enough import check_bowls, check_enough
from bayeslaw.runs.faults.exact import check_noise
from bayeslaw.runs.schedule_sums import check_run_ids

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs


def empty_cells(runs: Runs, columns: Iterable[str]) -> dict[str, np.ndarray]:
    """Masks of the empty cells of numeric columns, each of shape ``(runs,)``; only for columns with empty cells."""
    numbers = {name: runs.column(name) for name in columns if runs.has(name) and not runs.is_text(name)}
    return {name: np.isnan(values) for name, values in numbers.items() if np.isnan(values).any()}


def needed_and_empty(runs: Runs, law: Law) -> dict[str, np.ndarray]:
    """Where columns that a fit of a law reads are empty; see :func:`empty_cells`."""
    _, faults = observations.read_inputs(runs, law)
    at_fault = [law.inputs[name].column for name in observations.stopping(runs, law, faults)]
    return empty_cells(runs, [*at_fault, law.output.column])


def faults_of(runs: Runs, law: Law, groups: np.ndarray | None = None) -> list[RunsError]:
    """All for which a fit would stop; of no runs, only what columns they lack.

    Parameters
    ----------
    groups
        The group of each run that a fit pools over, integers of shape ``(runs,)``.
    """
    if not len(runs):
        return _refused(observations.check_columns, runs, law)
    if len(runs_of_a_chart(runs.names)) > 1 and (wide := _refused(observations.check_columns, runs, law)):
        return wide  # of its rows nothing can be said
    _, faults = observations.read_inputs(runs, law)
    inputs = [law.inputs[name] for name in observations.stopping(runs, law, faults)]
    found = [
        *_refused(check_run_ids, runs),
        *_refused(observations.check_columns, runs, law),
        *(faults[each.name] for each in inputs if each.formula is not None or runs.has(each.column)),
        *(_refused(observations.outcome, runs, law) if runs.has(law.output.column) else []),
        *(_refused(observations.standard_error, runs, law) if law.output.likelihood.family.scale is not None else []),
        *_refused(check_enough, runs, law),
        *_refused(check_bowls, runs, law, groups),
        *_refused(check_noise, runs, law, groups),
    ]
    # An outcome is checked against inputs that have been read before.
    return list({str(fault): fault for fault in found}.values())


def _refused(check: Callable[..., Any], *args: Any) -> list[RunsError]:
    try:
        check(*args)
    except RunsError as fault:
        return [fault]
    return []
