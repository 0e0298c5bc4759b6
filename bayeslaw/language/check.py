"""The conformance suite: what every law file must satisfy, shipped or a user's own.

``bayeslaw check mine.toml`` prints what :func:`check_law` returns.  A law that passes reads back from its own text,
predicts plausible outcomes over the whole range that it declares, has a gradient that a sampler can follow, has no idle
parameter, and agrees with the paper it cites.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.errors import BayeslawError, listed
from bayeslaw.language.catalogue import bibliography
from bayeslaw.language.formula import expression as expr
from bayeslaw.language.formula.expression import Node, derivative, evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.formula.latex import to_latex
from bayeslaw.language.law import Law, Root

SEED = 20_240_601
DRAWS = 200
# Points per input, by number of inputs: a few thousand in all, so that a law takes well under a second.
GRID_POINTS = {1: 61, 2: 21, 3: 11, 4: 7}
# Of the grid of more inputs, a sample of so many.
MOST_PLACES = 5**5
# Even a sensible prior has tails, so one draw in fifty may leave the range of the outcome.
INSIDE = 0.98


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes
    ----------
    name
        The check, in a few words.
    passed
        Whether the law passes.
    text
        One sentence, with figures.
    """

    name: str
    passed: bool
    text: str


Found = tuple[bool, str]


def check_law(law: Law) -> tuple[CheckResult, ...]:
    """Check that a law can be trusted, before it is fitted to any runs.

    Parameters
    ----------
    law
        Any law, such as ``bayeslaw.read_law("mine.toml")``.

    Returns
    -------
    One result per check, always all of them and always in the same order.
    """
    return tuple(_result(name, check, law) for name, check in CHECKS.items())


def _result(name: str, check: Callable[[Law], Found], law: Law) -> CheckResult:
    try:
        with np.errstate(all="ignore"):  # the checks look for non-finite values themselves
            passed, text = check(law)
    except BayeslawError as error:
        passed, text = False, str(error)
    return CheckResult(name, bool(passed), text)


def formulas(law: Law) -> Iterator[tuple[str, Node]]:
    """Every formula of a law with what it is, in the order of the file."""
    yield "the formula", law.formula
    for name, term in law.terms.items():
        if isinstance(term, Root):
            for part in ("equation", "slope", "lower", "upper"):
                yield f"the {part} of '{name}'", getattr(term, part)
        else:
            yield f"term '{name}'", term
    for i, argument in enumerate(law.output.likelihood.arguments):
        yield f"argument {i + 1} of the likelihood", argument
    for name, one in law.inputs.items():
        if one.formula is not None:
            yield f"input '{name}'", one.formula
    for name, node in law.derived.items():
        yield f"derived '{name}'", node
    if law.published is not None:
        yield "the published formula", law.published.formula
        for name, node in law.published.inverse.items():
            yield f"the inverse for '{name}'", node


def input_grid(law: Law, points: Mapping[int, int] = GRID_POINTS) -> dict[str, np.ndarray]:
    """Points at every corner and inside the declared ranges of the inputs, as columns of one length.

    Of more than five inputs these are a sample of the grid, always the same.  Inputs that are computed from others
    follow from them; points where they leave their own range are left out.  Sums over a schedule count as inputs in
    their own right.
    """
    free = law.free_inputs
    size = points.get(len(free), 5)
    axes = [_axis(law, name, size) for name in free]
    if size ** len(free) > MOST_PLACES:
        places = np.random.default_rng(SEED).integers(0, size, (len(free), MOST_PLACES))
        columns = np.stack([axis[place] for axis, place in zip(axes, places, strict=True)])
    else:
        columns = np.array(list(itertools.product(*axes)), dtype=float).reshape(-1, len(free)).T
    values = law.with_computed_inputs(dict(zip(free, columns, strict=True)))
    inside = np.ones(columns.shape[1], dtype=bool)
    for name in values:
        bounds = law.inputs[name].range
        if name not in free and bounds is not None:
            inside &= (values[name] >= bounds[0]) & (values[name] <= bounds[1])
    return {name: np.asarray(value)[inside] for name, value in values.items()}


def _axis(law: Law, name: str, size: int) -> np.ndarray:
    one = law.inputs[name]
    middle = one.reference or 1.0
    low, high = one.range or (middle / 1e3, middle * 1e3)
    return np.geomspace(low, high, size) if low > 0 else np.linspace(low, high, size)


def _drawn(law: Law, size: int) -> dict[str, np.ndarray]:
    """Prior draws as columns, so that they broadcast against a grid of inputs."""
    draws = law.draw_prior(np.random.default_rng(SEED), size)
    return {name: value[:, None] for name, value in draws.items()}


def outcome_range(law: Law) -> tuple[float, float]:
    """Where the mean of a law may lie: the range of its output, or 0 to 1 for the probability behind a count."""
    if law.output.likelihood.family.outcome == "count":
        return 0.0, 1.0
    return law.output.range or (-np.inf, np.inf)


# ---------------------------------------------------------------------- the checks


