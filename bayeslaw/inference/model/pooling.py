"""How a parameter is shared between groups of runs.

=====================  ==========================================================================
``complete``           one value for all runs
``none:corpus``        a value for each corpus, each with the law's prior, none learning from another
``partial:corpus``     a value for each corpus, drawn from a population that is learned too
``partial:a*b``        a value for each combination of ``a`` and ``b`` that occurs
``partial:a/b``        nested: the population of ``a``, and within each ``a`` a population of ``b``
``partial:a+b``        crossed: a shift for each ``a`` and a shift for each ``b``
=====================  ==========================================================================

A column alone (``corpus``) means ``partial:corpus``; ``partial`` and ``none`` alone take the family column.
Shifts add on the scale on which the parameter has no bounds: the log of a positive one, the logit of a share.

A parameter with a prior ``Constant`` is fixed in every group, whatever the law file recommends for it.  There are
shifts about the constant only where the file names a column other than the families, as
:meth:`bayeslaw.Law.with_group_effect` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bayeslaw.errors import PoolingError, did_you_mean
from bayeslaw.language.law import Law, Parameter
from bayeslaw.runs.table import Runs
from bayeslaw.words import argument, worded

Kind = Literal["complete", "none", "partial"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FORMS = "complete, none:a, partial:a, a*b, a/b or a+b"


@dataclass(frozen=True)
class Grouping:
    """A way to sort runs into groups: a column, or the combinations of several.

    Attributes
    ----------
    name
        The columns joined by ``:``.
    levels
        The groups that occur, each a tuple with one value per column.
    index
        For each run, the position of its group in `levels`; shape ``(runs,)``.
    """

    name: str
    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    index: np.ndarray

    @property
    def labels(self) -> tuple[str, ...]:
        """One text per group."""
        return tuple(":".join(level) for level in self.levels)

    def names(self, column: str) -> set[str]:
        """The values of one of the columns; none of another column."""
        at = self.columns.index(column) if column in self.columns else None
        return set() if at is None else {level[at] for level in self.levels}


@dataclass(frozen=True)
class Pooling:
    """How one parameter is shared: its kind and the groupings its shifts belong to, by name."""

    kind: Kind
    groupings: tuple[str, ...] = ()


COMPLETE = Pooling("complete")


def read_pooling(text: str, parameter: str, family: str | None) -> Pooling:
    """One entry of ``pool={...}`` or ``--pool`` as a :class:`Pooling`.

    Raises
    ------
    PoolingError
        When the text does not have one of the forms above, or needs a family column and there is none.
    """
    if not isinstance(text, str):
        raise PoolingError(f"pool {parameter}: {text!r} is not a text; write {FORMS}.")
    kind, _, columns = (part.strip() for part in text.partition(":"))
    if kind == "complete" and not columns:
        return COMPLETE
    if kind not in ("none", "partial"):
        kind, columns = "partial", text.strip()
    if not columns:
        if family is None:
            raise PoolingError(
                f"pool {parameter}={text}: which column holds the groups? Pass "
                f"{argument('family', 'COLUMN')} or write {parameter}={kind}:COLUMN."
            )
        columns = family
    groupings = _groupings(columns, parameter, text)
    if kind == "none" and len(groupings) > 1:
        raise PoolingError(f"pool {parameter}={text}: without pooling there is one value per group; write none:a*b.")
    return Pooling("partial" if kind == "partial" else "none", groupings)


def _groupings(text: str, parameter: str, whole: str) -> tuple[str, ...]:
    """``a/b`` as ``(a, a:b)``, ``a+b`` as ``(a, b)``, ``a*b`` as ``(a:b,)``."""
    found: list[str] = []
    for crossed in text.split("+"):
        above: list[str] = []
        for nested in crossed.split("/"):
            columns = [c.strip() for c in nested.split("*")]
            if not all(columns):
                raise PoolingError(f"pool {parameter}={whole}: a column is missing; write {FORMS}.")
            above = [*above, *(c for c in columns if c not in above)]
            found.append(":".join(above))
    if len(set(found)) < len(found):
        raise PoolingError(f"pool {parameter}={whole}: a column is given twice.")
    return tuple(found)


def family_groupings(family: str) -> tuple[str, ...]:
    """The groupings of a family column, or of columns combined as ``a*b``, ``a/b`` or ``a+b``; the finest last."""
    return _groupings(family, "family", family)


def group(runs: Runs, name: str, wanted: Parameter | None = None) -> Grouping:
    """Sort runs into the groups of a grouping name such as ``corpus`` or ``corpus:tokenizer``.

    Parameters
    ----------
    wanted
        The parameter that is shared between them, for a message; None for the families.
    """
    columns = tuple(name.split(":"))
    for column in columns:
        if column not in runs.names:
            raise _no_column(runs, column, wanted)
    parts = [runs.levels(column) for column in columns]
    codes = np.stack([index for _, index in parts], axis=1)
    unique, index = np.unique(codes, axis=0, return_inverse=True)
    levels = tuple(tuple(parts[j][0][code] for j, code in enumerate(row)) for row in unique)
    if len(levels) < 2:
        raise PoolingError(
            f"{runs.source}: column '{name}' has the one value '{':'.join(levels[0])}', so there is nothing to pool "
            f"over; leave it out or bring runs of a second group."
        )
    return Grouping(name, columns, levels, index.reshape(-1))


def _no_column(runs: Runs, column: str, wanted: Parameter | None) -> PoolingError:
    known, purpose, forms = list(runs.names), "to pool over", ""
    if wanted is not None and wanted.prior.is_constant:
        purpose = f"whose runs could err together{worded('', ' (--group-effect)')}"
    elif wanted is not None:
        forms = f"; pool {wanted.name} is {', '.join(KINDS)} or partial:COLUMN"
        known += KINDS
    return PoolingError(
        f"{runs.source}: there is no column '{column}' {purpose}{did_you_mean(column, known)}{forms}; "
        f"columns: {', '.join(runs.names)}."
    )


def plan_pooling(
    law: Law, runs: Runs, family: str | None = None, pool: Mapping[str, str] | None = None
) -> tuple[dict[str, Pooling], dict[str, Grouping]]:
    """How every parameter is pooled, and the groupings that this needs.

    `pool` takes precedence, then the law file's recommendation, where ``family`` stands for the given family column;
    the default is one value for all runs.

    Parameters
    ----------
    family
        The column that holds the model families; None fits all runs as one family.
    pool
        By parameter name, a text of the forms above.
    """
    if not isinstance(pool, Mapping | None):
        raise PoolingError(
            f"pool: {pool!r} is not by parameter; write {worded('{"alpha": "complete"}', '--pool alpha=complete')}."
        )
    pool = dict(pool or {})
    for name in pool:
        if name not in law.parameters:
            raise PoolingError(
                f"pool: law '{law.name}' has no parameter '{name}'{did_you_mean(name, law.parameters)}; "
                f"parameters: {', '.join(law.parameters)}."
            )
    poolings = {name: _pooling_of(p, runs, family, pool.get(name)) for name, p in law.parameters.items()}
    groupings: dict[str, Grouping] = {}
    if family is not None:
        groupings = {name: group(runs, name) for name in family_groupings(family)}
    for parameter, pooling in poolings.items():
        for name in pooling.groupings:
            if name not in groupings:
                groupings[name] = group(runs, name, law.parameters[parameter])
    for grouping in groupings.values():
        if law.output.column in grouping.columns:
            raise PoolingError(
                f"{runs.source}: column '{law.output.column}' is what law '{law.name}' predicts, so runs cannot be "
                f"grouped by it; name a column that is known before a run."
            )
    return poolings, groupings


def pools_of(laws: Mapping[str, Law], pool: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """For each of several laws, the pooling of the parameters that it has.

    Raises
    ------
    PoolingError
        When no law has a parameter.
    """
    parameters = {name for law in laws.values() for name in law.parameters}
    for name in pool or {}:
        if name not in parameters:
            raise PoolingError(f"pool: no law has a parameter '{name}'{did_you_mean(name, parameters)}.")
    return {
        called: {name: kind for name, kind in (pool or {}).items() if name in law.parameters}
        for called, law in laws.items()
    }


def _pooling_of(parameter: Parameter, runs: Runs, family: str | None, asked: str | None) -> Pooling:
    held = parameter.prior.is_constant and parameter.pool in (None, "family")
    if asked is not None:
        pooling = read_pooling(asked, parameter.name, family)
        if held and pooling != COMPLETE:
            raise PoolingError(
                f"pool {parameter.name}={asked}: the prior {parameter.prior.text} holds '{parameter.name}' in every "
                f"group; leave it out of the pooling, or give it a prior that is learned."
            )
        return pooling
    if parameter.pool is None or held:
        return COMPLETE
    if parameter.pool == "family":
        return COMPLETE if family is None else read_pooling(family, parameter.name, family)
    pooling = read_pooling(parameter.pool, parameter.name, family)
    columns = {c for name in pooling.groupings for c in name.split(":")}
    # If these runs lack the law file's column, or it does not vary, the recommendation does not apply.  A group effect
    # was requested by the caller, so there it is an error, raised by `group`.
    if not parameter.prior.is_constant and not all(c in runs.names and len(runs.levels(c)[0]) > 1 for c in columns):
        return COMPLETE
    return pooling
