"""The plan of a fit: which values are sampled, how the parameters of every run follow from them, and the data.

One plan, three readers: ``plan_model`` is sampled, ``numpyro_model`` and ``pymc_model`` are for those who go on in
NumPyro or PyMC.  All read it the same way:

* a parameter pooled ``complete`` is one value with the law's prior;
* pooled ``none``, a vector with the law's prior;
* pooled ``partial``, a population value with the law's prior, a spread per grouping, and a deviation per group,

      parameter[g] = scale⁻¹( scale(population) + Σ deviation[g] ),   deviation ~ Normal(0, spread),

  with ``scale`` the log of positive parameters, the logit of shares and the identity else.

This is the plain, centred form; ``coordinates`` decides how to sample it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.inference.model.pooling import Grouping, Pooling, family_groupings, plan_pooling
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.language.law import Law, Prior
from bayeslaw.note import Note
from bayeslaw.runs import observations
from bayeslaw.runs.faults.enough import check_bowls, check_enough
from bayeslaw.runs.notes.checks import notes
from bayeslaw.runs.summary import design_of
from bayeslaw.runs.table import Runs


@dataclass(frozen=True)
class Structure:
    """The part of a plan that determines a compiled program: two plans with equal structures share one.

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

    @cached_property
    def size(self) -> int:
        """The number of values sampled: coordinates of the posterior."""
        return sum(length or 1 for _, _, length in self.sites)


def spread_name(parameter: str, grouping: str) -> str:
    """The sample site of a spread between groups."""
    return f"{parameter}_spread_{grouping}"


def deviation_name(parameter: str, grouping: str) -> str:
    """The sample site of the groups' deviations."""
    return f"{parameter}_deviation_{grouping}"


def index_name(grouping: str) -> str:
    """The position of each run's group in data that PyMC and ArviZ are given; no dimension is called so."""
    return f"{grouping}_index"


@dataclass(frozen=True)
class Plan:
    """A law, the runs it is fitted to, and how its parameters are pooled.

    Made by :func:`make_plan`.  Outcomes and weights are read from the runs and not stored beside them, so a plan always
    agrees with its runs.  The inputs are stored, since sums along a training run may include records that the runs
    lack.

    Attributes
    ----------
    pool
        The caller's pooling of single parameters; `poolings` and `groupings` follow from it.
    inputs
        By name, each float64 of shape ``(runs,)``.
    """

    law: Law
    runs: Runs
    family: str | None
    pool: Mapping[str, str]
    poolings: Mapping[str, Pooling]
    groupings: Mapping[str, Grouping]
    inputs: Mapping[str, np.ndarray]

    @cached_property
    def outcome(self) -> np.ndarray:
        """The outcomes, float64 of shape ``(runs,)``."""
        return self.runs.column(self.law.output.column)

    @cached_property
    def weights(self) -> np.ndarray:
        """How many runs each row counts for, float64 of shape ``(runs,)``; a run of weight 0 is hidden from the fit."""
        return observations.weights(self.runs)

    @property
    def families(self) -> np.ndarray | None:
        """The family of each run, integers of shape ``(runs,)``; None with one family."""
        return None if self.family is None else self.groupings[family_groupings(self.family)[-1]].index

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """Notes on what the runs cannot identify and on what would make intervals wrong; known before a fit."""
        grouping = None if self.family is None else self.groupings[family_groupings(self.family)[-1]]
        groups = None if grouping is None else (grouping.labels, grouping.index)
        found = notes(design_of(self.runs, self.law, self.inputs, self.family, groups))
        return (*(note for note in found if note.severity != "info"), *self.law.notes)

    def hiding(self, hidden: np.ndarray) -> Plan:
        """The plan with some runs hidden: a mask of shape ``(runs,)``."""
        return replace(self, runs=self.runs.hiding(hidden))

    def with_outcome(self, outcome: np.ndarray) -> Plan:
        """The plan of the same runs with other outcomes, such as simulated ones; shape ``(runs,)``."""
        return replace(self, runs=self.runs.with_columns({self.law.output.column: outcome}))

    def beside(self, other: Plan) -> Plan:
        """The joint plan of these runs and those of another plan with the same law, pooling and groups.

        It joins known runs and a table that was simulated from their posterior: rows may repeat in all but the outcome.
        """
        assert (self.law, self.poolings) == (other.law, other.poolings)
        assert all(each.levels == other.groupings[name].levels for name, each in self.groupings.items())
        both = self.self_contained(), other.self_contained()
        return replace(
            self,
            runs=both[0].runs.followed_by(both[1].runs),
            inputs={name: np.concatenate([each.inputs[name] for each in both]) for name in self.inputs},
            groupings={
                name: replace(each, index=np.concatenate([each.index, other.groupings[name].index]))
                for name, each in self.groupings.items()
            },
        )

    def self_contained(self) -> Plan:
        """The same plan with its sums along training runs as columns, so that its runs are self-contained."""
        known = [each for each in self.law.inputs.values() if each.name in self.inputs]
        summed = {each.column: self.inputs[each.name] for each in known if each.along_runs}
        return replace(self, runs=replace(self.runs.with_columns(summed), whole=None)) if summed else self

    @cached_property
    def fitted(self) -> Mapping[str, np.ndarray]:
        """The inputs of the fitted runs, without those of weight 0; each of shape ``(fitted runs,)``."""
        return {name: values[self.weights > 0] for name, values in self.inputs.items()}

    @cached_property
    def structure(self) -> Structure:
        """The structure, which compiled programs depend on."""
        return Structure(
            law=self.law,
            poolings=tuple(self.poolings.items()),
            sizes=tuple((g.name, len(g.levels)) for g in self._used_groupings),
            rows=padded(len(self.outcome), least_rows(self.law, grouped=bool(self._used_groupings))),
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
            # Added to the mean of every run, to differentiate with respect to it.
            "shift": np.zeros(self.structure.rows),
            "groups": {g.name: pad(g.index) for g in self._used_groupings},
        }


