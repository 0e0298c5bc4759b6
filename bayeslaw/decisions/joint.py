"""Outcomes of several runs together, draw by draw: runs of one law tell about each other.

Each draw has one set of parameters, one new family and one drift for all runs, so that a run beyond the fitted ones
tells of the drift on the way to a larger one (see ``slopes``).  The scatter about the law is each run's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families, alike, groups_at
from bayeslaw.ask.forecast.drift import Drift
from bayeslaw.decisions.slopes import slopes_at
from bayeslaw.inference.base.streams import CONSIDERED, NEW_FAMILY, generator
from bayeslaw.inference.model.values import Random
from bayeslaw.inference.posterior.densities import DENSITIES
from bayeslaw.inference.posterior.noise import arguments_of, expected
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.likelihoods import LikelihoodFamily
from bayeslaw.runs import observations
from bayeslaw.runs.table import Runs


@dataclass(frozen=True)
class Block:
    """The draws of one posterior.

    Attributes
    ----------
    mean
        The law itself, with its drift; shape ``(draws, points)``.
    likelihood
        The name of its likelihood.
    arguments
        Those of the likelihood; each of shape ``(draws, points)``.
    outcome
        One new run at each point; shape ``(draws, points)``.
    """

    mean: np.ndarray
    likelihood: str
    family: LikelihoodFamily
    arguments: Sequence[np.ndarray]
    outcome: np.ndarray

    def taken(self, rows: np.ndarray) -> Block:
        """Some of the draws."""
        arguments = [each[rows] for each in self.arguments]
        return Block(self.mean[rows], self.likelihood, self.family, arguments, self.outcome[rows])

    def log_density(self, point: int, outcomes: np.ndarray) -> np.ndarray:
        """The log density of outcomes at a point under every draw; shape ``(outcomes, draws)``."""
        arguments = (each[:, point] for each in self.arguments)
        with np.errstate(all="ignore"):  # outcomes of heavy tails, and means where a law means nothing
            return np.asarray(DENSITIES[self.likelihood](outcomes[:, None], *arguments))


@dataclass(frozen=True)
class Joint:
    """Draws of the outcomes of some runs under one posterior or an average of several.

    Attributes
    ----------
    blocks
        By the name of the posterior, in the order of the mixture.
    """

    blocks: Mapping[str, Block]

    @property
    def mean(self) -> np.ndarray:
        """The law itself; shape ``(size, points)``."""
        return np.concatenate([each.mean for each in self.blocks.values()])

    @property
    def outcome(self) -> np.ndarray:
        """One new run at each point; shape ``(size, points)``."""
        return np.concatenate([each.outcome for each in self.blocks.values()])

    def log_density(self, point: int, outcomes: np.ndarray) -> np.ndarray:
        """The log density of outcomes at a point under every draw; shape ``(outcomes, size)``."""
        return np.concatenate([each.log_density(point, outcomes) for each in self.blocks.values()], axis=1)


def family_columns(asked: Average) -> list[str]:
    """The columns over which some fit pooled."""
    every = (each.plan.groupings.values() for each in asked.posteriors.values())
    return sorted({column for groupings in every for grouping in groupings for column in grouping.columns})


def families_of(asked: Average, table: Runs, family: Families) -> Families:
    """The families of a table's rows: their own, where it has a column of them; else the one that is asked about."""
    own = not table.wording.by_hand and any(table.has(column) for column in family_columns(asked))
    return None if own else family


def draw_jointly(asked: Average, tables: Sequence[tuple[Runs, Families]], drifts: Mapping[str, Drift]) -> Joint:
    """Draw the outcomes of the runs of some tables together.

    Parameters
    ----------
    tables
        Each with the families of its points, as :func:`bayeslaw.forecast` takes them; points follow one another.
    drifts
        By the name of the posterior.

    Raises
    ------
    QuestionError
        When a family is unknown, or the noise needs an input that is not given.
    RunsError
        When a value cannot be an input of a law.
    """
    blocks = {}
    for name, rows in asked.rows.items():
        posterior = asked.posteriors[name]
        rng = generator(posterior.seed, CONSIDERED)
        with asked.naming(name):
            parts = [_drawn(posterior, at, family, drifts.get(name), rng) for at, family in tables]
        blocks[name] = _joined(posterior, parts).taken(rows)
    return Joint(blocks)


def _drawn(
    posterior: Posterior, at: Runs, family: Families, drift: Drift | None, rng: Random
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """The law, the arguments of its likelihood and new runs at some points; each of shape ``(size, points)``."""
    inputs, shape = observations.inputs(at, posterior.law), (posterior.size, len(at))
    family_of = posterior.law.output.likelihood.family
    mean, outcome = np.empty(shape), np.empty(shape)
    arguments = [np.empty(shape) for _ in family_of.arguments]
    for groups, columns in alike(groups_at(posterior, at, family)):
        part = {name: values[columns] for name, values in inputs.items()}
        # The random numbers of a forecast, so that all questions speak of one new family.
        parameters = posterior.parameters(groups, generator(posterior.seed, NEW_FAMILY))
        law = expected(posterior, part, parameters)
        mean[:, columns] = (
            law if drift is None else drift.apply(posterior, part, law, slopes_at(drift, posterior, part))
        )
        own = arguments_of(
            posterior.law, part, {name: values[:, None] for name, values in parameters.items()}, mean[:, columns]
        )
        for each, values in zip(arguments, own, strict=True):
            each[:, columns] = values
        with np.errstate(over="ignore"):
            outcome[:, columns] = family_of.draw(rng, *own)
    return mean, arguments, outcome


def _joined(posterior: Posterior, parts: Sequence[tuple[np.ndarray, list[np.ndarray], np.ndarray]]) -> Block:
    means, arguments, outcomes = zip(*parts, strict=True)
    likelihood = posterior.law.output.likelihood
    return Block(
        np.hstack(means), likelihood.name, likelihood.family,
        [np.hstack(each) for each in zip(*arguments, strict=True)], np.hstack(outcomes),
    )  # fmt: skip
