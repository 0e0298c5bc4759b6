"""The standard columns of a table of runs: their names, common aliases, units and meaning.

A column under a standard name is never renamed.  A column under a known alias takes the standard name, so a file with
``N``, ``D`` and ``val_loss``, or with ``config.n_params`` and ``Tokens (B)``, needs no configuration.  Of two
candidates that differ none is taken, since a wrong guess (with or without embeddings?) changes every exponent; who
needs the column is then asked which.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.errors import RunsError, listed, nearest
from bayeslaw.runs.headers import PERPLEXITY, is_rate, logarithm, unit_of_count, without_holder, without_unit
from bayeslaw.words import SIZES, number_in, worded


@dataclass(frozen=True, slots=True)
class Column:
    """A standard column.

    Attributes
    ----------
    aliases
        Other common names.  Words are compared without case, space and ``._-/``; single letters are compared
        exactly, because ``d`` is as often a width as ``D`` is data.
    """

    name: str
    units: str
    meaning: str
    aliases: tuple[str, ...] = ()


# Training compute per parameter and token, in FLOP: Kaplan et al. 2020, section 2.1.
FLOPS = 6.0

_ROWS = (
    Column("n_params", "parameter", "parameters of the model",
           ("N", "params", "parameters", "num_params", "num_parameters", "param_count", "model_size", "model_params",
            "n_parameters", "parameter_count", "total_params", "n_total_params", "total_parameters")),
    Column("n_tokens", "token", "tokens trained on, repeats counted",
           ("D", "tokens", "num_tokens", "train_tokens", "training_tokens", "tokens_seen", "token_count",
            "tokens_trained", "n_train_tokens", "num_train_tokens", "total_tokens", "num_input_tokens_seen",
            "train_num_input_tokens_seen")),
    Column("unique_tokens", "token", "different tokens in the training data",
           ("U", "n_unique_tokens", "num_unique_tokens")),
    Column("epochs", "pass", "passes over the training data", ("n_epochs", "num_epochs")),
    Column("flops", "FLOP", "training compute",
           ("C", "compute", "total_flops", "train_flops", "training_flops", "training_compute",
            "total_flos", "train_total_flos")),
    Column("loss", "nat/token", "cross-entropy on held-out text",
           ("L", "val_loss", "validation_loss", "valid_loss", "eval_loss", "test_loss", "final_loss",
            "final_val_loss")),
    Column("best_size", "parameter", "parameters of the best network of a compute budget",
           ("N_opt", "opt_params", "optimal_params", "optimal_size", "best_params", "n_params_opt", "best_n_params")),
    Column("learning_rate", "1", "peak learning rate, or the rate at this step", ("lr", "peak_lr", "max_lr")),
    Column("batch_size_tokens", "token", "tokens per step", ("tokens_per_batch", "tokens_per_step")),
    Column("step", "step", "optimiser steps taken so far", ("global_step", "train_step", "training_step")),
    Column("width", "unit", "size of the residual stream", ("d_model", "hidden_size", "hidden_dim", "n_embd")),
    Column("depth", "layer", "layers", ("n_layers", "num_layers", "n_layer", "num_hidden_layers")),
    Column("n_experts", "expert", "experts per layer", ("num_experts",)),
    Column("vocab_size", "token", "entries of the vocabulary", ("n_vocab",)),
    Column("family", "", "runs that share a recipe: the column to pool over", ("model_family",)),
    Column("run", "", "which training run a checkpoint belongs to", ("run_id", "run_name")),
    Column("seed", "", "random seed", ("random_seed",)),
    Column("weight", "1", "how many runs a row counts for", ("weights",)),
    Column("se", "", "known standard error of the outcome", ("stderr", "std_err", "standard_error")),
)  # fmt: skip

STANDARD: Mapping[str, Column] = {row.name: row for row in _ROWS}


def _key(name: str) -> str:
    """The form in which names are compared."""
    return name if len(name) == 1 else "".join(c for c in name.lower() if c not in " ._-/")


_BY_KEY: Mapping[str, str] = {
    _key(word): row.name for row in _ROWS for word in (row.name, *row.aliases)
}  # fmt: skip


def standard_name(name: str) -> str | None:
    """The standard column that a name stands for, such as ``n_params`` for ``Model_Size``; None when unknown."""
    return name if name in STANDARD else _BY_KEY.get(_key(name))


def understood(header: str) -> str | None:
    """The standard column of a header, also with a unit or a holder: ``Tokens (B)``, ``config.n_params``, ``params_M``.

    ``TFLOPs`` alone is none: it may be a rate, or what one pass takes.
    """
    bare = without_holder(header)
    known = standard_name(header) or standard_name(bare)
    if known is None and (without := without_unit(bare)) is not None:
        known = standard_name(without[0])
    if known is None and (count := unit_of_count(bare)) is not None and not is_rate(bare):
        known = standard_name(count[0])
        return known if is_count(known) else None
    return known


def is_count(name: str | None) -> bool:
    """Whether a standard column counts what runs are made of, in units that headers write in short."""
    return name is not None and name in STANDARD and STANDARD[name].units in ("parameter", "token", "FLOP")


def unit_in(header: str, name: str) -> float | None:
    """The factor of the unit that a header states for a column of this name; None without one."""
    bare = without_holder(header)
    found = without_unit(bare)
    if found is None and is_count(name) and standard_name(bare) is None:
        found = unit_of_count(bare)
    return None if found is None else found[1]


def is_quantity(name: str) -> bool:
    """Whether a name stands for a standard column with a unit, which true and false cannot be values of."""
    standard = understood(name)
    return standard is not None and STANDARD[standard].units not in ("", "1")


def recognised(columns: Mapping[str, np.ndarray], settled: Collection[str] = ()) -> dict[str, str]:
    """Which columns of a file take a standard name.

    Parameters
    ----------
    columns
        The columns by the file's own names, each of shape ``(rows,)``.
    settled
        Standard names that the caller has assigned already.

    Returns
    -------
    Standard names by the file's own; only those that change.
    """
    taken = {*settled, *(name for name in columns if name in STANDARD)}
    candidates: dict[str, list[str]] = {}
    for name in columns:
        standard = understood(name)
        if standard is not None and standard not in taken:
            candidates.setdefault(standard, []).append(name)
    chosen = {standard: _chosen(names, columns) for standard, names in candidates.items()}
    return {name: standard for standard, name in chosen.items() if name is not None}


def _chosen(names: Sequence[str], columns: Mapping[str, np.ndarray]) -> str | None:
    """The one of several columns that is meant; None if they differ.

    Plain names go before those of something else's part, numbers before labels (``135M`` is a name, 157,600,000 a
    count).  Columns that tell the same rows apart by equal numbers, or by any labels, are one.
    """
    plain = [name for name in names if without_holder(name) == name] or list(names)
    counted = [name for name in plain if columns[name].dtype != object] or plain
    first, *others = (columns[name] for name in counted)
    return counted[0] if all(_alike(first, other) for other in others) else None


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype != object and b.dtype != object:
        return np.array_equal(a, b, equal_nan=True)
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))


def missing_column(name: str, found: Iterable[str], source: str, wanted_by: str) -> RunsError:
    """The error for a column that is not there; see :func:`missing_columns`."""
    return missing_columns([name], found, source, wanted_by)


def missing_columns(names: Sequence[str], found: Iterable[str], source: str, wanted_by: str) -> RunsError:
    """The error for columns that are not there: what the file has instead, and how to map them."""
    found = list(found)
    check_one_each(names, found, source)
    check_no_chart(found, source, wanted_by)
    likely = {name: _likely(name, found) for name in names}
    near = [f"; did you mean '{guess}'" if guess else "" for guess in likely.values()]
    if len(names) == 1:
        needed, these = f"column '{names[0]}', which is not there{near[0]}", "If one of them is it"
    else:
        *most, last = (f"'{name}'{hint.replace('; ', ' (', 1)}{')' * bool(hint)}"
                       for name, hint in zip(names, near, strict=True))  # fmt: skip
        needed, these = f"columns {', '.join(most)} and {last}, which are not there", "If they have other names there"
    unknown = worded("its name", "its-name")
    options = _called({name: read_as(name, guess) if guess else unknown for name, guess in likely.items()})
    return RunsError(
        f"{source}: {wanted_by} needs {needed}; the file has {listed(found, 20)}. {these}, pass {options}."
    )


def check_one_each(names: Iterable[str], found: Iterable[str], source: str) -> None:
    """Refuse several columns that could each be one that is missing.

    Raises
    ------
    RunsError
        With how to choose one.
    """
    found = list(found)
    for name in names:
        rivals = [each for each in found if understood(each) == name]
        if len(rivals) > 1:
            shown = listed([f"'{each}'" for each in rivals]) if len(rivals) > 2 else " and ".join(map(repr, rivals))
            raise RunsError(
                f"{source}: columns {shown} could each be '{name}'; say which: {_called({name: rivals[0]})}."
            )


def check_no_chart(found: Iterable[str], source: str, wanted_by: str) -> None:
    """Refuse the columns of a chart, one a run.

    Raises
    ------
    RunsError
        With some of the runs.
    """
    runs = runs_of_a_chart(found)
    if len(runs) > 1:
        chart = f"wandb:{source}"
        command = f"bayeslaw import {shlex.quote(chart)} --join RUNS.csv --out runs.csv"
        raise RunsError(
            f"{source}: the table is wide, one column a run ({len(runs)} of them: {listed(runs, 3)}), but {wanted_by} "
            "needs one row a run, with its inputs: export the table of runs too, as RUNS.csv, and join the two by "
            f"{worded(f"bl.read_runs('{chart}', join='RUNS.csv')", f'`{command}`')}."
        )


def runs_of_a_chart(found: Iterable[str]) -> list[str]:
    """The runs of a chart that a tracker exported, or that are called by their size; none of any other table."""
    found = list(found)
    named = dict.fromkeys(part[0] for part in map(part_of_chart, found) if part is not None and not part[2])
    sized = [name for name in found if is_size(name)]
    return list(named) or (sized if len(sized) >= len(found) - 1 else [])


def part_of_chart(column: str) -> tuple[str, str, bool] | None:
    """The run and metric of a column of a chart that a tracker exported, and whether it is only a bound of it.

    Such columns are called ``run - metric``, and bounds ``run - metric__MIN``; None for another name.
    """
    run, _, metric = column.rpartition(" - ")
    bare = metric.removesuffix("__MIN").removesuffix("__MAX")
    return (run, bare, bare != metric) if run else None


def is_size(column: str) -> bool:
    """Whether a column is called by the size of a model, such as ``70M``."""
    return column[-1:] in SIZES and number_in(column) is not None


# Parts of names that a column goes by, the surest first.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "n_params": ("param", "model_size"),
    "n_tokens": ("token", "data"),
    "flops": ("flop", "compute"),
    "loss": ("loss", "cross_entropy", "nll", "final", "perplexity", "ppl", "bpb", "bpc", "bits_per"),
}


def _likely(name: str, found: Sequence[str]) -> str | None:
    """The column of a file that may be the one that is missing, by its name; None if none may."""
    # The name of another standard column is never a suggestion, however close: 'flops' does not mean 'loss'.
    others = [each for each in found if not {name, each} <= STANDARD.keys()]
    of_another = next((each for each in others if standard_name((logarithm(each) or ("", ""))[0]) == name), None)
    if of_another is not None:
        return of_another
    by_part = (each for part in _PARTS.get(name, ()) for each in others if part in each.lower().replace(" ", "_"))
    return nearest(name, others) or next(by_part, None)


def read_as(name: str, own: str) -> str:
    """What makes a column of the file a standard one: its name, or a formula where that says it is transformed."""
    taken = logarithm(own)
    if name == "loss":
        return f"log({own})" if PERPLEXITY.search(own.lower()) and taken is None else own
    if taken is None or standard_name(taken[0]) != name:
        return own
    return f"exp([{own}])" if taken[1] == "e" else f"{taken[1]}**[{own}]"


def offered(names: Sequence[str], found: Sequence[str]) -> str:
    """How a caller says which columns of a file may be some that are missing; nothing where none may be."""
    likely = {name: _likely(name, found) for name in names}
    return _called({name: read_as(name, guess) for name, guess in likely.items() if guess})


def _called(own: Mapping[str, str]) -> str:
    """How a caller says which columns of a file are standard ones, by their standard names."""
    if not own:
        return ""
    mapping = ", ".join(f"'{standard}': '{name}'" for standard, name in own.items())
    options = " ".join(f"--columns {shlex.quote(f'{standard}={name}')}" for standard, name in own.items())
    return worded(f"columns={{{mapping}}}", options)
