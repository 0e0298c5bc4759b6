"""Diagnostics are ArviZ's, and what they find is said."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpyro.diagnostics import effective_sample_size, gelman_rubin

from bayeslaw.errors import ConvergenceError
from bayeslaw.inference.base import mixing
from bayeslaw.inference.base.diagnostics import Diagnostics, bfmi, bulk_ess, mean_ess, rank_normalised, rhat, tail_ess
from bayeslaw.inference.base.mixing import split


def chains(phi: float = 0.0, shift: float = 0.0, scale: float = 1.0, shape=(4, 500), seed: int = 0) -> np.ndarray:
    """Autoregressive chains, the first one moved and stretched."""
    rng = np.random.default_rng(seed)
    x = np.empty(shape)
    x[:, 0] = rng.standard_normal(shape[0])
    for t in range(1, shape[1]):
        x[:, t] = phi * x[:, t - 1] + np.sqrt(1 - phi**2) * rng.standard_normal(shape[0])
    x[0] = x[0] * scale + shift
    return x


CASES = {
    "independent": chains(), "autocorrelated": chains(0.8), "sticky": chains(0.98), "alternating": chains(-0.5),
    "one shifted": chains(shift=1.0), "one stretched": chains(scale=4.0), "both": chains(0.5, 0.3, 2.0),
    "heavy tails": np.tan(chains(0.3) / 2), "odd length": chains(0.5, shape=(4, 301)),
    "two chains": chains(0.5, shape=(2, 400)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_rhat_is_arviz_s(case: str) -> None:
    """Up to how the median, about which draws are folded, is interpolated."""
    x = CASES[case]
    assert rhat(x[..., None])[0] == pytest.approx(float(array_stats.rhat(x, method="rank")), rel=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_bulk_ess_is_arviz_s(case: str) -> None:
    """Up to where Geyer's sum stops: one pair of lags more or less is a per cent."""
    x = CASES[case]
    assert bulk_ess(x[..., None])[0] == pytest.approx(float(array_stats.ess(x, method="bulk")), rel=0.02)


@pytest.mark.parametrize("case", CASES)
def test_tail_ess_is_arviz_s(case: str) -> None:
    x = CASES[case]
    assert tail_ess(x[..., None])[0] == pytest.approx(
        float(array_stats.ess(x, method="tail", prob=(0.05, 0.95))), rel=0.02
    )


@pytest.mark.parametrize("case", CASES)
def test_estimates_of_all_quantities_are_those_of_numpyro_to_the_bit(case: str) -> None:
    x = np.stack([CASES[case], np.exp(CASES[case]), np.square(CASES[case])], axis=-1)
    halves = split(x)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    expected = np.maximum(gelman_rubin(rank_normalised(halves)), gelman_rubin(rank_normalised(folded)))
    np.testing.assert_array_equal(rhat(x), expected)
    np.testing.assert_array_equal(bulk_ess(x), effective_sample_size(rank_normalised(halves)))
    assert mean_ess(x[..., 0]) == min(effective_sample_size(halves[..., 0]), x[..., 0].size)


# Beside the others, where Geyer's sum ends at once or never, where draws are equal, and where they are few.
ONE_QUANTITY = CASES | {
    "trend": np.cumsum(np.ones((4, 200)), axis=1), "signs": np.tile([1.0, -1.0], (4, 50)), "constant": np.ones((4, 50)),
    "rounded": np.round(2.0 * chains(0.5)), "counted": np.arange(48.0).reshape(4, 12), "one chain": chains(0.5)[:1],
    "three draws": chains(shape=(4, 3)), "four draws": chains(shape=(4, 4)), "seven draws": chains(shape=(4, 7)),
    "no number": np.where(chains() > 3.0, np.nan, chains()),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE_QUANTITY)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_estimates_of_one_quantity_are_those_of_arviz_to_the_bit(case: str) -> None:
    x = ONE_QUANTITY[case]
    ours = [mixing.rhat(x), mixing.ess_bulk(x), mixing.ess_tail(x)]
    theirs = [
        array_stats.rhat(x, method="rank"), array_stats.ess(x, method="bulk"),
        array_stats.ess(x, method="tail", prob=(0.05, 0.95)),
    ]  # fmt: skip
    np.testing.assert_array_equal(ours, [float(each) for each in theirs])


