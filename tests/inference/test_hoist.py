"""Hoisting changes where numbers are computed and nothing else."""

import numpy as np
import pytest

from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.language.catalogue import law, laws
from bayeslaw.language.formula.expression import evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.latin_hypercube import latin_hypercube
from bayeslaw.language.law import Law, Root
from bayeslaw.language.root import solve

SHIPPED = {one.name: one for one in laws()}
ROWS = 17


def inputs_of(one: Law, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return one.with_computed_inputs(latin_hypercube(one, rng, ROWS))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_mean_and_the_noise_stay(name: str) -> None:
    one, rng = SHIPPED[name], np.random.default_rng(1)
    hoisted, inputs = hoist(one), inputs_of(one, rng)
    arrays = hoisted.data(one, inputs)
    for _ in range(3):
        parameters = {key: draws[0] for key, draws in one.draw_prior(rng, 1).items()}
        values = {**one.references, **arrays, **parameters}
        for key, term in hoisted.terms:
            values[key] = (
                solve(term, values, NUMPY_WORDS) if isinstance(term, Root) else evaluate(term, values, NUMPY_WORDS)
            )
        expected = {**one.with_terms(inputs, parameters), "mean": one.mean(inputs, parameters)}
        values["mean"] = evaluate(hoisted.formula, values, NUMPY_WORDS)
        np.testing.assert_allclose(values["mean"], expected["mean"], rtol=1e-11)
        for ours, theirs in zip(hoisted.likelihood, one.output.likelihood.arguments, strict=True):
            np.testing.assert_allclose(
                evaluate(ours, values, NUMPY_WORDS), evaluate(theirs, expected, NUMPY_WORDS), rtol=1e-11
            )


@pytest.mark.parametrize("name", SHIPPED)
def test_no_input_is_left(name: str) -> None:
    """All that a sampler sees of the data are arrays, one float64 a run."""
    one = SHIPPED[name]
    hoisted = hoist(one)
    parts = [hoisted.formula, *hoisted.likelihood]
    for _, term in hoisted.terms:
        parts += [term.equation, term.slope, term.lower, term.upper] if isinstance(term, Root) else [term]
    assert not {n for part in parts for n in names(part)} & {*one.inputs, *one.references}
    arrays = hoisted.data(one, inputs_of(one, np.random.default_rng(2)))
    assert all(a.shape == (ROWS,) and a.dtype == float and np.isfinite(a).all() for a in arrays.values())


def edited(formula: str) -> Law:
    one = law("power_law")
    old = next(line for line in one.text.splitlines() if line.startswith("formula"))
    return Law.parse(one.text.replace(old, f'formula = "{formula}"', 1), "edited")


def test_a_power_of_data_is_an_exponential_of_its_logarithm() -> None:
    one = law("chinchilla")
    assert {str(node.function) for _, node in hoist(one).arrays} == {"log"}


def test_one_array_is_made_of_what_stands_twice() -> None:
    x = next(iter(law("power_law").inputs))
    twice = edited(f"E + A * ({x}/{x}0)**-alpha + A * ({x}/{x}0)**-alpha")
    assert len(hoist(twice).arrays) == 1


def test_a_base_that_could_be_negative_keeps_its_power() -> None:
    """log(x - x0) may not exist where (x - x0)**2 does."""
    x = next(iter(law("power_law").inputs))
    one = edited(f"E + A * (({x} - {x}0)/{x}0)**2 * exp(-alpha)")
    hoisted, inputs = hoist(one), {x: one.references[f"{x}0"] * np.array([0.5, 1.0, 2.0])}
    parameters = {"E": 1.0, "A": 2.0, "alpha": 0.3}
    found = evaluate(hoisted.formula, {**hoisted.data(one, inputs), **parameters}, NUMPY_WORDS)
    np.testing.assert_allclose(found, one.mean(inputs, parameters))