def _reads_back(law: Law) -> Found:
    again = Law.parse(law.text, law.name)
    parts = ("formula", "terms", "output", "inputs", "parameters", "derived", "published")
    changed = [part for part in parts if getattr(again, part) != getattr(law, part)]
    if changed or again != law:
        return False, f"read again, the text gives another law: {listed(changed) or 'text'} changed."
    return True, f"its text of {len(law.text):,} characters reads back to an equal law."


def _writes_out(law: Law) -> Found:
    from bayeslaw.language.formula.schedule import SCHEDULES

    count = 0
    for what, node in formulas(law):
        if isinstance(node, expr.Call) and node.function in SCHEDULES:
            continue  # a schedule word is one call, read by its own rule
        text = expr.to_text(node)
        if expr.parse(text) != node:
            return False, f"{what}, written out as '{text}', reads back as another formula."
        count += 1
    return True, f"all {count} formulas, written out, read back to the same tree."


def _prior_predictive(law: Law) -> Found:
    grid = input_grid(law)
    low, high = outcome_range(law)
    mean = np.asarray(law.mean(grid, _drawn(law, DRAWS)))
    size = len(next(iter(grid.values())))
    inside = np.isfinite(mean) & (mean >= low) & (mean <= high)
    share = float(np.mean(inside))
    text = f"{share:.1%} of {DRAWS} prior draws at {size:,} places of the inputs lie in [{low:g}, {high:g}]"
    if share >= INSIDE:
        return True, text + "."
    worst = int(np.argmin(np.mean(inside, axis=0)))
    place = ", ".join(f"{n} = {grid[n][worst]:.3g}" for n in grid)
    return False, f"{text}, and {INSIDE:.0%} must; the worst place is {place}: narrow the priors or the input ranges."