# A program is compiled for a number of rows, and a few more of weight 0 cost less than another compilation.  Without
# groups, 64 rows take as long as 16: starting a kernel is what takes time.  Where a row is cheap, 256 of them add one
# to four tenths of a second to a fit, and another program about four seconds.  In groups, coordinates that follow the
# predictions multiply matrices with a column per row.
LEAST_ROWS, LEAST_LIGHT_ROWS, LEAST_ROWS_IN_GROUPS = 64, 256, 32
# From here on, rows cost what they are.
MANY_ROWS = 2048


def least_rows(law: Law, *, grouped: bool) -> int:
    """The fewest rows of a program of a law."""
    if grouped:
        return LEAST_ROWS_IN_GROUPS
    # Densities of shares and counts are gamma functions, those of bounds and frontiers the tails of a normal.
    noise = law.output.likelihood.family
    light = hoist(law).light and noise.outcome in {"real", "positive"} and "bound" not in noise.arguments
    return LEAST_LIGHT_ROWS if light else LEAST_ROWS


def padded(rows: int, least: int) -> int:
    """The rows of a compiled program for this many runs: few different numbers, so that tables share programs.

    The next multiple of half a power of 2, or of an eighth of one where rows are many.
    """
    rows = max(rows, least)
    step = 2 ** ((rows - 1).bit_length() - (2 if rows <= MANY_ROWS else 4))
    return int(-(-rows // step) * step)


def make_plan(law: Law, runs: Runs, family: str | None = None, pool: Mapping[str, str] | None = None) -> Plan:
    """Check runs against a law and lay out the fit: :func:`lay_out`, of runs that can determine the law.

    Raises
    ------
    RunsError, PoolingError
        When the table or the hierarchy cannot carry the law.
    """
    plan = lay_out(law, runs, family, pool)
    check_enough(runs, plan.law)
    check_bowls(runs, plan.law, None if family is None else plan.groupings[family_groupings(family)[-1]].index)
    return plan


def lay_out(law: Law, runs: Runs, family: str | None = None, pool: Mapping[str, str] | None = None) -> Plan:
    """Lay out a law for runs, whose columns are checked, however few they are.

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
    observations.check_columns(runs, law)
    inputs = observations.inputs(runs, law)
    observations.outcome(runs, law)  # refuses what is no outcome of the law
    poolings, groupings = plan_pooling(law, runs, family, pool)
    return Plan(law, runs, family, dict(pool or {}), poolings, groupings, inputs)


def _with_known_errors(law: Law, runs: Runs) -> Law:
    """The law with the table's known errors of outcomes added, where its noise has a scale."""
    column = observations.standard_error_column(runs, law)
    if column is None or law.output.likelihood.family.scale is None:
        return law
    observations.standard_error(runs, law)  # refuses what is no error
    return law.with_known_error(column)


def unbounded(prior: Prior, value: Any) -> Any:
    """Values of a parameter with this prior, on the scale on which groups' deviations add."""
    return LINKS[prior.link](value)


def bounded(prior: Prior, value: Any) -> Any:
    """The inverse of :func:`unbounded`."""
    return UNLINKS[prior.link](value)
