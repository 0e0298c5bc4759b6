"""The origins of a back-test: which runs are seen, and which are hidden and to be forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from bayeslaw.ask.compare.forward import limits
from bayeslaw.errors import QuestionError, RunsError
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.columns import FLOPS, standard_name
from bayeslaw.runs.filters import rows_where
from bayeslaw.runs.table import Runs
from bayeslaw.runs.wording import amended, rows_of
from bayeslaw.words import argument, short, worded

# Shares of the runs that are seen: from four tenths, where a law can still be learned, to where a fifth is left.
SEEN: tuple[float, ...] = (0.4, 0.5, 0.65, 0.8)
COMPUTE = "flops"
# Shares to try for a remedy.
_SHARES = np.arange(5, 100, 5) / 100


@dataclass(frozen=True)
class Origin:
    """A point to look ahead from.

    Attributes
    ----------
    name
        The condition of the seen runs, such as ``"flops <= 2e19"``.
    hidden
        Which runs are hidden; a mask of shape ``(runs,)``.
    """

    name: str
    hidden: np.ndarray


def origins_along(runs: Runs, along: str, seen: Sequence[float]) -> list[Origin]:
    """Origins that see the lowest shares of the runs along a column, and hide the others.

    Parameters
    ----------
    along
        A column of numbers, or of words that sort as dates do (``2024-03-01``); ``flops`` may be computed from
        ``n_params`` and ``n_tokens``.
    seen
        Shares between 0 and 1.

    Raises
    ------
    QuestionError
        When a share is invalid, or the column has one level, so that nothing is left to forecast.
    """
    for share in seen:
        if not 0.0 < share < 1.0:
            raise QuestionError(f"origins: {share:g} is not a share of the runs; give numbers between 0 and 1.")
    if not runs.has(along):
        along = standard_name(along) or along
    place, label = _places(runs, along)
    levels = np.unique(place)
    if len(levels) < 2:
        raise QuestionError(
            f"{runs.source}: all runs have the same {along}, so none lies beyond the others; hide runs along another "
            f"column ({argument('along')}), or by a condition ({argument('hide')})."
        )
    # At least one level stays hidden.
    within = [limit for limit in limits(place, seen) if limit < levels[-1]]
    return [Origin(f"{along} <= {label(limit)}", place > limit) for limit in within]


def origin_where(runs: Runs, condition: str) -> Origin:
    """The origin that hides the runs which meet a condition.

    Raises
    ------
    QuestionError
        When it hides all of the runs or none.
    LawError, RunsError
        When the condition cannot be parsed.
    """
    hidden = rows_where(runs, condition)
    if hidden.all() or not hidden.any():
        which = "all" if hidden.all() else "none"
        raise QuestionError(
            f"{runs.source}: {which} of the {len(runs)} runs meet the condition {condition!r}; hide some of them."
        )
    return Origin(f"not ({condition})", hidden)


def those_that_see_enough(
    laws: Iterable[Law], runs: Runs, origins: Sequence[Origin], along: str | None
) -> tuple[list[Origin], list[Origin]]:
    """Origins that see at least as many runs as every law has free parameters, and those that do not.

    Parameters
    ----------
    along
        The column of the origins; None for an origin that is given by a condition.

    Raises
    ------
    QuestionError
        When none does; the message names a share of the runs that is enough.
    """
    counted = observations.weights(runs) > 0
    needed, name = max((len(law.free_parameters), law.name) for law in laws)

    def seen(origin: Origin) -> int:
        return int(np.count_nonzero(counted & ~origin.hidden))

    enough = [seen(each) >= needed for each in origins]
    if any(enough):
        return list(compress(origins, enough)), [
            each for each, will_do in zip(origins, enough, strict=True) if not will_do
        ]
    if along is None:
        remedy = f"hide fewer runs ({argument('hide')}), or take a law of fewer parameters"
    else:
        shares = (share for share in _SHARES for each in origins_along(runs, along, [share]) if seen(each) >= needed)
        share = next(shares, None)
        more = (
            "add runs"
            if share is None
            else f"see more of the runs ({worded(f'origins=[{share:g}]', f'--origins {share:g}')})"
        )
        remedy = f"{more}, or take a law of fewer parameters"
    most = max(map(seen, origins), default=0)
    raise QuestionError(
        f"{runs.source}: law '{name}' has {needed} free parameters and needs as many runs, but of the "
        f"{np.count_nonzero(counted)} runs no origin sees more than {most}; {remedy}."
    )


def _places(runs: Runs, along: str) -> tuple[np.ndarray, Callable[[float], str]]:
    """The position of each run along a column, as numbers that order them, and how to write a position."""
    if along == COMPUTE and not runs.has(COMPUTE) and runs.has("n_params") and runs.has("n_tokens"):
        return FLOPS * runs.column("n_params") * runs.column("n_tokens"), short
    if runs.is_text(along):
        levels, index = runs.levels(along)
        return index.astype(float), lambda place: levels[int(place)]
    place = runs.column(along)
    if not np.isfinite(place).all():
        raise RunsError(
            f"{runs.source}: column '{along}' is empty in {rows_of(runs, ~np.isfinite(place))}, but runs are "
            f"hidden by it; {amended(runs, 'fill it', f'{along} is known')}."
        )
    return place, short
