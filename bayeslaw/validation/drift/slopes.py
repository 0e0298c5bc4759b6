"""The errors of laws beyond the runs they were fitted to: their slope against distance.

Errors are on the log of an outcome, or on the logit of a share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.ask.forecast.drift import LEARNED, kind_of
from bayeslaw.ask.forecast.variance_parts import CENTRAL_68
from bayeslaw.ask.where.extrapolation import furthest
from bayeslaw.ask.where.scale import trials
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.work import Sampling
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.pooling import pools_of
from bayeslaw.inference.workplace import HERE, Workplace
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.language.law import Law
from bayeslaw.runs.table import Runs
from bayeslaw.validation.backtest.ahead import Look, looks
from bayeslaw.validation.backtest.origins import COMPUTE, origins_along, those_that_see_enough
from bayeslaw.words import worded

# Closer than an e-fold of compute, errors are all noise, and so they are where a loss has fallen by less than a tenth,
# as it does over some e-folds.
NEAREST = {"log": 1.0, "logit": 1.0, "logit by loss": 0.1}
OF_LOSSES, OF_SCORES, OF_LOSS_SCORES = (
    LEARNED.with_name(name) for name in ("slopes.csv", "score_slopes.csv", "loss_slopes.csv")
)
COLUMNS = ("sweep", "table", "law", "link", "origin", "slope", "error", "distance")


@cache
def public_slopes() -> pd.DataFrame:
    """Slopes on public sweeps and of public scores, as ``learn``, ``scores`` and ``by_loss`` made them.

    That is ``case_studies/honest_intervals``; columns as in :data:`COLUMNS`.
    """
    return pd.concat([pd.read_csv(each) for each in (OF_LOSSES, OF_SCORES, OF_LOSS_SCORES)], ignore_index=True)


def slopes(
    sweep: str, runs: Runs, laws: Mapping[str, Law], family: str | None, pool: Mapping[str, str] | None = None, *,
    seen: Sequence[float], sampling: Sampling = Sampling(), seed: int = 0, place: Workplace = HERE,
    table: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """One row for each law and each origin that hides a run more than an e-fold of compute ahead.

    Parameters
    ----------
    sweep
        Its name.
    seen
        Shares of the runs that are seen, each an origin.
    sampling, seed, place
        How all fits are sampled, and where.
    table
        The name of these runs where a sweep has several tables.

    Raises
    ------
    QuestionError
        When no origin hides a run that far ahead, or none sees enough runs.
    RunsError, LawError, PoolingError
        When a law cannot be fitted to the runs.
    """
    places, _ = those_that_see_enough(laws.values(), runs, origins_along(runs, COMPUTE, seen), COMPUTE)
    pools = pools_of(laws, pool)
    plans = {name: make_plan(law, runs, family, pools[name]) for name, law in laws.items()}
    ahead = looks(plans, places, drift=False, sampling=sampling, seed=seed, place=place)
    rows = [
        {"sweep": sweep, "table": table or sweep, "law": name, "link": kind_of(laws[name]),
         "origin": look.origin.name, **slope_of(look, name)}
        for look in ahead
        for name in laws
        if distances(look, name).max() > NEAREST.get(kind_of(laws[name]), 1.0)
    ]  # fmt: skip
    if not rows:
        raise QuestionError(
            f"{sweep}: no origin hides a run that is more expensive than all seen runs by a factor "
            f"of {np.exp(NEAREST['log']):.1f}, so the table says nothing about drift; see fewer of its runs "
            f"({worded('origins=[0.3]', '--origins 0.3')}), or leave it out."
        )
    return rows


def distances(look: Look, name: str) -> np.ndarray:
    """How far each hidden run lies beyond the seen ones, in e-folds of what a law drifts along; 0 within them."""
    return np.asarray(np.log(np.fmax(furthest(look.drawn[name].extrapolation), 1.0)))


def slope_of(look: Look, name: str) -> dict[str, float]:
    """The slope of a law's errors against distance, its standard error, and the distance reached."""
    drawn, posterior = look.drawn[name], look.fits.posteriors[name]
    far = distances(look, name)
    link, asked = LINKS[posterior.law.output.link], trials(posterior.law, drawn.inputs)

    def linked(outcome: np.ndarray) -> np.ndarray:
        """Outcomes on the scale of errors; for counts the share, kept off 0 and 1 by half an answer (Haldane 1956)."""
        return np.asarray(link(outcome if asked is None else (outcome + 0.5) / (asked + 1.0)))

    with np.errstate(all="ignore"):
        mean = drawn.mean if asked is None else drawn.mean * asked
        run, mean, seen = linked(drawn.run), linked(mean), linked(look.observed)
    middle = np.median(run, axis=0)
    error = seen - middle
    low, high = np.quantile(run, CENTRAL_68, axis=0)
    noise = (high - low) / 2.0
    if asked is not None:
        # Where all draws give only wrong answers, they still say no more than that number of questions can.
        share = UNLINKS["logit"](middle)
        noise = np.fmax(noise, 1.0 / np.sqrt((asked + 1.0) * share * (1.0 - share)))
    weight = far / noise**2
    found = (weight @ error) / (weight @ far)
    # Errors of the law are shared by all points; errors of single runs are not.
    shared, own = (weight @ mean.std(axis=0)) / (weight @ far), 1.0 / np.sqrt(weight @ far)
    return {"slope": float(found), "error": float(np.hypot(shared, own)), "distance": float(far.max())}


def as_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of slopes as a table."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS))
