"""Whether the fitted runs lie to one side of the law: at a compute budget, at the far end, in one family.

A law that cannot bend as its runs do can be fitted all the same, and its chains converge.  Its residuals show the
misfit: where the law is right, runs of each kind fall on both sides of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.base.streams import RESIDUALS, generator
from bayeslaw.inference.model.pooling import Grouping
from bayeslaw.inference.posterior import noise
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note
from bayeslaw.runs.budgets import budgets_of
from bayeslaw.runs.columns import FLOPS
from bayeslaw.words import size

# Draws of each new run that an outcome is compared with; the score of an outcome beyond all of them is 2.8.
DRAWS = 200
# Four runs lie all on one side by chance once in eight times; fewer say nothing.
FEWEST = 4
FAR_END = "far end"
# The most expensive tenth of the runs, and at least four of them.
FAR_SHARE = 0.1
# Runs count as lying on one side when this share of them does.
ONE_SIDED = 0.85
# Parts that one note names.
MOST_NAMED = 3
# The probability of any such note on the fit of a law that is right.
FALSE_ALARMS = 0.01


@dataclass(frozen=True)
class Part:
    """Some of the runs, which lie on both sides of a law that is right.

    Attributes
    ----------
    kind
        The subject of a note: ``budget``, ``far end`` or ``family``.
    rows
        Positions among the runs.
    """

    kind: str
    name: str
    rows: np.ndarray


def residual_notes(posterior: Posterior) -> tuple[Note, ...]:
    """Notes on the residuals of the fitted runs that contradict the law, by part of the runs."""
    parts = [part for part in _parts(posterior) if len(part.rows) >= FEWEST]
    if not parts:
        return ()
    from scipy.special import ndtri

    scores = fitted_scores(posterior)
    enough = float(-ndtri(FALSE_ALARMS / len(parts) / 2.0))
    found: dict[str, list[str]] = {}
    for part in sorted(parts, key=lambda part: -_distance(scores[part.rows])):
        if _one_sided(scores[part.rows], enough):
            found.setdefault(part.kind, []).append(_finding(part, scores[part.rows]))
    return tuple(_note(kind, findings) for kind, findings in found.items())


def fitted_scores(posterior: Posterior) -> np.ndarray:
    """Where each outcome falls among new runs at its inputs, as a quantile of a standard normal; shape ``(runs,)``."""
    plan, rng = posterior.plan, generator(posterior.seed, RESIDUALS)
    thin = np.linspace(0, posterior.size - 1, min(DRAWS, posterior.size)).astype(int)
    draws = np.empty((len(thin), len(plan.outcome)))
    for groups, rows in _by_groups(posterior):
        inputs = {name: values[rows] for name, values in plan.inputs.items()}
        parameters = {name: values[thin, None] for name, values in posterior.parameters(groups).items()}
        mean = np.broadcast_to(posterior.law.mean(inputs, parameters), (len(thin), len(rows)))
        draws[:, rows] = noise.noisy(posterior.law, inputs, parameters, mean, rng)
    return normal_scores(draws, plan.outcome, rng)


def normal_scores(draws: np.ndarray, outcome: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where outcomes fall among draws, as quantiles of a standard normal; shape ``(runs,)``.

    Counts fall on draws equal to themselves; they are then placed at random within those (Dunn and Smyth 1996).

    Parameters
    ----------
    draws
        Draws of each outcome; shape ``(size, runs)``.
    """
    from scipy.special import ndtri

    share = rng.random(len(outcome))
    below, equal = (draws < outcome).mean(axis=0), (draws == outcome).mean(axis=0)
    edge = 0.5 / len(draws)  # an outcome beyond all draws is placed only as far as this many draws can resolve
    return np.asarray(ndtri(np.clip(below + share * equal, edge, 1.0 - edge)))


def _by_groups(posterior: Posterior) -> Iterator[tuple[dict[str, str], np.ndarray]]:
    """Runs that share all their groups: these groups by column, and the runs' positions."""
    groupings = tuple(posterior.plan.groupings.values())
    index = np.stack([np.zeros(len(posterior.plan.outcome), int), *(each.index for each in groupings)], axis=1)
    _, first, which = np.unique(index, axis=0, return_index=True, return_inverse=True)
    for i, row in enumerate(first):
        yield _groups_of(groupings, int(row)), np.flatnonzero(which.reshape(-1) == i)


