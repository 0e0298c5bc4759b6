"""Every parameter in a table: its posterior, how well it was sampled, and how much was learned from the runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.base.mixing import ess_bulk, ess_tail, rhat
from bayeslaw.inference.model.plan import spread_name
from bayeslaw.language.formula.functions import LINKS
from bayeslaw.note import Note, in_order
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.words import plain

if TYPE_CHECKING:
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Parameter, Prior

# If the width of a parameter shrank by less than a tenth, the runs say nothing about it.
LEARNED_NOTHING = 0.1
PRIOR_DRAWS = 20_000


@dataclass(frozen=True)
class Row:
    """One sampled or derived quantity.

    Attributes
    ----------
    group
        The family of the value; empty for the population or for all runs.
    lower, upper
        The central 90 % interval.
    rhat, ess_bulk, ess_tail
        Rank-normalised, as ArviZ gives them.
    contraction
        One minus the ratio of posterior to prior width; 0 is the prior, 1 is certainty.  None for derived quantities.
    note
        A remark, such as that the runs say nothing about it.
    """

    name: str
    group: str
    mean: float
    sd: float
    median: float
    lower: float
    upper: float
    rhat: float
    ess_bulk: float
    ess_tail: float
    contraction: float | None
    note: str
    units: str
    meaning: str


@dataclass(frozen=True)
class PosteriorSummary:
    """The summary of a posterior as a table.

    Attributes
    ----------
    notes
        The notes of the fit, and one if the chains have not converged.
    """

    law: str
    runs: int
    family: str | None
    rows: tuple[Row, ...]
    diagnostics: Diagnostics
    notes: tuple[Note, ...]

    @property
    def converged(self) -> bool:
        """Whether the draws can be trusted."""
        return self.diagnostics.converged

    def _page(self) -> Page:
        by = "" if self.family is None else f", families by {self.family}"
        head = ("", "mean", "sd", "5 %", "95 %", "R-hat", "ESS", "learned", "")
        rows = [
            (
                f"{row.name} [{row.group}]" if row.group else row.name, f"{row.mean:.4g}", f"{row.sd:.3g}",
                f"{row.lower:.4g}", f"{row.upper:.4g}", f"{row.rhat:.3f}", f"{row.ess_bulk:.0f}",
                "" if row.contraction is None else f"{row.contraction:.0%}", row.note,
            )
            for row in self.rows
        ]  # fmt: skip
        state = ["The chains have converged."] if self.converged else []
        return [f"Law {self.law}, {self.runs} runs{by}:", [head, *rows], *state, *map(str, self.notes)]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = plain({
            "law": self.law, "runs": self.runs, "family": self.family,
            "parameters": [asdict(row) for row in self.rows], "diagnostics": self.diagnostics.as_dict(),
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


def posterior_summary(posterior: Posterior) -> PosteriorSummary:
    """Summarise a posterior: every parameter (by family where it was pooled), spreads, and derived quantities."""
    law, plan = posterior.law, posterior.plan
    rows: list[Row] = []
    rng = np.random.default_rng(posterior.seed)
    for name, parameter in law.parameters.items():
        pooling = plan.poolings[name]
        if name in posterior.values and posterior.values[name].ndim == 2:
            rows.append(_row(posterior, name, "", posterior.draws(name), parameter, rng, parameter.prior))
        for grouping in pooling.groupings:
            labels = plan.groupings[grouping].labels
            if pooling.kind == "none":
                rows += [
                    _row(posterior, name, label, posterior.draws(name)[:, i], parameter, rng, parameter.prior)
                    for i, label in enumerate(labels)
                ]
            else:
                spread = spread_name(name, grouping)
                rows.append(
                    _row(posterior, spread, "", posterior.draws(spread), parameter, rng, parameter.spread, spread=True)
                )
        if pooling.kind == "partial" and posterior.family is not None and not parameter.prior.is_constant:
            rows += [
                _row(posterior, name, family, draws, parameter, rng, None)
                for family, draws in posterior.by_family(name).items()
            ]
    if posterior.family is None:
        for name, draws in law.derive(posterior.parameters()).items():
            rows.append(_row(posterior, name, "", np.asarray(draws), None, rng, None))
    notes = in_order((*posterior.diagnostics.notes, *posterior.notes, *posterior.law.notes))
    return PosteriorSummary(law.name, len(posterior.runs), posterior.family, tuple(rows), posterior.diagnostics, notes)


def _row(
    posterior: Posterior, name: str, group: str, draws: np.ndarray, parameter: Parameter | None,
    rng: np.random.Generator, prior: Prior | None, spread: bool = False,
) -> Row:  # fmt: skip
    chains = draws.reshape(posterior.flat.shape[:2])
    contraction = None
    if prior is not None and parameter is not None:
        scale = LINKS[prior.family.bell_on]
        contraction = 1.0 - _width(scale(draws)) / _width(scale(prior.draw(rng, PRIOR_DRAWS)))
    meaning = "" if parameter is None else parameter.meaning
    if parameter is not None and spread:
        meaning = f"spread of {parameter.name} between groups"
    untaught = contraction is not None and contraction < LEARNED_NOTHING
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return Row(
        name=name, group=group, mean=float(draws.mean()), sd=float(draws.std()), median=float(middle),
        lower=float(low), upper=float(high), rhat=rhat(chains), ess_bulk=ess_bulk(chains), ess_tail=ess_tail(chains),
        contraction=contraction,
        note="the runs say nothing about it: this is the prior" if untaught else "",
        units="" if parameter is None or spread else parameter.units, meaning=meaning,
    )  # fmt: skip


def _width(values: np.ndarray) -> float:
    low, high = np.quantile(values, [0.158655, 0.841345])
    return float(high - low)
