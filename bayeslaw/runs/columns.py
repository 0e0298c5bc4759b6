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
from bayeslaw.runs.headers import without_holder, without_unit
from bayeslaw.words import worded


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
            "tokens_trained", "n_train_tokens", "num_train_tokens", "total_tokens")),
    Column("unique_tokens", "token", "different tokens in the training data",
           ("U", "n_unique_tokens", "num_unique_tokens")),
    Column("epochs", "pass", "passes over the training data", ("n_epochs", "num_epochs")),
    Column("flops", "FLOP", "training compute",
           ("C", "compute", "total_flops", "train_flops", "training_flops", "training_compute")),
    Column("loss", "nat/token", "cross-entropy on held-out text",
           ("L", "val_loss", "validation_loss", "valid_loss", "eval_loss", "test_loss", "final_loss",
            "final_val_loss")),
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
    """The standard column of a header, also with a unit or a holder: ``Tokens (B)``, ``config.n_params``."""
    bare = without_holder(header)
    without = without_unit(bare)
    return standard_name(header) or standard_name(bare) or (standard_name(without[0]) if without else None)


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
    for name in names:
        rivals = [each for each in found if understood(each) == name]
        if len(rivals) > 1:
            shown = listed([f"'{each}'" for each in rivals]) if len(rivals) > 2 else " and ".join(map(repr, rivals))
            raise RunsError(
                f"{source}: columns {shown} could each be '{name}'; say which: {_called({name: rivals[0]})}."
            )
    runs = _runs_of_a_chart(found)
    if len(runs) > 1:
        raise RunsError(
            f"{source}: the table is wide, one column a run ({len(runs)} of them: {listed(runs, 3)}), but {wanted_by} "
            "needs one row a run, with its inputs: export the table of runs, not the chart."
        )
    likely = {name: _likely(name, found) for name in names}
    near = [f"; did you mean '{guess}'" if guess else "" for guess in likely.values()]
    if len(names) == 1:
        needed, these = f"column '{names[0]}', which is not there{near[0]}", "If one of them is it"
    else:
        *most, last = (f"'{name}'{hint.replace('; ', ' (', 1)}{')' * bool(hint)}"
                       for name, hint in zip(names, near, strict=True))  # fmt: skip
        needed, these = f"columns {', '.join(most)} and {last}, which are not there", "If they have other names there"
    return RunsError(
        f"{source}: {wanted_by} needs {needed}; the file has {listed(found, 20)}. {these}, pass "
        f"{_called({name: guess or worded('its name', 'its-name') for name, guess in likely.items()})}."
    )


def _runs_of_a_chart(found: Iterable[str]) -> list[str]:
    """The runs of a chart that a tracker exported: its columns are called ``run - metric``, with bounds beside each."""
    parts = [name.rpartition(" - ") for name in found]
    return list(dict.fromkeys(run for run, _, metric in parts if run and not metric.endswith(("__MIN", "__MAX"))))


# Parts of names that a column goes by, the surest first.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "n_params": ("param", "model_size"),
    "n_tokens": ("token", "data_size"),
    "flops": ("flop", "compute"),
    "loss": ("loss", "cross_entropy", "nll", "final", "perplexity", "ppl"),
}


def _likely(name: str, found: Sequence[str]) -> str | None:
    """The column of a file that may be the one that is missing, by its name; None if none may."""
    # The name of another standard column is never a suggestion, however close: 'flops' does not mean 'loss'.
    others = [each for each in found if not {name, each} <= STANDARD.keys()]
    by_part = (each for part in _PARTS.get(name, ()) for each in others if part in each.lower().replace(" ", "_"))
    return nearest(name, others) or next(by_part, None)


def _called(own: Mapping[str, str]) -> str:
    """How a caller says which columns of a file are standard ones, by their standard names."""
    mapping = ", ".join(f"'{standard}': '{name}'" for standard, name in own.items())
    options = " ".join(f"--columns {shlex.quote(f'{standard}={name}')}" for standard, name in own.items())
    return worded(f"columns={{{mapping}}}", options)
