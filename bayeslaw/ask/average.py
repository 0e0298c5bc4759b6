"""Several laws as one: posteriors with weights, which answer questions like a single posterior.

An average is a mixture.  Its draws are draws of its posteriors in proportion to their weights, so an answer includes
the uncertainty about the law as well as the uncertainty within each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import BayeslawError, QuestionError, listed, shown
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note, by_name, serious

# The word for equal weights.
EQUAL = "equal"
# A law with more weight than this dominates the average: the other laws do not affect a 90 % interval.
DOMINANT = 0.95
# The code of the note about it.
ONE_LAW = "one-law"


@dataclass(frozen=True)
class Average:
    """Posteriors with weights.

    Made by :func:`bayeslaw.average`; a single posterior is an average too.

    Attributes
    ----------
    posteriors
        By the names that messages and answers use.
    weights
        Weights by the same names; they sum to 1.
    about
        Notes on how it was made.
    """

    posteriors: Mapping[str, Posterior]
    weights: Mapping[str, float]
    about: tuple[Note, ...] = ()

    @staticmethod
    def of(asked: Posterior | Average) -> Average:
        """A fit or an average, as an average."""
        return asked if isinstance(asked, Average) else Average({checked(asked).name: asked}, {asked.name: 1.0})

    def __repr__(self) -> str:
        return f"Average({listed(f'{name} {weight:.3f}' for name, weight in self.weights.items())})"

    @property
    def name(self) -> str:
        """The names of all posteriors."""
        return " + ".join(self.posteriors)

    @property
    def title(self) -> str:
        """For a heading."""
        if len(self.posteriors) > 1:
            return f"Average of {listed(self.posteriors)}"
        source = self.lead.published_by
        return self.lead.law.title if source is None else f"{self.lead.law.title} as published ({source})"

    @property
    def lead(self) -> Posterior:
        """The posterior whose law reads the most inputs; of several such, the one with the most weight."""
        names = sorted(self.posteriors, key=lambda name: -self.weights[name])
        return max((self.posteriors[name] for name in names), key=lambda each: len(each.law.free_inputs))

    @property
    def families(self) -> tuple[str, ...]:
        """The families that all posteriors have."""
        first, *others = (each.families for each in self.posteriors.values())
        return tuple(family for family in first if all(family in other for other in others))

    @property
    def link(self) -> str:
        """The scale on which parts of the uncertainty are compared: that of the noise where all have the same."""
        links = {each.law.output.link for each in self.posteriors.values()}
        return links.pop() if len(links) == 1 else "identity"

    @property
    def diagnostics(self) -> Diagnostics:
        """The diagnostics of the least trustworthy posterior."""
        return Diagnostics.worst(posterior.diagnostics for posterior in self.posteriors.values())

    @property
    def measured(self) -> bool:
        """Whether all have runs, from which distances are measured."""
        return all(each.published_by is None for each in self.posteriors.values())

    @property
    def dominant(self) -> str | None:
        """The posterior that has nearly all of the weight, if there are several and one has."""
        name = max(self.weights, key=lambda each: self.weights[each])
        return name if len(self.weights) > 1 and self.weights[name] > DOMINANT else None

    @property
    def notes(self) -> tuple[Note, ...]:
        """Serious notes of the fits, those of their laws, all of published values, and one if a law dominates."""
        found = {
            name: (
                *posterior.diagnostics.notes,
                *posterior.law.notes,
                *(serious(posterior.notes) if posterior.published_by is None else posterior.notes),
            )
            for name, posterior in self.posteriors.items()
        }
        if self.dominant is None:
            return (*by_name(found), *self.about)
        share = self.weights[self.dominant]
        alone = Note(
            ONE_LAW, "info", f"'{self.dominant}' has {share:.3f} of the weight, so the average says what it says.",
            "Compare it with an average with equal weights.",
        )  # fmt: skip
        return (*by_name(found), *self.about, alone)

    def save(self, path: str | Path) -> Path:
        """Write the average to one NetCDF file; an existing file is replaced only when all is written."""
        from bayeslaw.ask.saving import save

        for each in self.posteriors.values():
            each.require_runs("a file")
        return save(self.posteriors, self.weights, self.about, Path(path))

    @cached_property
    def rows(self) -> Mapping[str, np.ndarray]:
        """Which draws of each posterior make up the mixture: as many as they have in proportion, spread evenly."""
        sizes = {name: posterior.size for name, posterior in self.posteriors.items()}
        size = min(sizes[name] / weight for name, weight in self.weights.items() if weight > 0)
        counts = {name: round(weight * size) for name, weight in self.weights.items()}
        return {name: np.arange(count) * sizes[name] // count for name, count in counts.items() if count}

    def mixed(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """Draws of the mixture from those under each posterior, which have shape ``(size, ...)``."""
        return np.concatenate([draws[name][rows] for name, rows in self.rows.items()])

    def require(self, allow_unconverged: bool = False) -> None:
        """Refuse to answer from chains that have not converged, unless that is allowed.

        Raises
        ------
        ConvergenceError
            With the first posterior that has not.
        """
        for name, posterior in self.posteriors.items():
            posterior.diagnostics.require(allow_unconverged, name if len(self.posteriors) > 1 else "")

    @contextmanager
    def naming(self, name: str) -> Iterator[None]:
        """Name the posterior that an error is about, if there are several."""
        try:
            yield
        except BayeslawError as error:
            if len(self.posteriors) == 1:
                raise
            raise type(error)(f"{name}: {error}") from None


def checked(asked: Any) -> Posterior:
    """Return the argument if it is a fit; refuse anything else."""
    if not isinstance(asked, Posterior):
        raise QuestionError(f"questions are asked of fits, as fit() and load() give them, not of {shown(asked)}.")
    return asked