def gradients(law: Law, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the derivative of the mean by every parameter, from the derivatives of its formulas.

    A term given by a root is differentiated by the implicit function theorem.
    """
    values = law.with_terms(inputs, parameters)
    by_term: dict[str, dict[str, Any]] = {}

    def total(node: Node, without: str | None = None) -> dict[str, Any]:
        slopes: dict[str, Any] = {}
        for name in names(node):
            if name == without or (name not in parameters and name not in by_term):
                continue
            partial = evaluate(derivative(node, name), values, NUMPY_WORDS)
            chain = {name: 1.0} if name in parameters else by_term[name]
            for parameter, slope in chain.items():
                slopes[parameter] = slopes.get(parameter, 0.0) + partial * slope
        return slopes

    for name, term in law.terms.items():
        if isinstance(term, Root):
            steep = evaluate(term.slope, values, NUMPY_WORDS)
            by_term[name] = {p: -s / steep for p, s in total(term.equation, term.unknown).items()}
        else:
            by_term[name] = total(term)
    return {name: np.asarray(slope) for name, slope in total(law.formula).items()}


def _has_gradient(law: Law) -> Found:
    grid = _thinned(input_grid(law), 25)
    draws = _drawn(law, 40)
    slopes = gradients(law, grid, draws)
    mean = np.asarray(law.mean(grid, draws))
    worst, total = 1.0, 0
    for name, slope in slopes.items():
        if not np.all(np.isfinite(slope)):
            share = float(np.mean(~np.isfinite(slope)))
            return False, f"the gradient by '{name}' is not finite at {share:.1%} of prior draws; a sampler would stop."
        step = 1e-5 * np.maximum(np.abs(draws[name]), 1e-6)
        up, down = (law.mean(grid, draws | {name: draws[name] + s}) for s in (step, -step))
        # The truncation error is of the order of the step squared; what remains is the rounding of the mean over the
        # step.
        rounding = 1e-10 * np.maximum(np.abs(mean), 1e-30) / step
        near = np.abs((up - down) / (2 * step) - slope) <= 1e-3 * np.abs(slope) + rounding
        worst = min(worst, float(np.mean(near)))
        total += near.size
    # A kink (maximum, minimum) may fall between the two sides of a difference; then the difference is wrong, not the
    # gradient.
    if worst < 0.995:
        return False, f"gradient and finite differences agree at only {worst:.1%} of places for some parameter."
    return True, f"finite at all {total:,} places and equal to finite differences for {len(slopes)} parameters."


def _thinned(grid: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Return a few points of a grid, at random but always the same."""
    count = len(next(iter(grid.values())))
    kept = np.random.default_rng(SEED).permutation(count)[:size]
    return {name: values[kept] for name, values in grid.items()}


def _all_matter(law: Law) -> Found:
    slopes = gradients(law, _thinned(input_grid(law), 200), _drawn(law, 10))
    moving = {name for name, slope in slopes.items() if np.any(np.abs(slope) > 0)}
    idle = [name for name in law.free_parameters if name not in moving | law.output.likelihood.names]
    if idle:
        return False, f"{listed(idle)} moves neither the mean nor the noise, so it cannot be learned."
    both = len(moving & set(law.free_parameters))
    return True, f"{both} of {len(law.free_parameters)} parameters move the mean, the others the noise."


def _matches_paper(law: Law) -> Found:
    if law.published is None:
        return True, "the law has no [published] form to compare with."
    rng = np.random.default_rng(SEED)
    grid = _thinned(input_grid(law), 100)
    count = len(next(iter(grid.values())))
    draws = law.draw_prior(rng, count)
    ours = np.asarray(law.mean(grid, draws))
    values = {**law.with_terms(grid, draws), **law.derive(draws)}
    theirs = np.asarray(evaluate(law.published.formula, values, NUMPY_WORDS))
    scale = np.maximum(np.abs(ours), np.finfo(float).tiny)
    # Two infinities or two NaNs do not count as agreement.
    gap = np.abs(ours - theirs) / scale
    widest = float(np.max(np.where(np.isfinite(gap), gap, np.inf)))
    text = f"our form and the paper's differ by at most {widest:.1e}, relative, at {count} prior draws"
    return widest <= 1e-9, text + ("." if widest <= 1e-9 else "; 1e-9 is allowed.")


def _round_trips(law: Law) -> Found:
    if law.published is None or not law.published.values:
        return True, "the law has no published values."
    widest = 0.0
    for key, numbers in law.published.values.items():
        parameters = _completed(law, key)
        back = parameters | law.derive(parameters)
        for name, number in numbers.items():
            gap = abs(back[name] - number) / max(abs(number), 1e-12)
            if not gap <= 1e-9:
                return False, f"{name} of {key} is {number:g} in the paper but {back[name]:g} through our parameters."
            widest = max(widest, gap)
    count = sum(len(numbers) for numbers in law.published.values.values())
    return True, f"{count} published values come back through inverse and derived to {widest:.0e}, relative."


def _completed(law: Law, key: str) -> dict[str, Any]:
    """Return a paper's values as our parameters, with prior medians for those it does not report."""
    return {name: p.prior.median() for name, p in law.parameters.items()} | law.published_parameters(key)


def _published_inside(law: Law) -> Found:
    if law.published is None or not law.published.values:
        return True, "the law has no published values."
    low, high = outcome_range(law)
    grid = input_grid(law)
    lowest, highest = np.inf, -np.inf
    for key in law.published.values:
        mean = np.asarray(law.mean(grid, _completed(law, key)))
        inside = np.isfinite(mean) & (mean >= low) & (mean <= high)
        if np.mean(inside) < INSIDE:
            return False, f"at the values of {key}, {np.mean(~inside):.1%} of places leave [{low:g}, {high:g}]."
        lowest, highest = min(lowest, float(np.min(mean[inside]))), max(highest, float(np.max(mean[inside])))
    return (
        True,
        f"{len(law.published.values)} sets of published values give outcomes from {lowest:.3g} to {highest:.3g}.",
    )


def _cited(law: Law) -> Found:
    keys = [law.reference, *(law.published.values if law.published else ())]
    known = bibliography()
    missing = [key for key in keys if key and not is_cited(key, known)]
    if missing:
        return False, f"{listed(missing)} is not in the bibliography (bayeslaw/language/references.toml)."
    unplaced = [k for k in keys[1:] if law.published and not law.published.source.get(k)]
    if unplaced:
        return False, f"[published] does not say where the values of {listed(unplaced)} stand; add source.KEY."
    return True, f"all {len([k for k in keys if k])} reference keys are in the bibliography."


def is_cited(key: str, known: Mapping[str, Any]) -> bool:
    """Whether a bibliography has a key, or the part before its last underscore (``gadre2024language_c4``)."""
    return key in known or key.rpartition("_")[0] in known


def _described(law: Law) -> Found:
    missing = [f"parameter '{n}' has no meaning" for n, p in law.parameters.items() if not p.meaning]
    for name, one in law.inputs.items():
        missing += [f"input '{name}' has no {what}" for what in ("meaning", "units", "range") if not getattr(one, what)]
    missing += [f"the output has no {what}" for what in ("meaning", "units", "range") if not getattr(law.output, what)]
    if missing:
        return False, f"{listed(missing, 4)}."
    return True, f"{len(law.parameters)} parameters, {len(law.inputs)} inputs and the output say what they are."


def _sets_as_latex(law: Law) -> Found:
    count = 0
    for what, node in formulas(law):
        if what.startswith("input"):
            continue
        shown = to_latex(node)
        pairs = (("{", "}"), (r"\left", r"\right"))
        if any(shown.count(a) != shown.count(b) for a, b in pairs) or not shown:
            return False, f"the LaTeX of {what} does not balance: {shown}"
        count += 1
    return True, f"{count} formulas set as LaTeX with balanced braces."


CHECKS: Mapping[str, Callable[[Law], Found]] = {
    "reads back": _reads_back,
    "writes out": _writes_out,
    "prior predictive": _prior_predictive,
    "gradient": _has_gradient,
    "every parameter matters": _all_matter,
    "published form": _matches_paper,
    "published values": _round_trips,
    "published outcomes": _published_inside,
    "references": _cited,
    "described": _described,
    "latex": _sets_as_latex,
}
