"""Looking ahead: laws fitted to what an origin sees, and their forecasts of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import batched

import numpy as np

from bayeslaw.ask.average import EQUAL, Average
from bayeslaw.ask.compare.averaging import average
from bayeslaw.ask.forecast.draws import Drawn
from bayeslaw.ask.forecast.drift import Drifting, drifts_of
from bayeslaw.ask.forecast.mixture import draw_each, mixture
from bayeslaw.ask.where.extrapolation import furthest, measured_ahead
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.work import Sampling
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.workplace import HERE, Workplace
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
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
    """

    origin: Origin
    fits: Average
    drawn: Mapping[str, Drawn]
    together: Drawn | None

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
        known = (self.drawn[name] for name, fit in self.fits.posteriors.items() if measured_ahead(fit) == "factor")
        return np.asarray(np.fmax.reduce([unknown, *(furthest(each.extrapolation) for each in known)]))

    @property
    def observed(self) -> np.ndarray:
        """The outcomes; shape ``(points,)``."""
        return np.asarray(self.fits.lead.plan.outcome[self.origin.hidden])

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The inputs of the hidden runs, by name."""
        return {name: values for each in self.drawn.values() for name, values in each.inputs.items()}

    @property
    def unconverged(self) -> int:
        """How many of the fits have not converged."""
        return sum(not each.diagnostics.converged for each in self.fits.posteriors.values())


def looks(
    plans: Mapping[str, Plan], origins: Sequence[Origin], *, drift: Drifting = True, weights: str = EQUAL,
    sampling: Sampling = Sampling(), seed: int = 0, place: Workplace = HERE,
) -> Iterator[Look]:  # fmt: skip
    """Fit every law to what each origin sees, and forecast the rest.

    Parameters
    ----------
    plans
        The plan of each law by name, for all of the runs, which are the same for all laws.
    origins
        Origins that see enough of the runs; see :func:`bayeslaw.validation.backtest.origins.those_that_see_enough`.
    sampling, seed, place
        How all fits are sampled, and where.

    """
    seen = [plan.hiding(origin.hidden) for origin in origins for plan in plans.values()]
    place.watch.expect(len(seen))
    every = fit_many(seen, seed=seed, patient=sampling.patience, **sampling.settings, **place.part(len(seen)))
    for origin, found in zip(origins, batched(every, len(plans)), strict=True):
        fits = dict(zip(plans, found, strict=True))
        hidden = next(iter(plans.values())).runs.take(origin.hidden)
        # A law forecasts alone and within the average: in an average it drifts less.
        alone = {name: Average.of(each) for name, each in fits.items()}
        drawn = {name: draw_each(one, hidden, None, drifts_of(one, drift))[name] for name, one in alone.items()}
        asked = average(fits, weights) if len(fits) > 1 else Average.of(*fits.values())
        together = mixture(asked, draw_each(asked, hidden, None, drifts_of(asked, drift))) if len(fits) > 1 else None
        yield Look(origin, asked, drawn, together)


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
