"""Weights of laws: optima that are known, and what holds for any scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import bayeslaw as bl
from bayeslaw.ask.compare.forward import cost, origins
from bayeslaw.ask.compare.weights import WEIGHTINGS, by_evidence, stacked, weigh
from bayeslaw.ask.evidence.comparable import Subject
from bayeslaw.ask.evidence.evidence import Evidence
from bayeslaw.errors import QuestionError
from tests.linear import exact_fit, linear_runs
from tests.posteriors import from_priors

SCORES = st.tuples(st.integers(1, 30), st.integers(1, 5)).flatmap(
    lambda shape: arrays(float, shape, elements=st.floats(-300.0, 300.0))
)


def equally(points: int) -> np.ndarray:
    return np.ones(points)


def score(log_densities: np.ndarray, weights: np.ndarray) -> float:
    """The mean log score of a mixture."""
    with np.errstate(divide="ignore"):
        return float(np.logaddexp.reduce(log_densities + np.log(weights), axis=1).mean())


# --- stacking ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(6, 4), (5, 5), (11, 9), (1, 0), (3, 1), (0, 7)])
def test_two_laws_that_are_each_right_about_some_runs(first, second):
    """Densities 1 and 1/2 on one part and 1/2 and 1 on the other have their optimum at (2 m - n) / (m + n)."""
    log_densities = np.log(np.array([[1.0, 0.5]] * first + [[0.5, 1.0]] * second))
    expected = np.clip((2 * first - second) / (first + second), 0.0, 1.0)
    found = stacked(log_densities, equally(first + second))
    np.testing.assert_allclose(found, [expected, 1.0 - expected], atol=1e-3)
    assert score(log_densities, np.array([expected, 1.0 - expected])) - score(log_densities, found) < 1e-7


def test_a_point_that_counts_twice_is_two_points():
    rng = np.random.default_rng(0)
    log_densities, counts = rng.standard_normal((20, 3)), rng.integers(1, 4, 20)
    once = stacked(np.repeat(log_densities, counts, axis=0), equally(int(counts.sum())))
    np.testing.assert_allclose(stacked(log_densities, counts.astype(float)), once, atol=1e-12)


@settings(deadline=None)
@given(SCORES)
def test_no_mixture_scores_better(log_densities):
    """The score is concave, so its slope at the weights bounds what any other mixture could gain."""
    found = stacked(log_densities, equally(len(log_densities)))
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    for corner in np.eye(log_densities.shape[1]):
        for step in (1e-3, 0.3):
            other = (1 - step) * found + step * corner
            assert score(log_densities, other) <= score(log_densities, found) + 1e-6


@settings(deadline=None)
@given(SCORES, st.floats(0.01, 5.0))
def test_a_law_that_is_worse_everywhere_gets_nothing(log_densities, less):
    beaten = log_densities[:, :1] - less
    found = stacked(np.hstack([log_densities, beaten]), equally(len(log_densities)))
    # It is left with what the end of the climb leaves open.
    assert found[-1] * (1.0 - np.exp(-less)) < 1e-5


# --- evidence ---------------------------------------------------------------------------------------------------


def evidence(value: float, se: float) -> Evidence:
    return Evidence("law", value, se, (), {}, Subject("loss", "nat/token", "density", 1, {}, {}), 1, converged=True)


def test_exact_evidences_are_odds():
    weights, bounds = by_evidence({"a": evidence(10.0, 0.0), "b": evidence(10.0 - np.log(3.0), 0.0)})
    assert weights == pytest.approx({"a": 0.75, "b": 0.25})
    assert bounds["a"] == pytest.approx((0.75, 0.75))


def test_the_error_of_evidences_is_carried_into_their_weights():
    """Against quadrature over the error of the difference, which is normal."""
    weights, bounds = by_evidence({"a": evidence(1.0, 0.6), "b": evidence(0.0, 0.8)})
    x, mass = np.polynomial.hermite_e.hermegauss(60)
    expected = (mass / mass.sum()) @ (1.0 / (1.0 + np.exp(-(1.0 + 1.0 * x))))
    assert weights["a"] == pytest.approx(expected, abs=4 * 0.2 / np.sqrt(4000))
    assert bounds["a"] == pytest.approx([1.0 / (1.0 + np.exp(-(1.0 + z))) for z in (-1.645, 1.645)], abs=0.02)


# --- weigh ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fits() -> dict[str, bl.Posterior]:
    runs = linear_runs()
    return {name: exact_fit(name, runs) for name in ("level", "line", "curve")}


@pytest.mark.parametrize("how", WEIGHTINGS)
def test_every_weighting_weighs_every_law(fits, how):
    found = weigh(fits, how)
    assert list(found) == list(fits)
    assert sum(found.values()) == pytest.approx(1.0)
    if how == "equal":
        assert set(found.values()) == {1 / 3}
    else:  # a level is no law of runs about a line
        assert found["level"] < 0.01


def test_expensive_runs_are_hidden_in_the_order_of_their_cost(fits):
    x = fits["line"].runs.column("x")
    np.testing.assert_array_equal(cost(fits), x)
    hidden = origins(fits)
    assert [int((~mask).sum()) for mask in hidden] == [12, 15, 19]
    assert all(x[mask].min() > x[~mask].max() for mask in hidden)


def test_compute_orders_runs_where_one_law_knows_it():
    rng = np.random.default_rng(0)
    N, D = rng.permutation(np.geomspace(1e8, 1e10, 12)), rng.permutation(np.geomspace(1e9, 1e11, 12))
    runs = bl.read_runs({"n_params": N, "n_tokens": D, "flops": 6 * N * D, "loss": np.linspace(2.0, 3.0, 12)})
    fits = {name: from_priors(name, runs) for name in ("power_law", "kaplan")}
    assert (np.argsort(cost(fits)) == np.argsort(N * D)).all()


def test_one_budget_is_hidden_whole_or_not_at_all():
    runs = bl.read_runs({"flops": np.repeat([1e18, 1e19, 1e20], 8), "loss": np.linspace(3.0, 2.0, 24)})
    hidden = origins({"power_law": from_priors("power_law", runs)})
    assert [int(mask.sum()) for mask in hidden] == [8]


def test_weights_that_cannot_be_had_are_refused(fits):
    with pytest.raises(QuestionError, match="no way to weigh laws is called 'forwards'; did you mean 'forward'"):
        weigh(fits, "forwards")
    with pytest.raises(QuestionError, match="one law only, line"):
        weigh({"line": fits["line"]}, "equal")
    with pytest.raises(QuestionError, match="different runs, 24 and 20"):
        weigh({"line": fits["line"], "curve": exact_fit("curve", linear_runs(20))}, "stacking")
