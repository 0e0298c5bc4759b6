"""Looking ahead: laws fitted to what an origin sees, and what they foretell of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.ask.average import Average, average
from bayeslaw.ask.drawn import Drawn
from bayeslaw.ask.drift import Drifting
from bayeslaw.ask.mixture import draw_each, mixture
from bayeslaw.errors import BayeslawError
from bayeslaw.fit.fitting import fit
from bayeslaw.fit.runs import Runs
from bayeslaw.law.law import Law
from bayeslaw.proof.origins import Origin
from bayeslaw.proof.report import AVERAGE


@dataclass(frozen=True)
class Look:
    """What laws foretell from one origin.

    Attributes
    ----------
    fits
        The laws fitted to what is seen, with the weights of their average.
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
        """Compute of the hidden runs as a multiple of the largest seen, NaN where no law knows it."""
        return np.asarray(np.fmax.reduce([each.extrapolation["flops_ratio"] for each in self.drawn.values()]))

    @property
    def observed(self) -> np.ndarray:
        """What happened; shape ``(points,)``."""
        return np.asarray(self.fits.lead.plan.outcome[self.origin.hidden])

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """What the laws read of the hidden runs, by input."""
        return {name: values for each in self.drawn.values() for name, values in each.inputs.items()}

    @property
    def unconverged(self) -> int:
        """How many of the fits have not converged."""
        return sum(not each.diagnostics.converged for each in self.fits.posteriors.values())


def looks(
    laws: Mapping[str, Law], runs: Runs, origins: Sequence[Origin], family: str | None, pool: Mapping[str, str],
    drift: Drifting, weights: str, draws: int | None, seed: int, tell: Callable[[str], None],
) -> Iterator[Look]:  # fmt: skip
    """Fit every law to what each origin sees, and ask it of the rest.

    Raises
    ------
    RunsError, LawError, PoolingError
        When a law cannot be fitted to what an origin sees; it says which origin.
    """
    for origin in origins:
        seen, fits = runs.hiding(origin.hidden), {}
        for name, law in laws.items():
            tell(f"seen from {origin.name}: {name}")
            try:
                fits[name] = fit(law, seen, family, pool_of(law, pool), draws=draws, seed=seed)
            except BayeslawError as error:
                raise type(error)(f"seen from {origin.name}: {error}") from None
        hidden = runs.take(origin.hidden)
        # A law is asked alone and within the average: it drifts less where others have their say.
        drawn = {name: draw_each(Average.of(each), hidden, None, drift)[name] for name, each in fits.items()}
        asked = average(fits, weights) if len(fits) > 1 else Average.of(*fits.values())
        together = mixture(asked, draw_each(asked, hidden, None, drift)) if len(fits) > 1 else None
        yield Look(origin, asked, drawn, together)


def pool_of(law: Law, pool: Mapping[str, str] | None) -> dict[str, str]:
    """How groups share those parameters that a law has."""
    return {name: kind for name, kind in (pool or {}).items() if name in law.parameters}
