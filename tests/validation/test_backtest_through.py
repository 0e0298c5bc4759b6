"""Back-tests of scores whose loss is hidden too: nothing of a hidden run is seen, and refusals."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.auto.choice import score_of
from bayeslaw.errors import QuestionError, RunsError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.validation.backtest.ahead import looks
from bayeslaw.validation.backtest.origins import origin_where

SCORE = bl.law("loss_threshold").with_priors(chance="Constant(0.25)")
EXPENSIVE = "n_params * n_tokens > 5e18"
SAMPLING = bl.Sampling(draws=200, patience=False)


@pytest.fixture(scope="module")
def runs() -> bl.Runs:
    """Losses of Chinchilla's law, and the answers to 400 questions by the loss."""
    rng = np.random.default_rng(3)
    N, D = 10 ** rng.uniform(7.5, 9.5, 80), 10 ** rng.uniform(9.0, 10.8, 80)
    loss = (1.8 + 0.35 * (N / 1e9) ** -0.35 + 0.35 * (D / 2e10) ** -0.37) * np.exp(0.004 * rng.standard_normal(80))
    share = SCORE.mean({"L": loss}, {"chance": 0.25, "threshold": 3.2, "gain": 0.8, "w": 0.05})
    right = rng.binomial(400, share).astype(float)
    return bl.read_runs({
        "n_params": N, "n_tokens": D, "loss": loss, "n_correct": right, "n_trials": np.full(80, 400.0),
    })  # fmt: skip


@pytest.fixture(scope="module")
def found(runs):
    return bl.backtest(
        SCORE, runs, through="chinchilla", hide=EXPENSIVE, drift=False, draws=SAMPLING.draws, patience=False
    )


def test_intervals_hold_scores_whose_loss_is_not_known(found, runs):
    scores = found.laws["loss_threshold"]
    assert len(scores) > 20
    assert abs(scores.inside(0.9).mean() - 0.9) < 3 * np.sqrt(0.09 / len(scores))
    assert found.through == ("chinchilla",)
    assert "read off what chinchilla forecast" in str(found)
    # Distance is that of the loss: compute beyond the largest run that was seen.
    assert (scores.ratio > 1).all()
    assert found.rivals == {}


def test_neither_the_loss_nor_the_score_of_a_hidden_run_is_seen(runs):
    origin = origin_where(runs, EXPENSIVE)
    spoilt = runs.with_columns({
        "loss": np.where(origin.hidden, 9.0, runs.column("loss")),
        "n_correct": np.where(origin.hidden, 1.0, runs.column("n_correct")),
    })  # fmt: skip
    draws = []
    for table in (runs, spoilt):
        plans = {SCORE.name: make_plan(SCORE, table)}
        stage = {"chinchilla": make_plan(bl.law("chinchilla"), table)}
        (look,) = looks(plans, [origin], through=stage, drift=False, sampling=SAMPLING)
        draws.append(look.runs[SCORE.name])
    np.testing.assert_array_equal(*draws)


def test_what_cannot_be_forecast_first_is_refused(runs):
    with pytest.raises(QuestionError, match="'loss_threshold' predicts n_correct, which loss_threshold does not read"):
        bl.backtest(SCORE, runs, through=SCORE)
    bare = bl.read_runs({name: runs.data[name] for name in ("loss", "n_correct", "n_trials")})
    with pytest.raises(QuestionError, match="no input of loss_threshold can be forecast from the columns"):
        bl.backtest(SCORE, bare, through="auto", along="loss")
    with pytest.raises(RunsError, match="there is no score to predict"):
        score_of(bl.read_runs({"n_params": [1e9], "loss": [3.0]}))
