"""The result of a fit: draws with their law, their runs and the sampler's statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.model.plan import Plan, bounded, deviation_name, spread_name, unbounded
from bayeslaw.inference.model.pooling import Grouping, family_groupings
from bayeslaw.language.law import Law
from bayeslaw.note import Note
from bayeslaw.runs.stand_ins import NEW, POPULATION, Group, StandIn, meant
from bayeslaw.runs.table import Runs
from bayeslaw.words import argument

if TYPE_CHECKING:
    import xarray

    from bayeslaw.inference.posterior.summary import PosteriorSummary


@dataclass(frozen=True)
class Posterior:
    """Draws of a law's parameters given runs.

    Made by :func:`bayeslaw.fit` or :func:`bayeslaw.load`; by :func:`bayeslaw.published` from a paper, without runs.

    Attributes
    ----------
    plan
        The plan that was fitted: the law with its priors and noise, the fitted runs, and the pooling.
    values
        Draws of everything sampled, by name, each of shape ``(chains, draws, ...)``.
    flat
        The same draws in unbounded coordinates; shape ``(chains, draws, size)``.
    stats
        The sampler's statistics of each draw, by ArviZ's names; each of shape ``(chains, draws)``.
    seed
        Seed of the sampler, and of the random numbers of later questions.
    versions
        Versions of the packages behind the draws.
    target_accept
        The acceptance rate that the sampler was given, which later fits to the same runs use too; None for the default.
    patient
        Whether the fit did not converge at first, and was repeated with patience.
    notes
        Notes on what its runs cannot identify, and on its residuals; answers repeat the serious ones, and all of
        published values.
    published_by
        Bibliography key of published values; None for a fit.
    """

    plan: Plan
    values: Mapping[str, np.ndarray]
    flat: np.ndarray
    flat_names: tuple[str, ...]
    stats: Mapping[str, np.ndarray]
    seed: int
    versions: Mapping[str, str]
    target_accept: float | None = None
    patient: bool = False
    notes: tuple[Note, ...] = ()
    published_by: str | None = None

    def __repr__(self) -> str:
        chains, draws = self.flat.shape[:2]
        if self.published_by is not None:
            return f"Posterior({self.name}, as published, {self.size} draws)"
        families = f", families by {self.family}" if self.family else ""
        state = "converged" if self.diagnostics.converged else "NOT converged"
        return f"Posterior({self.law.name}, {len(self.runs)} runs{families}, {chains} x {draws} draws, {state})"

    @property
    def law(self) -> Law:
        """The law, with the fitted priors and noise."""
        return self.plan.law

    @property
    def name(self) -> str:
        """The name of the law, with the source of published values."""
        return self.law.name if self.published_by is None else f"{self.law.name}:{self.published_by}"

    @property
    def runs(self) -> Runs:
        """The fitted runs."""
        return self.plan.runs

    @property
    def family(self) -> str | None:
        """The column of the families; None for a fit of one family."""
        return self.plan.family

    @property
    def pool(self) -> Mapping[str, str]:
        """The caller's pooling of single parameters."""
        return self.plan.pool

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Whether the draws can be trusted."""
        return Diagnostics.of(self.flat, list(self.flat_names), self.stats)

    @property
    def draws_again(self) -> int | None:
        """Draws per chain for later fits to the same runs; None, the default, where this fit took patience."""
        return None if self.patient else self.flat.shape[1]

    @property
    def size(self) -> int:
        """The number of draws over all chains."""
        return int(self.flat.shape[0] * self.flat.shape[1])

    @cached_property
    def usual(self) -> Mapping[str, np.ndarray]:
        """The inputs in whose middle a question holds what it leaves open: of the runs, each of shape ``(runs,)``.

        Of published values, the reference scales of the law.
        """
        if self.published_by is None:
            return self.plan.inputs
        return {one.name: np.array([one.reference]) for one in self.law.inputs.values() if one.reference is not None}

    def require_runs(self, what: str) -> None:
        """Refuse what only a fit has.

        Raises
        ------
        QuestionError
            Of published values.
        """
        if self.published_by is not None:
            raise QuestionError(
                f"{self.name}: {what} needs a fit, and published values come without runs; fit the law to runs."
            )

    @cached_property
    def family_grouping(self) -> Grouping | None:
        """The grouping of families: the family column, or its finest combination."""
        if self.family is None:
            return None
        return self.plan.groupings[family_groupings(self.family)[-1]]

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the fitted families; empty for a fit of one family."""
        return () if self.family_grouping is None else self.family_grouping.labels

    def draws(self, name: str) -> np.ndarray:
        """Draws of one sampled quantity with chains concatenated; shape ``(size, ...)``."""
        if name not in self.values:
            raise QuestionError(
                f"this posterior has no '{name}'{did_you_mean(name, self.values)}; it has {listed(self.values, 20)}."
            )
        return self.values[name].reshape(self.size, *self.values[name].shape[2:])

    def parameters(
        self, groups: Mapping[str, Group] | None = None, rng: np.random.Generator | None = None
    ) -> dict[str, np.ndarray]:
        """Draws of every parameter for one family, each of shape ``(size,)``.

        Parameters
        ----------
        groups
            By column, the value the family has there, ``"new"`` (the default of every column) or ``"population"``.
        rng
            For new groups, whose deviations are drawn from the population.
        """
        groups, rng = groups or {}, rng or np.random.default_rng(self.seed)
        found: dict[str, np.ndarray] = {}
        for name, parameter in self.law.parameters.items():
            pooling = self.plan.poolings[name]
            if self.published_by is not None and name in self.law.noise_parameters and name not in self.values:
                continue
            if pooling.kind == "none":
                at = self._level(pooling.groupings[0], groups)
                found[name] = self.draws(name)[:, at] if isinstance(at, int) else parameter.prior.draw(rng, self.size)
                continue
            constant = parameter.prior.is_constant and name not in self.values
            population = np.full(self.size, parameter.prior.arguments[0]) if constant else self.draws(name)
            if pooling.kind == "complete":
                found[name] = population
                continue
            value = unbounded(parameter.prior, population)
            for grouping in pooling.groupings:
                at = self._level(grouping, groups)
                if isinstance(at, int):
                    value = value + self.draws(deviation_name(name, grouping))[:, at]
                elif at == NEW:
                    value = value + self.draws(spread_name(name, grouping)) * rng.standard_normal(self.size)
            found[name] = bounded(parameter.prior, value)
        return found

    def by_family(self, name: str) -> dict[str, np.ndarray]:
        """Draws of one parameter for each fitted family, each of shape ``(size,)``."""
        if name not in self.law.parameters:
            raise QuestionError(
                f"law '{self.law.name}' has no parameter '{name}'{did_you_mean(name, self.law.parameters)}."
            )
        if self.family is None:
            return {"": self.parameters()[name]}
        return {family: self.parameters(self.groups_of(family))[name] for family in self.families}

    def groups_of(self, family: Group | Mapping[str, Group] | None) -> dict[str, Group]:
        """The groups by column of a family, given by name, by column, as ``"new"``, as ``"population"`` or not at all.

        A family that is called one of these words takes precedence; see :mod:`bayeslaw.runs.stand_ins`.

        Raises
        ------
        QuestionError
            When no run was of this family; the message suggests the closest name.
        """
        columns = sorted({column for grouping in self.plan.groupings.values() for column in grouping.columns})
        if isinstance(family, Mapping):
            for column in family:
                if column not in columns:
                    raise QuestionError(
                        f"the fit did not pool over a column '{column}'{did_you_mean(column, columns)}; "
                        f"it pooled over {listed(columns) or 'nothing'}."
                    )
            return {column: self._group(column, value) for column, value in family.items()}
        grouping = self.family_grouping
        asked = NEW if family is None else meant(family, grouping.labels if grouping else ())
        if isinstance(asked, StandIn) and (columns or asked == POPULATION or family is None):
            return dict.fromkeys(columns, asked)
        if grouping is None:
            raise QuestionError(
                f"the fit has no families, so it knows no family '{family}'; leave it out, or fit again with "
                f"{argument('family', 'COLUMN')}."
            )
        if asked is None:
            raise QuestionError(
                f"no run was of family '{family}'{did_you_mean(str(family), grouping.labels)}; families: "
                f"{listed(grouping.labels)}; say '{NEW.beside(grouping.labels)}' for one drawn from the population."
            )
        return dict(zip(grouping.columns, grouping.levels[grouping.labels.index(str(family))], strict=True))

    def _group(self, column: str, value: Group) -> Group:
        """The group or stand-in that a value of a column means."""
        known = {name for grouping in self.plan.groupings.values() for name in grouping.names(column)}
        asked = meant(value, known)
        if asked is None:
            raise QuestionError(
                f"column '{column}' has no '{value}'{did_you_mean(str(value), known)}; known: "
                f"{listed(sorted(known))}; or say '{NEW.beside(known)}' or '{POPULATION.beside(known)}'."
            )
        return asked

    def _level(self, grouping: str, groups: Mapping[str, Group]) -> int | StandIn:
        """The position of a group among the fitted ones, or its stand-in."""
        known = self.plan.groupings[grouping]
        values = tuple(meant(groups.get(column, NEW), known.names(column)) for column in known.columns)
        if POPULATION in values:
            return POPULATION
        return known.levels.index(values) if values in known.levels else NEW

    def summary(self) -> PosteriorSummary:
        """Every parameter as a table; see :func:`bayeslaw.inference.posterior.summary.posterior_summary`."""
        from bayeslaw.inference.posterior.summary import posterior_summary

        self.require_runs("a summary")
        return posterior_summary(self)

    def save(self, path: str | Path) -> Path:
        """Write the posterior to one NetCDF file; an existing file is replaced only when all is written."""
        from bayeslaw.inference.posterior.storage import save

        self.require_runs("a file")
        return save(self, Path(path))

    def to_datatree(self, rename: Mapping[str, str] | None = None) -> xarray.DataTree:
        """The fit in ArviZ's groups, for its summaries, pictures and checks of sensitivity.

        =========================================  =================================================================
        ``posterior``, ``prior``                   what is sampled; ``alpha_family``, the value of ``alpha`` in each
                                                   family; derived quantities; 1,000 draws of the prior
        ``posterior_predictive``,                  the fitted runs once more, under each draw
        ``prior_predictive``
        ``log_likelihood``                         of each run, times its weight
        ``log_prior``                              of each parameter and spread; not of deviations, whose distribution
                                                   is a part of the model
        ``observed_data``, ``constant_data``       outcomes; inputs, and the group of each run (``family_index``,
                                                   ``family_label``)
        ``sample_stats``,                          the sampler's statistics, and its coordinates
        ``unconstrained_posterior``
        =========================================  =================================================================

        Dimensions are ``run``, by row in the file, and the columns of groups, as in :func:`bayeslaw.to_pymc`.
        Variables have ``long_name`` and ``units``.  All but the draws is made when asked for, and takes no room in a
        saved fit.

        Parameters
        ----------
        rename
            Other names for variables.  ArviZ's pictures of sensitivity have a dimension ``alpha`` of their own and
            refuse a variable of that name: ``plot_psense_dist(posterior.to_datatree({"alpha": "exponent"}))``.

        Raises
        ------
        QuestionError
            Of published values, and when a name is not there or taken.
        """
        from bayeslaw.inference.posterior.datatree import to_datatree

        self.require_runs("a data tree")
        return to_datatree(self, rename)
