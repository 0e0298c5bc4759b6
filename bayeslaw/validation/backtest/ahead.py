"""Looking ahead: laws fitted to what an origin sees, and their forecasts of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import batched

import numpy as np

from bayeslaw.ask.average import EQUAL, Average
from bayeslaw.ask.compare.averaging import average
from bayeslaw.ask.forecast.chain import Carried
from bayeslaw.ask.forecast.draws import Drawn
from bayeslaw.ask.forecast.drift import Drifting, drifts_of
from bayeslaw.ask.forecast.mixture import draw_each, mixture
from bayeslaw.ask.where.extrapolation import furthest, measured_ahead
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.work import Sampling
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.workplace import HERE, Workplace
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.runs.table import Runs
from bayeslaw.validation.backtest.origins import Origin
from bayeslaw.validation.backtest.report import AVERAGE


@dataclass(frozen=True)
class Look:
    """The forecasts of laws from one origin.

    Attributes
    ----------
    fits
        The laws fitted to the seen runs, with the weights of their average.
    drawn
        Draws of the hidden runs by each law alone.
    together
        Draws by the average of several.
    first
        Draws of an input of the hidden runs that was forecast too, and the fits behind it; None where it was read off
        them.
    """

    origin: Origin
    fits: Average
    drawn: Mapping[str, Drawn]
    together: Drawn | None
    first: Stage | None = None

    @cached_property
    def runs(self) -> dict[str, np.ndarray]:
        """Draws of the hidden runs by law, and of the average of several; each of shape ``(size, points)``."""
        alone = {name: each.run for name, each in self.drawn.items()}
        mixed = {} if self.together is None else {AVERAGE: self.together.run}
        return alone | mixed

    @property
    def ratio(self) -> np.ndarray:
        """Compute of the hidden runs, or the one input of their laws, as a multiple of the largest seen; else NaN."""
        unknown = np.full(np.count_nonzero(self.origin.hidden), np.nan)
        known = [self.drawn[name] for name, fit in self.fits.posteriors.items() if measured_ahead(fit) == "factor"]
        known += [] if self.first is None else [self.first.drawn]
        return np.asarray(np.fmax.reduce([unknown, *(furthest(each.extrapolation) for each in known)]))

    @property
    def observed(self) -> np.ndarray:
        """The outcomes; shape ``(points,)``."""
        return np.asarray(self.fits.lead.plan.outcome[self.origin.hidden])

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The inputs of the hidden runs, by name."""
        every = [*self.drawn.values(), *([] if self.first is None else [self.first.drawn])]
        return {name: values for each in every for name, values in each.inputs.items()}

    @property
    def unconverged(self) -> int:
        """How many of the fits have not converged."""
        fits = [*self.fits.posteriors.values(), *(() if self.first is None else self.first.fits.posteriors.values())]
        return sum(not each.diagnostics.converged for each in fits)


@dataclass(frozen=True)
class Stage:
    """An input of later laws, forecast at the hidden runs.

    Attributes
    ----------
    column
        The outcome of its laws, which is a column of the later ones.
    """

    column: str
    fits: Average
    drawn: Drawn

    @property
    def carried(self) -> dict[str, Carried]:
        """The draws, for laws that read the column."""
        return {self.column: Carried(self.drawn.mean, self.drawn.run)}

    def at(self, hidden: Runs) -> Runs:
        """The hidden runs with the medians of the forecasts in place of what was measured."""
        return hidden.with_columns({self.column: np.median(self.drawn.run, axis=0)})


def looks(
    plans: Mapping[str, Plan], origins: Sequence[Origin], *, through: Mapping[str, Plan] | None = None,
    drift: Drifting = True, weights: str = EQUAL, sampling: Sampling = Sampling(), seed: int = 0,
    place: Workplace = HERE,
) -> Iterator[Look]:  # fmt: skip
    """Fit every law to what each origin sees, and forecast the rest.

    Parameters
    ----------
    plans
        The plan of each law by name, for all of the runs, which are the same for all laws.
    origins
        Origins that see enough of the runs; see :func:`bayeslaw.validation.backtest.origins.those_that_see_enough`.
    through
        The plans of laws whose outcome is an input of the others; it is then forecast too, by their average.
    sampling, seed, place
        How all fits are sampled, and where.

    """
    stages = through or {}
    every_plan = [*plans.values(), *stages.values()]
    seen = [plan.hiding(origin.hidden) for origin in origins for plan in every_plan]
    place.watch.expect(len(seen))
    every = fit_many(seen, seed=seed, patient=sampling.patience, **sampling.settings, **place.part(len(seen)))
    for origin, found in zip(origins, batched(every, len(every_plan)), strict=True):
        fits = dict(zip(plans, found[: len(plans)], strict=True))
        hidden, first = next(iter(plans.values())).runs.take(origin.hidden), None
        if stages:
            first = _stage(dict(zip(stages, found[len(plans) :], strict=True)), hidden, drift)
            hidden = first.at(hidden)
        carried = None if first is None else first.carried
        # A law forecasts alone and within the average: in an average it drifts less.
        alone = {name: Average.of(each) for name, each in fits.items()}
        drawn = {
            name: draw_each(one, hidden, None, drifts_of(one, drift), carried)[name] for name, one in alone.items()
        }
        asked = average(fits, weights) if len(fits) > 1 else Average.of(*fits.values())
        together = None
        if len(fits) > 1:
            together = mixture(asked, draw_each(asked, hidden, None, drifts_of(asked, drift), carried))
        yield Look(origin, asked, drawn, together, first)


def _stage(fits: Mapping[str, Posterior], hidden: Runs, drift: Drifting) -> Stage:
    """The outcome of the first laws at hidden runs."""
    asked = average(fits, EQUAL) if len(fits) > 1 else Average.of(*fits.values())
    # A drift of one's own is that of the answer, and not of what it is read off.
    drifts = drifts_of(asked, drift if isinstance(drift, bool) else True)
    return Stage(asked.lead.law.output.column, asked, mixture(asked, draw_each(asked, hidden, None, drifts)))


def named_laws(laws: str | Law | Iterable[str | Law]) -> dict[str, Law]:
    """Laws by name, names of the catalogue looked up.

    Raises
    ------
    QuestionError
        When there are no laws, or one is given twice.
    LawError
        When a law is not known.
    """
    given = [laws] if isinstance(laws, str | Law) else list(laws)
    found = [catalogue.find(each) for each in given]
    names = [each.name for each in found]
    if not names or len(set(names)) < len(names):
        raise QuestionError(f"laws: give different ones, one or more, not {listed(names) or 'none'}.")
    return dict(zip(names, found, strict=True))