def _groups_of(groupings: tuple[Grouping, ...], row: int) -> dict[str, str]:
    return {
        column: value
        for grouping in groupings
        for column, value in zip(grouping.columns, grouping.levels[grouping.index[row]], strict=True)
    }


def _parts(posterior: Posterior) -> Iterator[Part]:
    """The parts of the fitted runs that are checked."""
    plan = posterior.plan
    fitted = np.flatnonzero(plan.weights > 0)
    compute, across = _compute(posterior)
    if compute is not None:
        yield from _budgets(compute[fitted], across[fitted], fitted)
        last = max(FEWEST, int(FAR_SHARE * len(fitted)))
        if len(fitted) >= 3 * last:
            yield Part(FAR_END, "most expensive runs", fitted[np.argsort(compute[fitted], kind="stable")[-last:]])
    if (grouping := posterior.family_grouping) is not None:
        for i, label in enumerate(grouping.labels):
            yield Part("family", f"runs of family '{label}'", fitted[grouping.index[fitted] == i])


def _compute(posterior: Posterior) -> tuple[np.ndarray | None, np.ndarray]:
    """The compute of the runs, if the law's inputs determine it, and the input that varies within a budget."""
    by_column = {each.column: posterior.plan.inputs.get(each.name) for each in posterior.law.inputs.values()}
    params, tokens, flops = (by_column.get(name) for name in ("n_params", "n_tokens", "flops"))
    if params is not None and tokens is not None:
        return FLOPS * params * tokens, params
    other = next((values for values in (params, tokens) if values is not None), None)
    cost = flops if flops is not None else other
    usable = cost is not None and bool((cost > 0).all())
    return (cost if usable else None), np.ones(0) if cost is None else (cost if other is None else other)


def _budgets(compute: np.ndarray, across: np.ndarray, fitted: np.ndarray) -> Iterator[Part]:
    """All runs of each budget, those near its middle size, and those at either end."""
    budget = budgets_of(compute, across)
    for i in range(budget.max() + 1):
        rows = np.flatnonzero(budget == i)
        ranks = np.argsort(np.argsort(across[rows])) / (len(rows) - 1)
        inside = np.abs(ranks - 0.5) < 0.25
        at = f"at the budget of {size(float(np.median(compute[rows])), 'FLOP')}"
        yield Part("budget", f"runs {at}", fitted[rows])
        yield Part("budget", f"runs of middle size {at}", fitted[rows[inside]])
        yield Part("budget", f"smallest and largest runs {at}", fitted[rows[~inside]])


def _distance(scores: np.ndarray) -> float:
    """The distance of the sum of scores from zero, in its standard deviations under a law that is right."""
    return float(abs(scores.sum()) / len(scores) ** 0.5)


def _one_sided(scores: np.ndarray, enough: float) -> bool:
    """Whether scores lie on one side of zero, too far from it to be chance."""
    above = float((scores > 0).mean())
    return max(above, 1.0 - above) >= ONE_SIDED and _distance(scores) > enough


def _finding(part: Part, scores: np.ndarray) -> str:
    above = bool(scores.sum() > 0)
    count, side = int(((scores > 0) == above).sum()), "above" if above else "below"
    lead = f"all {count}" if count == len(scores) else f"{count} of the {len(scores)}"
    return f"{lead} {part.name} lie {side} it ({abs(scores.mean()):.1f} sd on average)"


def _note(kind: str, findings: list[str]) -> Note:
    more = len(findings) - MOST_NAMED
    said = "; ".join(findings[:MOST_NAMED]) + (f"; and {more} more such groups" if more > 0 else "")
    return Note(
        "one-sided", "serious" if kind == FAR_END else "warning",
        f"The law does not bend as the runs do: {said}.",
        "Draw the residuals, and compare the law with others before you rely on its forecasts.",
    )  # fmt: skip
