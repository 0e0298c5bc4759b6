"""A paper's values as parameters of a law: as they are, as draws within their errors, and as priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import LawError, did_you_mean, listed
from bayeslaw.language.formula.expression import evaluate, names
from bayeslaw.language.formula.functions import LINKS, NUMPY_WORDS

if TYPE_CHECKING:
    from bayeslaw.language.law import Law
    from bayeslaw.language.parts import Prior

# Where a source states no error, its prior is this share of the width of the law's own.
NARROWER = 0.5
# Draws of a normal error that no parameter can have, such as a negative amplitude, are drawn again so many times.
MOST_REDRAWN = 100
ENDS = {"real": (-np.inf, np.inf), "positive": (0.0, np.inf), "unit": (0.0, 1.0)}
# The scale on which a prior about a published value is a bell curve.
BELLS = {"real": "identity", "positive": "log", "unit": "identity"}


def source_called(law: Law, key: str | None) -> str:
    """The bibliography key of published values; without one, of the only source.

    Raises
    ------
    LawError
        When there is none of that name, or several and none is named; the message lists them.
    """
    known = () if law.published is None else tuple(law.published.values)
    if not known:
        raise LawError(
            f"law '{law.name}' has no published values; fit it to runs, or name another law (`bayeslaw laws`)."
        )
    choices = listed((f"{law.name}:{each}" for each in known), 20)
    if key is None and len(known) > 1:
        raise LawError(f"law '{law.name}' has published values of {len(known)} sources; name one: {choices}.")
    if key is not None and key not in known:
        raise LawError(
            f"law '{law.name}' has no published values of '{key}'{did_you_mean(key, known)}; choose {choices}."
        )
    return known[0] if key is None else key


def parameters(law: Law, values: Mapping[str, Any]) -> dict[str, Any]:
    """A paper's values as parameters of a law; those that do not follow from them are left out."""
    known: dict[str, Any] = {**law.references, **values}
    ours = {name: known[name] for name in law.parameters if name in known}
    for name, node in ({} if law.published is None else law.published.inverse).items():
        if set(names(node)) <= set(known):
            ours[name] = evaluate(node, known, NUMPY_WORDS)
    return {name: ours[name] for name in law.parameters if name in ours}


def drawn(law: Law, key: str, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    """Draws of the parameters that a source reports, each of shape ``(size,)``.

    Values with errors are independent and normal, on their own scale or on the log, as the source states them; values
    without are repeated.

    Raises
    ------
    LawError
        When hardly any draw is a value that the parameters can have.
    """
    found = _once(law, key, rng, size)
    for _ in range(MOST_REDRAWN):
        bad = ~np.all([_possible(law, name, values) for name, values in found.items()], axis=0)
        if not bad.any():
            return found
        again = _once(law, key, rng, int(bad.sum()))
        for name, values in found.items():
            values[bad] = again[name]
    raise LawError(
        f"law '{law.name}': the values and errors of '{key}' give parameters that the law cannot have; state errors of "
        f"positive values on the log, by log_errors.{key}."
    )


def _once(law: Law, key: str, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    assert law.published is not None
    values, on_log = {}, law.published.log_errors.get(key, {})
    for name, value in law.published.values[key].items():
        z = rng.standard_normal(size)
        plain = law.published.errors.get(key, {}).get(name, 0.0)
        values[name] = value * np.exp(on_log[name] * z) if name in on_log else value + plain * z
    ours = parameters(law, values)
    return {name: np.array(np.broadcast_to(each, size), dtype=float) for name, each in ours.items()}


def _possible(law: Law, name: str, values: np.ndarray) -> np.ndarray:
    low, high = ENDS[law.parameters[name].prior.support]
    return np.isfinite(values) & (values >= low) & (values <= high)


def priors(law: Law, key: str) -> dict[str, str]:
    """Priors about the values of a source, for the parameters that it reports.

    Their widths are its errors; where it states none, half of the width of the law's own prior.  A parameter that is 0
    in the source and positive in the law is left out of it there, and fixed.
    """
    rng = np.random.default_rng(0)
    draws = drawn(law, key, rng, 4000)
    return {name: _prior(law.parameters[name].prior, value, draws[name], rng)
            for name, value in law.published_parameters(key).items()}  # fmt: skip


def _prior(own: Prior, value: float, draws: np.ndarray, rng: np.random.Generator) -> str:
    if own.is_constant or (own.support == "positive" and value == 0.0):
        return f"Constant({value:.6g})"
    scale = LINKS[BELLS[own.support]]
    width = float(np.std(scale(draws)))
    if width <= 1e-9:
        low, high = np.quantile(scale(own.draw(rng, 4000)), [0.158655, 0.841345])
        width = NARROWER * float(high - low) / 2.0
    if own.support == "unit":
        middle = min(max(value, 1e-3), 1.0 - 1e-3)
        worth = max(middle * (1.0 - middle) / width**2 - 1.0, 2.0)
        return f"Beta({middle * worth:.4g}, {(1.0 - middle) * worth:.4g})"
    if own.support == "positive":
        return f"LogNormal(log({value:.6g}), {width:.3g})"
    return f"Normal({value:.6g}, {width:.3g})"