def test_an_ess_that_cannot_be_estimated_is_one() -> None:
    """The autocorrelations of a few draws that alternate sum to less than nothing."""
    signs = np.tile([1.0, -1.0], 10)[None, :, None]
    many = signs + 0.3 * np.random.default_rng(0).standard_normal((1, 20, 200))
    assert bulk_ess(many).min() == 1.0


def test_each_quantity_is_judged_by_itself() -> None:
    together = np.stack([CASES["independent"], CASES["one shifted"]], axis=-1)
    assert rhat(together) == pytest.approx([rhat(together[..., i : i + 1])[0] for i in range(2)])
    assert bulk_ess(together) == pytest.approx([bulk_ess(together[..., i : i + 1])[0] for i in range(2)])


def test_split_leaves_out_the_middle_of_odd_chains() -> None:
    assert split(np.arange(10).reshape(2, 5)).tolist() == [[0, 1], [5, 6], [3, 4], [8, 9]]


def test_rank_normalisation_forgets_all_but_order() -> None:
    x = CASES["autocorrelated"][..., None]
    np.testing.assert_array_equal(rank_normalised(x), rank_normalised(np.exp(3 * x)))
    assert rank_normalised(x).mean() == pytest.approx(0.0, abs=1e-12)
    assert rank_normalised(x).std() == pytest.approx(1.0, abs=0.01)


def test_bfmi_of_a_random_walk_is_small() -> None:
    walk = np.cumsum(np.random.default_rng(0).standard_normal((2, 1000)), axis=1)
    assert bfmi(walk).shape == (2,)
    assert bfmi(walk).max() < 0.1
    assert bfmi(CASES["independent"]).min() > 1.5


def test_bfmi_of_a_chain_that_does_not_move_is_zero() -> None:
    """Without a warning, and whether or not the other chains move."""
    energy = CASES["independent"].copy()
    energy[1] = 3.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = bfmi(energy)
        still = judged(np.zeros((4, 500)), energy=np.ones((4, 500)))
    assert still.bfmi == 0.0
    assert found[1] == 0.0
    assert np.delete(found, 1).min() > 1.5


def judged(*quantities: np.ndarray, **stats: np.ndarray) -> Diagnostics:
    shape = quantities[0].shape
    usual = {"diverging": np.zeros(shape, bool), "energy": chains(shape=shape), "n_steps": np.full(shape, 7.0)}
    return Diagnostics.of(np.stack(quantities, axis=-1), [f"x{i}" for i in range(len(quantities))], {**usual, **stats})


def test_good_chains_have_no_complaints() -> None:
    good = judged(CASES["independent"])
    assert good.converged
    assert good.complaints == ()
    assert (good.chains, good.draws, good.leapfrogs) == (4, 500, 7.0)
    good.require()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (lambda: judged(CASES["independent"], CASES["one shifted"]), "R-hat of x1 is 1."),
        (lambda: judged(CASES["sticky"], CASES["independent"]), "effective sample size of x0"),
        (lambda: judged(CASES["independent"], diverging=chains() > 2), "of 2000 draws diverged"),
        (lambda: judged(CASES["independent"], energy=np.cumsum(chains(), axis=1)), "E-BFMI is 0."),
        (lambda: judged(CASES["independent"], np.zeros((4, 500))), "x1"),
        (lambda: judged(np.full((4, 500), np.nan), CASES["independent"]), "x0"),
    ],
)
def test_bad_chains_are_refused_unless_asked_for(bad, says: str) -> None:
    """The error names the quantity and what to do; a caller may insist."""
    found = bad()
    assert not found.converged
    assert any(says in complaint for complaint in found.complaints)
    with pytest.raises(ConvergenceError, match=r"has not converged.*more draws.*allow_unconverged=True") as error:
        found.require()
    assert says in str(error.value)
    found.require(allow_unconverged=True)
    assert found.as_dict()["converged"] is False


def test_more_draws_mend_what_lacks_draws_alone() -> None:
    """Effective draws grow with their number, and R-hat falls towards one."""
    short = replace(judged(CASES["independent"]), rhat=1.03, ess=150.0)
    assert short.with_draws(4).converged
    assert not short.with_draws(2).converged
    assert not replace(short, divergences=5).with_draws(4).converged


def test_a_few_divergences_are_let_pass() -> None:
    assert replace(judged(CASES["independent"]), divergences=4).converged
    assert not replace(judged(CASES["independent"]), divergences=5).converged
