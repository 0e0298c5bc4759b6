"""How laws erred beyond the runs they were fitted to: the slope of their errors against distance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.ask.drift import LEARNED
from bayeslaw.ask.parts import CENTRAL_68
from bayeslaw.errors import QuestionError
from bayeslaw.fit.runs import Runs
from bayeslaw.fit.shards import Shards
from bayeslaw.law.law import Law
from bayeslaw.proof.looks import Look, looks
from bayeslaw.proof.origins import COMPUTE, origins_along

# Nearer than an e-fold, noise is all there is.
NEAREST = 1.0
COLUMNS = ("sweep", "table", "law", "origin", "slope", "error", "distance")


@cache
def public_slopes() -> pd.DataFrame:
    """Slopes on public sweeps, made by ``case_studies/honest_intervals/learn.py``; columns as in :data:`COLUMNS`."""
    return pd.read_csv(LEARNED.with_name("slopes.csv"))


def slopes(
    sweep: str, runs: Runs, laws: Mapping[str, Law], family: str | None, pool: Mapping[str, str] | None = None, *,
    seen: Sequence[float], draws: int | None = None, seed: int = 0, shards: Shards | None = None,
    executor: Executor | str | None = None, tell: Callable[[str], None] | None = None, table: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """A row for each law and origin from which something lies more than an e-fold of compute ahead.

    Parameters
    ----------
    sweep
        Its name.
    seen
        Shares of the runs that are seen, each an origin.
    table
        The name of these runs where a sweep has several tables.

    Raises
    ------
    QuestionError
        When nothing lies so far ahead from any origin.
    RunsError, LawError, PoolingError
        When a law cannot be fitted to what an origin sees.
    """
    places = origins_along(runs, COMPUTE, seen)
    ahead = looks(
        laws, runs, places, family, pool, drift=False, seed=seed, shards=shards, executor=executor, tell=tell,
        draws=draws,
    )  # fmt: skip
    rows = [
        {"sweep": sweep, "table": table or sweep, "law": name, "origin": look.origin.name, **slope_of(look, name)}
        for look in ahead
        if np.nanmax(look.ratio) > np.exp(NEAREST)
        for name in laws
    ]
    if not rows:
        raise QuestionError(
            f"{sweep}: from no origin is a hidden run dearer than the dearest seen by a factor of "
            f"{np.exp(NEAREST):.1f}, so it says nothing of drift; see fewer of its runs (--origins 0.3), or leave it "
            f"out."
        )
    return rows


def slope_of(look: Look, name: str) -> dict[str, float]:
    """The slope of a law's errors against distance, its standard error, and the distance reached."""
    drawn = look.drawn[name]
    far = np.log(np.fmax(look.ratio, 1.0))
    with np.errstate(all="ignore"):
        run, mean = np.log(drawn.run), np.log(drawn.mean)
    error = np.log(look.observed) - np.median(run, axis=0)
    low, high = np.quantile(run, CENTRAL_68, axis=0)
    weight = far / ((high - low) / 2.0) ** 2
    found = (weight @ error) / (weight @ far)
    # Errors of the law are shared by all points, those of single runs are not.
    shared, own = (weight @ mean.std(axis=0)) / (weight @ far), 1.0 / np.sqrt(weight @ far)
    return {"slope": float(found), "error": float(np.hypot(shared, own)), "distance": float(far.max())}


def as_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of slopes as a table."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS))
