"""The best size of each fitted budget: where its own runs have it, and where the law puts it.

A loss is flat about its minimum, so a law may fit every run well and still have its bowl beside that of the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note
from bayeslaw.runs.bottoms import Bottom, bottoms_of
from bayeslaw.runs.columns import FLOPS
from bayeslaw.runs.stand_ins import Group
from bayeslaw.words import multiple, short

# The law's bowl is searched so many e-folds about the bottom of the runs, by so many points; a parabola through the
# lowest three is right to a hundredth.
REACH, POINTS = 6.0, 121
# As many draws as tell where the law has its bowl, and how sure it is.
DRAWS = 100
# Offsets by less than this factor are within what the place of a bottom depends on the curve through its runs.
NOTED, SERIOUS = 1.25, 2.0
# And by fewer standard errors they are chance.
SURE = 3.0


@dataclass(frozen=True)
class BestSize:
    """The best size of one fitted budget.

    Attributes
    ----------
    bottom
        Where the runs of the budget have it.
    log_sizes
        The log of where the law has it; shape ``(draws,)``.
    """

    bottom: Bottom
    log_sizes: np.ndarray

    @property
    def offset(self) -> float:
        """E-folds of size by which the runs have it above the law."""
        return float(np.log(self.bottom.size) - self.log_sizes.mean())

    @property
    def error(self) -> float:
        """The standard error of that."""
        return float(np.hypot(self.bottom.error, self.log_sizes.std()))


def best_sizes(posterior: Posterior, groups: Mapping[str, Group]) -> list[BestSize]:
    """The best sizes of one family's fitted budgets, by rising compute.

    Empty where the law cannot say the best size at a budget of training compute, or no budget has it among its runs.

    Parameters
    ----------
    groups
        The family, as :meth:`Posterior.groups_of` gives it.
    """
    plan, by_column = posterior.plan, _inputs(posterior)
    if by_column is None:
        return []
    rows = _rows_of(posterior, groups)
    sizes = plan.inputs[by_column["n_params"]][rows]
    spent = (
        plan.inputs[by_column["flops"]][rows] if "flops" in by_column
        else FLOPS * sizes * plan.inputs[by_column["n_tokens"]][rows]
    )  # fmt: skip
    return best_sizes_at(posterior, groups, bottoms_of(spent, sizes, plan.outcome[rows]))


def best_sizes_at(posterior: Posterior, groups: Mapping[str, Group], bottoms: Sequence[Bottom]) -> list[BestSize]:
    """Some budgets' best sizes, beside where the law puts them; empty where it cannot say."""
    by_column = _inputs(posterior)
    if by_column is None or not bottoms:
        return []
    thin = np.linspace(0, posterior.size - 1, min(DRAWS, posterior.size)).astype(int)
    parameters = {name: values[thin] for name, values in posterior.parameters(dict(groups)).items()}
    return [BestSize(bottom, _lowest(posterior, by_column, bottom, parameters)) for bottom in bottoms]


def _inputs(posterior: Posterior) -> dict[str, str] | None:
    """The inputs by column, where they are size and a budget of training compute."""
    law = posterior.law
    found = {law.inputs[name].column: name for name in law.free_inputs}
    known = set(found) in ({"n_params", "n_tokens"}, {"n_params", "flops"})
    return found if known and law.output.column == "loss" else None


def _rows_of(posterior: Posterior, groups: Mapping[str, Group]) -> np.ndarray:
    """The fitted runs of these groups."""
    plan = posterior.plan
    chosen = plan.weights > 0
    for grouping in plan.groupings.values():
        names = [tuple(groups.get(column) for column in grouping.columns) == tuple(level) for level in grouping.levels]
        chosen = chosen & np.array(names)[grouping.index]
    return np.flatnonzero(chosen)


def _lowest(
    posterior: Posterior, by_column: Mapping[str, str], bottom: Bottom, parameters: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The log of the size with the lowest loss at a budget; shape ``(draws,)``."""
    law, log_sizes = posterior.law, np.log(bottom.size) + np.linspace(-REACH, REACH, POINTS)
    sizes = np.exp(log_sizes)[:, None]
    columns = {"n_params": sizes, "flops": np.full_like(sizes, bottom.compute)}
    columns["n_tokens"] = columns["flops"] / (FLOPS * sizes)
    inputs = law.with_computed_inputs({name: columns[column] for column, name in by_column.items()})
    with np.errstate(all="ignore"):
        loss = np.broadcast_to(law.mean(inputs, parameters), (POINTS, len(next(iter(parameters.values())))))
    lowest = np.clip(np.nan_to_num(loss, nan=np.inf).argmin(axis=0), 1, POINTS - 2)
    before, here, after = (loss[lowest + i, np.arange(loss.shape[1])] for i in (-1, 0, 1))
    with np.errstate(all="ignore"):
        within = 0.5 * (before - after) / (before - 2.0 * here + after)
    step = log_sizes[1] - log_sizes[0]
    return np.asarray(log_sizes[lowest] + step * np.clip(np.nan_to_num(within), -1.0, 1.0))


def best_size_notes(posterior: Posterior) -> tuple[Note, ...]:
    """A note for each family in which the law's best sizes are not those of the runs."""
    grouping = posterior.family_grouping
    families = (None,) if grouping is None else posterior.families
    found = (best_size_note(best_sizes(posterior, posterior.groups_of(family)), family) for family in families)
    return tuple(note for note in found if note is not None)


def best_size_note(found: Sequence[BestSize], family: str | None = None) -> Note | None:
    """A note where the law's best sizes at fitted budgets are not those of their runs."""
    if not found:
        return None
    weights = np.array([each.error**-2 for each in found])
    offset = float(np.average([each.offset for each in found], weights=weights))
    # Bottoms of neighbouring budgets come from runs of the same sizes, and err together.
    error = float(np.sqrt(np.average([each.error**2 for each in found], weights=weights)))
    times = float(np.exp(abs(offset)))
    if times < NOTED or abs(offset) < SURE * error:
        return None
    side, ends = "small" if offset > 0 else "large", [f"{short(found[i].bottom.compute)} FLOP" for i in (0, -1)]
    at = (
        f"At the budget of {ends[0]}{{}}, which was fitted" if len(found) == 1
        else f"At {len(found)} budgets of {ends[0]} to {ends[1]}{{}}, which were fitted"
    )  # fmt: skip
    whose = "" if family is None else f" of family '{family}'"
    return Note(
        "best-size-off", "serious" if times > SERIOUS else "warning",
        f"{at.format(whose)}, the law puts the best size {multiple(times)} too {side}, by the lowest "
        "points of the runs themselves.",
        "An optimum moves to where the runs have it, unless it is asked for without drift; fit the law isoflop to runs "
        "within a factor of four or so of the best size of their budget, and compare.",
    )  # fmt: skip
