"""Residuals of one sign: seldom where the law is right, and found where it cannot bend as the runs do."""

import numpy as np
import pytest
from scipy.stats import binom

import bayeslaw as bl
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.posterior.residuals import FALSE_ALARMS, residual_notes
from tests.posteriors import with_draws

NOISE, WIDTH = 0.02, 5.0
LAW = bl.Law.parse(
    f"""
    title = "plane"
    reference = "none"
    formula = "b0 + b1 * log(N/N0) + b2 * log(D/D0)"
    [output]
    y = {{ likelihood = "Normal(mean, noise)", units = "1", meaning = "outcome" }}
    [input]
    N = {{ column = "n_params", units = "parameter", reference = 1e8, meaning = "size" }}
    D = {{ column = "n_tokens", units = "token", reference = 1e10, meaning = "tokens" }}
    [parameter]
    b0 = {{ prior = "Normal(0, {WIDTH})", meaning = "level" }}
    b1 = {{ prior = "Normal(0, {WIDTH})", meaning = "slope" }}
    b2 = {{ prior = "Normal(0, {WIDTH})", meaning = "slope" }}
    noise = {{ prior = "Constant({NOISE})", meaning = "scatter" }}
    """,
    "plane",
)
TRUTH = np.array([3.0, -0.1, -0.2])


def iso_flop(budgets=5, sizes=8):
    """Runs of several sizes at each budget."""
    C = np.repeat(np.geomspace(1e18, 1e21, budgets), sizes)
    N = np.sqrt(C / 6 / 20) * np.tile(np.geomspace(0.2, 5.0, sizes), budgets)
    return N, C / 6 / N


def fitted(N, D, y, family=None):
    """The exact posterior of the plane, by independent draws."""
    design = np.stack([np.ones_like(N), np.log(N / 1e8), np.log(D / 1e10)], axis=1)
    covariance = np.linalg.inv(design.T @ design / NOISE**2 + np.eye(3) / WIDTH**2)
    middle = covariance @ design.T @ y / NOISE**2
    drawn = np.random.default_rng(5).multivariate_normal(middle, covariance, (4, 250))
    runs = bl.read_runs({"n_params": N, "n_tokens": D, "y": y} | ({} if family is None else {"family": family}))
    pool = {} if family is None else dict.fromkeys(("b0", "b1", "b2"), "complete")
    plan = make_plan(LAW, runs, None if family is None else "family", pool)
    return with_draws(plan, {f"b{i}": drawn[..., i] for i in range(3)})


def plane(N, D):
    return TRUTH[0] + TRUTH[1] * np.log(N / 1e8) + TRUTH[2] * np.log(D / 1e10)


def notes_of_table(seed, bend=0.0, by_family=0.0):
    rng = np.random.default_rng(seed)
    N, D = iso_flop()
    family = np.where(np.arange(len(N)) % 2 == 0, "even", "odd")
    y = plane(N, D) + bend * np.log(D / N / 20) ** 2 + by_family * (family == "odd")
    return residual_notes(fitted(N, D, y + NOISE * rng.standard_normal(len(N)), family))


def test_a_law_that_is_right_is_seldom_accused():
    tables = 200
    accused = sum(bool(notes_of_table(seed)) for seed in range(tables))
    assert accused <= binom.ppf(0.999, tables, FALSE_ALARMS)


@pytest.mark.parametrize(("bend", "side"), [(0.05, "below"), (-0.05, "above")])
def test_bowls_that_the_law_does_not_have_are_seen_at_each_budget(bend, side):
    (note,) = notes_of_table(1, bend=bend)
    assert (note.code, note.severity) == ("one-sided", "warning")
    assert f"all 4 runs of middle size at the budget of 1e18 lie {side} it" in note.text
    assert note.text.endswith(" more such groups.")


def test_a_bend_at_the_far_end_is_serious():
    rng = np.random.default_rng(2)
    N = np.geomspace(1e7, 1e10, 30)
    D = 20 * N * np.exp(rng.normal(0, 0.5, 30))
    y = plane(N, D) + 0.1 * np.maximum(np.log(N / 2e9), 0.0) ** 2 + NOISE * rng.standard_normal(30)
    (note,) = residual_notes(fitted(N, D, y))
    assert (note.code, note.severity) == ("one-sided", "serious")
    assert "all 4 most expensive runs lie above it" in note.text


def test_a_family_that_the_law_does_not_tell_apart_is_named():
    (note,) = notes_of_table(3, by_family=0.12)
    assert note.severity == "warning"
    assert "all 20 runs of family 'odd' lie above it" in note.text
    assert "all 20 runs of family 'even' lie below it" in note.text


def test_the_note_is_kept_with_the_fit_and_said_by_its_answers(tmp_path):
    N, D = iso_flop()
    found = bl.fit(
        LAW, {"n_params": N, "n_tokens": D, "y": plane(N, D) + 0.02 * np.log(D / N / 20) ** 2}, draws=200,
        patience=False,
    )  # fmt: skip
    assert "one-sided" in {note.code for note in bl.load(found.save(tmp_path / "fit.nc")).notes}
