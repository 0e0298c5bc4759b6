"""Published values as a posterior without runs, so that every question can be asked of a paper."""

from __future__ import annotations

import numpy as np

from bayeslaw.errors import LawError, QuestionError, listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.base.streams import PUBLISHED, generator
from bayeslaw.inference.base.versions import versions
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.model.pooling import COMPLETE
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.published import drawn, source_called
from bayeslaw.note import Note, in_order
from bayeslaw.runs.table import Runs
from bayeslaw.words import worded

CHAINS, DRAWS = 4, 500


def published(law: Law | str, source: str | None = None, *, seed: int = 0) -> Posterior:
    """The published values of a law, which answer questions as a fit does.

    Draws are the values with their published errors, independent and normal on the scale that the source states; a
    value without an error is the same in all draws.  There are no families, no drift, and no scatter of runs unless its
    size was published.

    Parameters
    ----------
    law
        A law of your own, or one of the catalogue by name, also together with its source:
        ``"chinchilla:hoffmann2022training"``.
    source
        Bibliography key of the values; needed where there are several.
    seed
        Seed of the draws.

    Returns
    -------
    Posterior
        For :func:`bayeslaw.forecast`, :func:`bayeslaw.optimum`, :func:`bayeslaw.threshold`, :func:`bayeslaw.risk` and
        :func:`bayeslaw.plot_forecast`.  Its notes say what its answers leave out.

    Raises
    ------
    LawError
        When there is no such law or source, or the law has several sources and none is named; the message lists them.
    QuestionError
        When the noise of counts was not published, without which there are no counts.
    """
    if isinstance(law, str) and ":" in law:
        if source is not None:
            raise LawError(f"'{law}' names a source already; leave out source={source!r}.")
        law, _, source = law.partition(":")
    law = catalogue.find(law)
    key = source_called(law, source)
    rng, size = generator(seed, PUBLISHED), CHAINS * DRAWS
    known = drawn(law, key, rng, size)
    noise = [name for name in law.noise_parameters if name not in known]
    if noise and law.output.likelihood.family.outcome == "count":
        raise QuestionError(
            f"law '{law.name}' predicts counts, whose scatter needs {listed(noise)}, and '{key}' does not report it; "
            f"fit the law to runs."
        )
    left_out = [name for name in law.free_parameters if name not in known and name not in noise]
    values = {name: known[name] if name in known else law.parameters[name].prior.draw(rng, size)
              for name in law.free_parameters if name not in noise}  # fmt: skip
    constants = {name: each for name, each in known.items() if law.parameters[name].prior.is_constant}
    nothing = np.empty(0)
    runs = Runs({law.output.column: nothing}, f"{law.name}:{key}", nothing.astype(np.int64))
    posterior = Posterior(
        plan=Plan(law, runs, None, {}, dict.fromkeys(law.parameters, COMPLETE), {}, {}),
        values={name: each.reshape(CHAINS, DRAWS) for name, each in {**values, **constants}.items()},
        flat=np.empty((CHAINS, DRAWS, 0)), flat_names=(), stats={}, seed=seed, versions=versions(), published_by=key,
        notes=in_order(_notes(law, key, noise, left_out)),
    )  # fmt: skip
    # Draws that are independent by construction are not a chain that could fail.
    vars(posterior)["diagnostics"] = Diagnostics.of_independent(CHAINS, DRAWS, next(iter(values)))
    return posterior


def _notes(law: Law, key: str, noise: list[str], left_out: list[str]) -> list[Note]:
    """What published values leave out of an answer."""
    assert law.published is not None
    scatter = "no scatter of runs about the law, " if noise else ""
    found = [Note(
        "published", "info",
        f"These are the values that '{key}' reports for law '{law.name}', and not a fit: {scatter}no family and no "
        f"drift, and how far a point lies beyond their runs is not known here.",
        "Fit the law to runs for the interval of a new run.",
    )]  # fmt: skip
    errors = [*law.published.errors.get(key, ()), *law.published.log_errors.get(key, ())]
    without = [name for name in law.published.values[key] if name not in errors]
    if not errors:
        found.append(Note(
            "no-errors", "warning",
            "The law file states no errors of these values, so what follows from them alone is one number, and its "
            "interval has no width.",
            f"Do not read it as certain: `bayeslaw show {law.name}` says where the values come from; fit the law to "
            f"runs for an interval.",
        ))  # fmt: skip
    else:
        exact = f" {listed(without)} is taken as exact." if without else ""
        found.append(Note(
            "independent-errors", "warning",
            f"The published errors of {listed(errors)} are drawn independently, since how they hang together was not "
            f"published; where they cancel in the fit, the interval is too wide.{exact}",
            "Fit the law to runs for their joint uncertainty.",
        ))  # fmt: skip
    if left_out:
        name = f"{law.name}:{key}"
        found.append(Note(
            "not-published", "serious",
            f"'{key}' does not report {listed(left_out, 20)}, so draws of the law file's priors stand in: what depends "
            f"on them is prior.",
            f"Fit the law to runs, with these values as priors ({worded(f'priors={name!r}', f'--priors {name}')}).",
        ))  # fmt: skip
    return found
