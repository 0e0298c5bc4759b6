"""The plan of a fit: which values are sampled, how they make up the parameters of every run, and the data.

One plan, two interpreters: ``numpyro_model`` samples it, ``pymc_model`` hands it to PyMC users.  Both read it the
same way:

* a parameter pooled ``complete`` is one value with the law's prior;
* pooled ``none``, a vector with the law's prior;
* pooled ``partial``, a population value with the law's prior, a spread a grouping, and a deviation a group,

      parameter[g] = scale⁻¹( scale(population) + Σ deviation[g] ),   deviation ~ Normal(0, spread),

  with ``scale`` the log of positive parameters, the logit of shares and the identity else.

This is the plain, centred form; how it is best sampled is the business of ``geometry``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.inference.model.pooling import Grouping, Pooling, plan_pooling
from bayeslaw.language.formula.functions import LINKS, NUMPY_WORDS
from bayeslaw.language.law import Law, Prior
from bayeslaw.runs.observations import standard_error_column
from bayeslaw.runs.table import Runs


@dataclass(frozen=True)
class Structure:
    """All of a plan that shapes a compiled program: two plans with equal structures share one.

    Attributes
    ----------
    sizes
        The number of groups of each grouping.
    rows
        The number of rows of the data arrays, runs and padding.
    """

    law: Law
    poolings: tuple[tuple[str, Pooling], ...]
    sizes: tuple[tuple[str, int], ...]
    rows: int

    @cached_property
    def size_of(self) -> dict[str, int]:
        """The number of groups by grouping name."""
        return dict(self.sizes)

    def pooling_of(self, parameter: str) -> Pooling:
        """How one parameter is pooled."""
        return dict(self.poolings)[parameter]

    @cached_property
    def effects(self) -> tuple[tuple[str, str, str], ...]:
        """Every partial effect as (parameter, grouping, name of its deviations), in the order they are sampled."""
        return tuple(
            (name, grouping, deviation_name(name, grouping))
            for name, pooling in self.poolings
            if pooling.kind == "partial"
            for grouping in pooling.groupings
        )

    @cached_property
    def sites(self) -> tuple[tuple[str, Prior | None, int | None], ...]:
        """Everything sampled: its name, its prior (None for deviations) and its length (None for a scalar)."""
        found: list[tuple[str, Prior | None, int | None]] = []
        for name, pooling in self.poolings:
            parameter = self.law.parameters[name]
            if not parameter.prior.is_constant:
                length = self.size_of[pooling.groupings[0]] if pooling.kind == "none" else None
                found.append((name, parameter.prior, length))
            if pooling.kind == "partial":
                for grouping in pooling.groupings:
                    found.append((spread_name(name, grouping), parameter.spread, None))
                    found.append((deviation_name(name, grouping), None, self.size_of[grouping]))
        return tuple(found)


def spread_name(parameter: str, grouping: str) -> str:
    """The name under which a spread between groups is sampled."""
    return f"{parameter}_spread_{grouping}"


def deviation_name(parameter: str, grouping: str) -> str:
    """The name under which the groups' deviations are sampled."""
    return f"{parameter}_deviation_{grouping}"


@dataclass(frozen=True)
class Plan:
    """A law, the runs it is fitted to, and how its parameters are pooled.

    Made by :func:`make_plan`.
    """

    law: Law
    runs: Runs
    family: str | None
    poolings: Mapping[str, Pooling]
    groupings: Mapping[str, Grouping]
    inputs: Mapping[str, np.ndarray]
    outcome: np.ndarray
    weights: np.ndarray

    @cached_property
    def fitted(self) -> Mapping[str, np.ndarray]:
        """The inputs of the runs that count, without those of weight 0; each of shape ``(fitted runs,)``."""
        return {name: values[self.weights > 0] for name, values in self.inputs.items()}

    @cached_property
    def structure(self) -> Structure:
        """What a compiled program depends on."""
        return Structure(
            law=self.law,
            poolings=tuple(self.poolings.items()),
            sizes=tuple((g.name, len(g.levels)) for g in self._used_groupings),
            rows=padded(len(self.outcome)),
        )

    @cached_property
    def _used_groupings(self) -> tuple[Grouping, ...]:
        used = {name for pooling in self.poolings.values() for name in pooling.groupings}
        return tuple(g for name, g in self.groupings.items() if name in used)

    def data(self) -> dict[str, Any]:
        """The arguments of the model: arrays only, padded to the structure's rows with rows of weight 0."""
        extra = self.structure.rows - len(self.outcome)

        def pad(values: np.ndarray) -> np.ndarray:
            return np.concatenate([values, np.repeat(values[-1:], extra)]) if extra else values

        hoisted = hoist(self.law).data(self.law, self.inputs)
        return {
            "arrays": {name: pad(values) for name, values in hoisted.items()},
            "outcome": pad(self.outcome),
            "weights": np.concatenate([self.weights, np.zeros(extra)]),
            # Added to the mean of every run: the way to differentiate with respect to it.
            "shift": np.zeros(self.structure.rows),
            "groups": {g.name: pad(g.index) for g in self._used_groupings},
        }


# A program is compiled for a number of rows; a few more rows of weight 0 cost less than another compilation.
SHARED_ROWS = 16


def padded(rows: int) -> int:
    """The rows of a compiled program for so many runs: the next multiple of 16, or of an eighth of a power of 2."""
    step = max(SHARED_ROWS, 2 ** (max(rows - 1, 1).bit_length() - 4))
    return int(-(-rows // step) * step)


def make_plan(law: Law, runs: Runs, family: str | None = None, pool: Mapping[str, str] | None = None) -> Plan:
    """Check runs against a law and lay out the fit.

    Known standard errors of the outcome, a column ``loss_se`` or ``se``, add to the noise of the law that is fitted.

    Parameters
    ----------
    family
        Column (or ``a*b``) of the model families; None fits one family.
    pool
        By parameter, how it is pooled; see :mod:`bayeslaw.inference.model.pooling`.

    Raises
    ------
    RunsError, PoolingError
        When the table or the hierarchy cannot carry the law.
    """
    law = _with_known_errors(law, runs)
    inputs = runs.inputs(law)
    outcome = runs.outcome(law)
    runs.check_enough(law)
    poolings, groupings = plan_pooling(law, runs, family, pool)
    return Plan(law, runs, family, poolings, groupings, inputs, outcome, runs.weights())


def _with_known_errors(law: Law, runs: Runs) -> Law:
    """The law with what the table knows of the errors of its outcomes, where its noise has a scale."""
    column = standard_error_column(runs, law)
    if column is None or law.output.likelihood.family.scale is None:
        return law
    runs.standard_error(law)  # refuses what is no error
    return law.with_known_error(column)


_UNBOUND = {"positive": LINKS["log"], "unit": LINKS["logit"], "real": LINKS["identity"]}
_BOUND = {"positive": NUMPY_WORDS["exp"], "unit": NUMPY_WORDS["sigmoid"], "real": LINKS["identity"]}


def unbounded(prior: Prior, value: Any) -> Any:
    """Values of a parameter with this prior, on the scale on which groups' deviations add."""
    return _UNBOUND[prior.support](value)


def bounded(prior: Prior, value: Any) -> Any:
    """The inverse of :func:`unbounded`."""
    return _BOUND[prior.support](value)
