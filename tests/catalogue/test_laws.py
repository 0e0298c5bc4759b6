"""Every law of the catalogue against every check, and against numbers known from the papers."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from bayeslaw.language.catalogue import law, laws
from bayeslaw.language.check import CHECKS, CheckResult, check_law, gradients, input_grid
from bayeslaw.language.formula.schedule import lr_annealing, lr_sum
from bayeslaw.language.law import Law

SHIPPED = {one.name: one for one in laws()}


@cache
def results(name: str) -> dict[str, CheckResult]:
    return {result.name: result for result in check_law(SHIPPED[name])}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", SHIPPED)
def test_law_keeps_check(name: str, check: str) -> None:
    """A shipped law passes the suite that a user's own law is held to."""
    result = results(name)[check]
    assert result.passed, result.text


def test_the_catalogue_is_not_empty() -> None:
    """The tests over all laws have laws to test."""
    assert len(SHIPPED) >= 18
    assert all(one.topics and one.reference for one in SHIPPED.values())


# ---------------------------------------------------------------------- the checks can fail


def broken(old: str, new: str) -> Law:
    text = law("chinchilla").text
    assert old in text
    idle = 'idle = { prior = "LogNormal(0, 1)", meaning = "nothing" }' if "idle" in new else ""
    return Law.parse(text.replace(old, new).replace("[parameter]", f"[parameter]\n{idle}"), "broken")


@pytest.mark.parametrize(
    ("check", "old", "new", "says"),
    [
        ("prior predictive", "LogNormal(log(0.35), 0.7)", "LogNormal(log(20), 0.7)", "narrow the priors"),
        ("prior predictive", 'formula = "E + A', 'formula = "E - 10 + A', "narrow the priors"),
        ("gradient", 'formula = "E + A', 'formula = "E + maximum(1 - 2*E, 0)**0.5 + A', "is not finite"),
        ("every parameter matters", 'formula = "E + A', 'formula = "E + 0 * idle + A', "idle moves neither"),
        ("published form", "A_raw / N**alpha +", "A_raw / N**beta +", "1e-9 is allowed"),
        ("published form", "E + A_raw / N**alpha", "1.00000001 * E + A_raw / N**alpha", "1e-9 is allowed"),
        ("published values", 'A = "A_raw / N0**alpha"', 'A = "A_raw / N0**beta"', "A_raw of"),
        ("published outcomes", "E = 1.6934", "E = 16.934", "leave [0.3, 20]"),
        ("references", '"hoffmann2022training"', '"nobody1900nothing"', "nobody1900nothing is not in the bib"),
        ("references", "source.besiroglu", "#source.besiroglu", "does not say where"),
        ("described", 'meaning = "how fast tokens help"', 'meaning = ""', "parameter 'beta' has no meaning"),
        ("described", 'units = "token", ', 'units = "", ', "input 'D' has no units"),
    ],
)
def test_a_broken_law_fails_its_check(check: str, old: str, new: str, says: str) -> None:
    """Each check that can fail on a law that reads does, and says what is wrong."""
    result = next(one for one in check_law(broken(old, new)) if one.name == check)
    assert not result.passed
    assert says in result.text


def test_a_law_that_overflows_fails_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    """What is not finite is what the checks look for: NumPy has nothing to add."""
    found = check_law(broken('formula = "E + A', 'formula = "E + exp(exp(alpha * N/N0)) - exp(exp(D/D0)) + A'))
    assert not all(one.passed for one in found)
    assert not recwarn.list


def test_every_result_is_a_sentence_with_figures() -> None:
    """Every result, good or bad, has a text that ends."""
    for name in SHIPPED:
        assert [one.name for one in results(name).values()] == list(CHECKS)
        assert all(one.text.endswith(".") for one in results(name).values())


def test_gradient_goes_through_a_root() -> None:
    """The implicit function theorem gives the slope that differences give, at single places too."""
    m4 = law("m4")
    at = {"chance": 1.1, "floor": 0.2, "h": 0.6, "c": 0.4, "gamma": 0.8}
    x = {"x": np.array([1e6, 1e9])}
    slope = gradients(m4, x, at)["gamma"]
    up, down = (m4.mean(x, at | {"gamma": 0.8 + s}) for s in (1e-6, -1e-6))
    np.testing.assert_allclose(slope, (up - down) / 2e-6, rtol=1e-6)


def test_the_grid_stays_where_the_law_may_be_used() -> None:
    """Points at which a computed input leaves its range are not part of the grid."""
    grid = input_grid(law("over_training"))
    assert set(grid) == {"N", "D", "C", "M"}
    np.testing.assert_allclose(grid["C"], 6 * grid["N"] * grid["D"])
    low, high = law("over_training").inputs["M"].range or (0, 0)
    assert np.all((grid["M"] >= low) & (grid["M"] <= high))


def test_the_grid_of_many_inputs_is_a_sample() -> None:
    """Nine inputs would have two million places; the sample reaches both ends of each."""
    names = [f"x{i}_" for i in range(9)]
    inputs = "".join(f'\n{name} = {{ units = "1", range = [1, 16], meaning = "x" }}' for name in names)
    text = law("power_law").text.partition("[derived]")[0].replace("[input]", f"[input]{inputs}")
    many = Law.parse(text.replace('formula = "E', f'formula = "{" + ".join(names)} + E'), "many")
    grid = input_grid(many)
    assert all(len(grid[name]) == 3125 and set(grid[name]) >= {1.0, 16.0} for name in names)


# ---------------------------------------------------------------------- pretraining


def optimum(one: Law, parameters: dict[str, float], compute: float) -> tuple[float, float]:
    """Parameters and tokens of the lowest loss for a compute, by search."""

    def loss(log_size: float) -> float:
        size = np.exp(log_size)
        return float(one.mean({"N": size, "D": compute / (6 * size)}, parameters))

    size = float(np.exp(minimize_scalar(loss, bounds=(np.log(1e8), np.log(1e13)), options={"xatol": 1e-9}).x))
    return size, compute / (6 * size)


@pytest.mark.parametrize(
    ("key", "size", "tokens"),
    [("hoffmann2022training", 40e9, 2.38e12), ("besiroglu2024chinchilla", 72e9, 1.33e12)],
)
def test_chinchilla_optimum_at_gophers_compute(key: str, size: float, tokens: float) -> None:
    """At 5.76e23 FLOP the two sets of published values disagree about the best model by a factor of two."""
    chinchilla = law("chinchilla")
    at = chinchilla.published_parameters(key)
    N, D = optimum(chinchilla, at, 5.76e23)
    assert pytest.approx(size, rel=0.02) == N
    assert pytest.approx(tokens, rel=0.02) == D
    # The best N grows as compute**a.
    larger, _ = optimum(chinchilla, at, 5.76e25)
    assert np.log(larger / N) / np.log(100) == pytest.approx(chinchilla.derive(at)["a"], abs=1e-5)


def test_isoflop_is_exact_where_loss_is_a_term_in_each_of_two_inputs() -> None:
    """On a budget, Chinchilla's excess over its best size is a bowl whose sides rise with its two exponents."""
    at = {"E": 1.8, "A": 0.4, "B": 0.5, "alpha": 0.35, "beta": 0.28}
    budget, u = 1e21, np.linspace(-3, 3, 61)
    size, _ = optimum(law("chinchilla"), at, budget)
    there = size * np.exp(u)
    loss = law("chinchilla").mean({"N": there, "D": budget / (6 * there)}, at)
    lowest = law("chinchilla").mean({"N": size, "D": budget / (6 * size)}, at)
    curvature = 0.5 * at["alpha"] * at["A"] * (size / 1e9) ** -at["alpha"] * (at["alpha"] + at["beta"])
    bowl = law("isoflop").mean(
        {"N": there, "C": budget},
        {"E": float(lowest), "r": 0.0, "eta": 0.1, "q": curvature, "eta_q": 0.0, "a": 0.0, "N_best": size,
         "small": at["alpha"], "large": at["beta"]},
    )  # fmt: skip
    np.testing.assert_allclose(bowl, loss, rtol=1e-6)


RNG = np.random.default_rng(5)
PLACES = {"N": np.geomspace(1e7, 1e12, 7)[:, None], "D": np.geomspace(1e8, 1e14, 7)[None, :]}
CHINCHILLA = {"E": 1.8, "A": 0.4, "B": 0.5, "alpha": 0.35, "beta": 0.31}


def test_coupled_at_one_is_chinchilla() -> None:
    """At gamma = 1 the coupled law is Chinchilla; near 0 only the larger of its two losses counts."""
    ours = law("coupled").mean(PLACES, CHINCHILLA | {"gamma": 1.0})
    np.testing.assert_allclose(ours, law("chinchilla").mean(PLACES, CHINCHILLA), rtol=1e-14)
    sharp = law("coupled").mean(PLACES, CHINCHILLA | {"gamma": 1e-3})
    sides = [0.4 * (PLACES["N"] / 1e9) ** -0.35, 0.5 * (PLACES["D"] / 2e10) ** -0.31]
    np.testing.assert_allclose(sharp, 1.8 + np.maximum(*sides), rtol=1e-3)


@pytest.mark.parametrize("gamma", [0.05, 0.452, 1.0, 3.0])
def test_coupled_with_unlimited_data_does_not_know_gamma(gamma: float) -> None:
    """With data without end the coupled law is a power law in parameters, for every gamma."""
    size = PLACES["N"][:, 0]
    ours = law("coupled").mean({"N": size, "D": 1e300}, CHINCHILLA | {"beta": 5.0, "gamma": gamma})
    np.testing.assert_allclose(ours, 1.8 + 0.4 * (size / 1e9) ** -0.35, rtol=1e-12)


def test_kaplan_is_coupled_without_a_floor() -> None:
    """Kaplan's joint law is the coupled law with E = 0 and gamma equal to the exponent of data."""
    kaplan = law("kaplan")
    at = kaplan.published_parameters("kaplan2020scaling")
    coupled = {
        "E": 0.0, "A": at["l_N"], "B": at["l_D"], "alpha": at["alpha_N"], "beta": at["alpha_D"], "gamma": at["alpha_D"],
    }  # fmt: skip
    np.testing.assert_allclose(kaplan.mean(PLACES, at), law("coupled").mean(PLACES, coupled), rtol=1e-13)
    assert kaplan.mean({"N": 6.4e13, "D": 1e300}, at) == pytest.approx(1.0)
    assert kaplan.mean({"N": 1e300, "D": 1.8e13}, at) == pytest.approx(1.0)


def test_over_training_is_chinchilla_with_tied_exponents() -> None:
    """In N and D the over-training law is Chinchilla with both exponents 2 eta."""
    over = law("over_training")
    at = {"E": 1.7, "r": 0.9, "w": 0.4, "eta": 0.13}
    inputs = over.with_computed_inputs(PLACES)
    C0, M0, N0, D0 = 1e20, 20, 1e9, 2e10
    chinchilla = {
        "E": 1.7, "alpha": 0.26, "beta": 0.26,
        "A": 0.9 * 0.4 * (6 * N0**2 * M0 / C0) ** -0.13,
        "B": 0.9 * 0.6 * (6 * D0**2 / (M0 * C0)) ** -0.13,
    }  # fmt: skip
    np.testing.assert_allclose(over.mean(inputs, at), law("chinchilla").mean(PLACES, chinchilla), rtol=1e-13)


@pytest.mark.parametrize(("corpus", "best"), [("c4", 3.4), ("redpajama", 7.4), ("refinedweb", 5.9)])
def test_over_training_has_its_optimum_where_derived(corpus: str, best: float) -> None:
    """The best tokens per parameter is (b/a)**(1/(2 eta)) and minimises the loss at any compute."""
    over = law("over_training")
    at = over.published_parameters(f"gadre2024language_{corpus}")
    assert over.derive(at)["M_best"] == pytest.approx(best, rel=0.02)
    M = np.geomspace(0.1, 1000, 4001)
    assert M[np.argmin(over.mean({"C": 1e22, "M": M}, at))] == pytest.approx(best, rel=0.02)


def test_isoflop_is_lowest_on_its_line_and_a_parabola_without_sides() -> None:
    """The best size is n_coef * C**a whatever the sides; the paper's two settings differ by a factor of six at 1e18."""
    isoflop = law("isoflop")
    medians = {name: p.prior.median() for name, p in isoflop.parameters.items()}
    best = {}
    u = np.linspace(-3, 3, 601)
    for setting in ("kaplan", "tuned"):
        at = medians | isoflop.published_parameters(f"porian2024resolving_{setting}")
        size = isoflop.derive(at)["n_coef"] * 1e18 ** at["a"] * np.exp(u)
        for small, large in ((0.3, 1.0), (0.5, 0.5), (1.0, 0.3)):
            loss = isoflop.mean({"N": size, "C": 1e18}, at | {"small": small, "large": large})
            assert abs(u[np.argmin(loss)]) < 1e-9
            np.testing.assert_array_less(np.diff(loss[:301]), 0)
            np.testing.assert_array_less(0, np.diff(loss[300:]))
            lopsided = (loss - loss[::-1])[:300]
            np.testing.assert_array_equal(np.sign(np.round(lopsided, 12)), np.sign(small - large))
        loss = isoflop.mean({"N": size, "C": 1e18}, at | {"small": 1e-5, "large": 1e-5})
        q = at["q"] * 10 ** at["eta_q"]
        np.testing.assert_allclose(loss - loss[300], q * u**2, rtol=1e-4, atol=1e-9)
        best[setting] = isoflop.derive(at)["n_coef"] * 1e18 ** at["a"]
    assert best["tuned"] == pytest.approx(0.1181990378 * 1e18**0.4970287955)
    assert best["tuned"] == pytest.approx(1.05e8, rel=0.05)
    assert best["kaplan"] == pytest.approx(4.6e7, rel=0.05)


@pytest.mark.parametrize(("N", "D", "U", "loss"), [(6.34e9, 242e9, 25e9, 2.22564), (8.67e9, 178e9, 25e9, 2.22696)])
def test_repeated_data_reproduces_the_papers_losses(N: float, D: float, U: float, loss: float) -> None:
    """The two predictions printed in the paper's repository."""
    repeated = law("repeated_data")
    at = repeated.published_parameters("muennighoff2023scaling")
    assert repeated.mean({"N": N, "D": D, "U": U}, at) == pytest.approx(loss, abs=1e-4)


def test_repeated_data_without_repeats_is_chinchilla() -> None:
    """Fresh tokens, in a model no larger than they feed, count in full; repeats saturate at 1 + R_D passes."""
    repeated = law("repeated_data")
    at = CHINCHILLA | {"R_D": 15.0, "R_N": 5.0}
    tokens = np.geomspace(1e9, 1e13, 5)
    for unique in (tokens, 10 * tokens):
        ours = repeated.mean({"N": 1e7, "D": tokens, "U": unique}, at)
        np.testing.assert_allclose(ours, law("chinchilla").mean({"N": 1e7, "D": tokens}, CHINCHILLA), rtol=1e-14)
    endless = repeated.with_terms({"N": 1e7, "D": 1e16, "U": 1e9}, at)
    assert endless["D_eff"] == pytest.approx(16e9)
    assert repeated.derive(at)["half"] == pytest.approx(1 + 15 * np.log(2))
    # An epoch at `half` adds half a pass: the derivative of D_eff by D is exp(-repeats / R_D).
    there = {"N": 1e7, "U": 1e9}
    more, less = (repeated.with_terms({**there, "D": 1e9 * (1 + 15 * np.log(2)) + s}, at)["D_eff"] for s in (1e3, -1e3))
    assert (more - less) / 2e3 == pytest.approx(0.5, rel=1e-6)


def test_power_law_scale_is_where_one_unit_is_left() -> None:
    """C_c, in PF-days, is where the reducible loss is 1; `half` is what halves it."""
    power = law("power_law")
    at = power.published_parameters("kaplan2020scaling")
    assert power.mean({"C": 1.6e7 * 8.64e19}, at) == pytest.approx(1.0)
    assert power.mean({"C": 1e20}, at) / power.mean({"C": 1e20 * power.derive(at)["half"]}, at) == pytest.approx(2.0)


def test_optimum_power_is_the_line_of_best_sizes() -> None:
    """Kaplan's at one PF-day; that of isoFLOP bowls, whose minima are the optima; and what is left for the tokens."""
    line, bowls = law("optimum_power"), law("isoflop")
    kaplan = line.published_parameters("kaplan2020scaling")
    assert line.mean({"C": 8.64e19}, kaplan) == pytest.approx(1.3e9)
    for key in ("porian2024resolving_kaplan", "porian2024resolving_tuned"):
        at = line.published_parameters(key)
        assert at == pytest.approx({name: bowls.published_parameters(key)[name] for name in at})
    # Chinchilla, which was trained with this compute, has 70 billion parameters.
    assert line.mean({"C": 5.76e23}, at) == pytest.approx(7e10, rel=0.15)
    assert line.derive(at)["d"] == pytest.approx(1 - at["a"])
    size, tokens = at["N_best"], line.derive(at)["M_best"] * at["N_best"]
    assert 6 * size * tokens == pytest.approx(1e19)


# ---------------------------------------------------------------------- hyper-parameters and schedules


def test_step_law_optimum() -> None:
    """The published optimum at (1e9, 1e11), and elsewhere, is where the surface is lowest."""
    step = law("step_law")
    at = {name: p.prior.median() for name, p in step.parameters.items()} | step.published_parameters(
        "li2025predictable"
    )
    assert at["lr_best"] == pytest.approx(1.63e-3, rel=0.005)
    assert at["batch_best"] == pytest.approx(1.11e6, rel=0.005)
    lr, batch = np.geomspace(5e-5, 5e-2, 1501)[:, None], np.geomspace(1e4, 3e7, 1501)[None, :]
    surface = step.mean({"N": 3e8, "D": 2e10, "lr": lr, "batch": batch}, at)
    row, column = np.unravel_index(np.argmin(surface), surface.shape)
    assert lr[row, 0] == pytest.approx(1.79 * 3e8**-0.713 * 2e10**0.307, rel=0.01)
    assert batch[0, column] == pytest.approx(0.58 * 2e10**0.571, rel=0.01)
    # Off the best batch the best rate moves by the tilt.
    far = at["tilt"] * np.log(batch[0, 1400] / batch[0, column])
    assert np.log(lr[np.argmin(surface[:, 1400]), 0] / lr[row, 0]) == pytest.approx(far, abs=0.02)


def walked(rate: Callable[[int], float], last: int, decay: float) -> tuple[np.ndarray, np.ndarray]:
    """Both sums by one pass over every step, as the paper defines them."""
    total, momentum, annealed = 0.0, 0.0, 0.0
    sums, fallen = [0.0], [0.0]
    before = rate(1)
    for step in range(1, last + 1):
        now = rate(step)
        total += now
        momentum = decay * momentum + (before - now)
        annealed += momentum
        before = now
        sums.append(total)
        fallen.append(annealed)
    return np.array(sums), np.array(fallen)


SCHEDULES = {
    "constant": lambda step: 3e-4,
    "cosine": lambda step: 3e-5 + 1.35e-4 * (1 + np.cos(np.pi * step / 4000)),
    "linear": lambda step: 3e-4 * (1 - step / 5000),
    "step drop": lambda step: 3e-4 if step <= 2000 else 3e-5,
    "warm restart": lambda step: 3e-4 * (1 - (step % 1000) / 1500),
}


@pytest.mark.parametrize("decay", [0.9, 0.999])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_sums_over_every_step(name: str, decay: float) -> None:
    """With a record at every step, the sums are the loop of the paper."""
    rate = SCHEDULES[name]
    steps = np.arange(1, 4001, dtype=float)
    rates = np.array([rate(int(s)) for s in steps])
    sums, fallen = walked(rate, 4000, decay)
    np.testing.assert_allclose(lr_sum(rates, steps), sums[1:], rtol=1e-12)
    np.testing.assert_allclose(lr_annealing(rates, steps, decay), fallen[1:], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("decay", [0.9, 0.999])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_sums_over_skipped_steps(name: str, decay: float) -> None:
    """With records that skip steps, the sums are those of a rate that changes linearly between them."""
    kept = np.array([7, 8, 50, 51, 400, 999, 1000, 1001, 1700, 2000, 2001, 2002, 3000, 3999, 4000], dtype=float)
    rates = np.array([SCHEDULES[name](int(s)) for s in kept])
    sums, fallen = walked(lambda step: float(np.interp(step, kept, rates)), 4000, decay)
    np.testing.assert_allclose(lr_sum(rates, kept), sums[kept.astype(int)], rtol=1e-11)
    np.testing.assert_allclose(lr_annealing(rates, kept, decay), fallen[kept.astype(int)], rtol=1e-8, atol=1e-14)


def test_a_warm_up_counts_as_the_peak_rate() -> None:
    """Nothing has been annealed until the rate first falls, however it rose before; a restart is a rise."""
    steps = np.arange(1.0, 4001.0)
    flat = np.array([SCHEDULES["warm restart"](max(step, 501.0)) for step in steps])
    warm = np.where(steps <= 501, flat[0] * np.minimum(steps, 400) / 400, flat)
    np.testing.assert_array_equal(lr_sum(warm, steps), lr_sum(flat, steps))
    np.testing.assert_array_equal(lr_annealing(warm, steps, 0.999), lr_annealing(flat, steps, 0.999))
    assert (lr_annealing(warm, steps, 0.999)[:501] == 0).all()
    sums, fallen = walked(lambda step: SCHEDULES["warm restart"](max(step, 501.0)), 4000, 0.999)
    np.testing.assert_allclose(lr_sum(warm, steps), sums[1:], rtol=1e-12)
    np.testing.assert_allclose(lr_annealing(warm, steps, 0.999), fallen[1:], rtol=1e-9, atol=1e-15)
    # Known no further than its warm-up, a run has trained at the rate that it has reached.
    assert lr_annealing(warm[:300], steps[:300], 0.999).tolist() == [0.0] * 300
    assert lr_sum(warm[:300], steps[:300])[-1] == pytest.approx(300 * warm[299])


def test_sparse_records_of_a_smooth_schedule_are_enough() -> None:
    """Thirty records of a cosine give its sums to a part in a thousand."""
    sums, fallen = walked(SCHEDULES["cosine"], 4000, 0.999)
    kept = np.unique(np.linspace(1, 4000, 30).round())
    rates = np.array([SCHEDULES["cosine"](int(s)) for s in kept])
    assert lr_sum(rates, kept)[-1] == pytest.approx(sums[-1], rel=1e-3)
    assert lr_annealing(rates, kept, 0.999)[-1] == pytest.approx(fallen[-1], rel=1e-3)


def test_annealing_lowers_the_loss_and_a_constant_rate_does_not() -> None:
    """At a constant rate nothing has fallen; letting the rate down then gains what the law says."""
    annealing = law("lr_annealing")
    at = annealing.published_parameters("luo2025multi_100m")
    steps = np.arange(1.0, 20_001.0)
    flat = np.full(20_000, 3e-4)
    down = np.where(steps <= 16_000, 3e-4, 3e-4 - 2.7e-4 * (steps - 16_000) / 4000)
    ends = [
        annealing.mean({"S": lr_sum(rate, steps)[-1], "M": lr_annealing(rate, steps, 0.999)[-1]}, at)
        for rate in (flat, down)
    ]
    assert lr_annealing(flat, steps, 0.999)[-1] == 0.0
    assert ends[0] == pytest.approx(2.912 + 0.589 * 6.0**-0.772)
    assert 0.03 < ends[0] - ends[1] < 0.15


# ---------------------------------------------------------------------- shapes


def test_m4_without_bend_is_a_power_law() -> None:
    """At gamma = 0 the implicit law is a plain power law above its floor, up to where that reaches chance."""
    m4 = law("m4")
    at = {"chance": 0.9, "floor": 0.2, "h": 0.5, "c": 0.35, "gamma": 0.0}
    x = np.geomspace(2e7, 1e13, 40)
    np.testing.assert_allclose(m4.mean({"x": x}, at), 0.18 + 0.72 * 0.5 * (x / 1e8) ** -0.35, rtol=1e-10)


@pytest.mark.parametrize("gamma", [1e-3, 0.3, 1.0, 4.0])
def test_m4_solves_the_papers_equation(gamma: float) -> None:
    """The curve satisfies (y - y_inf) / (y_0 - y)**gamma = beta x**-c, starts at chance and ends at its floor."""
    m4 = law("m4")
    at = {"chance": 0.9, "floor": 0.2, "h": 0.5, "c": 0.35, "gamma": gamma}
    x = np.geomspace(1e8, 1e12, 30)
    y = m4.mean({"x": x}, at)
    derived = m4.derive(at)
    np.testing.assert_allclose((y - derived["E"]) / (0.9 - y) ** gamma, derived["beta"] * x**-0.35, rtol=1e-9)
    assert m4.mean({"x": 1e8}, at) == pytest.approx(0.18 + 0.72 * 0.5)
    assert m4.mean({"x": derived["x_half"]}, at) == pytest.approx(0.54)
    assert m4.mean({"x": 1e30}, at) == pytest.approx(0.18, rel=1e-6)
    if gamma >= 0.3:
        assert m4.mean({"x": 1e-30}, at) == pytest.approx(0.9, rel=1e-3)


def test_bnsl_without_break_is_a_power_law() -> None:
    """With no change of slope it is a power law; with one, its far ends have the two slopes."""
    bnsl = law("bnsl")
    x = np.geomspace(1e2, 1e13, 20)
    plain = {"E": 0.3, "r": 0.5, "c": 0.1, "c1": 0.0, "d": 1e7, "f": 0.3}
    np.testing.assert_allclose(bnsl.mean({"x": x}, plain), 0.3 + 0.5 * (x / 1e8) ** -0.1, rtol=1e-14)
    bent = plain | {"c1": 0.4, "f": 1e-3}
    for place, slope in ((1e3, -0.1), (1e11, -0.5)):
        ends = np.log(bnsl.mean({"x": np.array([place, place * 2])}, bent) - 0.3)
        assert (ends[1] - ends[0]) / np.log(2) == pytest.approx(slope, rel=1e-6)
    assert bnsl.derive(bent)["after"] == 0.5


def test_bnsl_of_the_paper_drops_at_its_break() -> None:
    """The paper's addition curve falls from about 1.9 to its limit of 0.414 past 613 examples."""
    bnsl = law("bnsl")
    at = bnsl.published_parameters("caballero2022broken")
    y = bnsl.mean({"x": np.array([160.0, 612.6, 1e5])}, at)
    assert y[0] == pytest.approx(0.4139 + 2.277 * 160**-0.0551, rel=1e-3)
    assert y[1] == pytest.approx(0.4139 + 2.277 * 612.6**-0.0551 * 2 ** (-5.663 * 0.0592), rel=1e-6)
    assert y[2] == pytest.approx(0.4139, abs=1e-6)


# ---------------------------------------------------------------------- downstream


def test_passuntil_is_a_straight_line_in_doubled_logs() -> None:
    """log(-log pass rate) falls in a straight line, through p at N0, with the derived places where they should be."""
    passuntil = law("passuntil")
    at = {"p": 0.02, "alpha": 0.4}
    N = np.geomspace(1e8, 1e12, 9)
    F = np.log(-np.log(passuntil.mean({"N": N}, at)))
    np.testing.assert_allclose(np.diff(F) / np.diff(np.log(N)), -0.4, rtol=1e-9)
    derived = passuntil.derive(at)
    assert passuntil.mean({"N": 1e9}, at) == pytest.approx(0.02)
    assert passuntil.mean({"N": derived["N_half"]}, at) == pytest.approx(0.5)
    assert passuntil.mean({"N": derived["N_steep"]}, at) == pytest.approx(np.exp(-1))
    low = (derived["c"] / np.log(10)) ** (1 / 0.4)
    assert passuntil.mean({"N": low}, at) == pytest.approx(0.1)
    assert passuntil.mean({"N": low * derived["width"]}, at) == pytest.approx(0.9, rel=1e-4)


def test_passuntil_never_says_never() -> None:
    """Even where a pass is as good as impossible or certain, its probability stays strictly between 0 and 1."""
    passuntil = law("passuntil")
    for p in (1e-300, 0.5, 1 - 1e-12):
        mean = passuntil.mean({"N": np.array([1.0, 1e9, 1e30])}, {"p": p, "alpha": 2.0})
        assert np.all((mean > 0) & (mean < 1))


def test_passuntil_curved_without_a_bend_is_passuntil() -> None:
    """At bend = 0 the two laws are one; with a bend the doubly logged chance has that second derivative."""
    curved, at = law("passuntil_curved"), {"p": 0.02, "alpha": 0.4}
    N = np.geomspace(1e8, 1e11, 9)
    np.testing.assert_allclose(curved.mean({"N": N}, at | {"bend": 0.0}), law("passuntil").mean({"N": N}, at))
    F = np.log(-np.log(curved.mean({"N": N}, at | {"bend": -0.07})))
    np.testing.assert_allclose(np.diff(F, 2) / np.log(N[1] / N[0]) ** 2, -0.07, rtol=1e-6)
    bends = {**at, "bend": np.array([-0.1, -0.01, 0.01])}
    assert curved.derive(bends)["accelerated"].mean() == pytest.approx(2 / 3)


def test_emergence_goes_from_chance_to_ceiling_in_its_width() -> None:
    """Half of the way at C_half, and from a tenth to nine tenths of it in `width` times the compute."""
    one = law("emergence_logistic")
    at = {"chance": 0.25, "top": 0.8, "k": 1.3, "C_half": 1e22}
    derived = one.derive(at)
    assert derived["ceiling"] == pytest.approx(0.85)
    C = 1e22 * np.array([1e-9, derived["width"] ** -0.5, 1.0, derived["width"] ** 0.5, 1e9])
    np.testing.assert_allclose((one.mean({"C": C}, at) - 0.25) / 0.6, [0, 0.1, 0.5, 0.9, 1], atol=1e-9)


def test_a_loss_threshold_separates_chance_from_a_steady_fall_of_errors() -> None:
    """Above it guessing, below it errors that fall by a factor an e-fold of gain, half gone at L_half."""
    one = law("loss_threshold")
    at = {"chance": 0.25, "threshold": 2.2, "gain": 1.5, "w": 0.01}
    L = np.array([5.0, 2.5, one.derive(at)["L_half"], 1.2])
    right = one.mean({"L": L}, at)
    np.testing.assert_allclose(right, [0.25, 0.25, 0.625, 1 - 0.75 * np.exp(-1.5)], rtol=1e-6)
    assert one.mean({"L": 2.2}, at) == pytest.approx(1 - 0.75 * 2 ** (-0.01 * 1.5))


def test_a_task_chain_follows_the_loss() -> None:
    """Runs of one Chinchilla loss have one score, whatever their parameters and tokens."""
    chain, slope = law("task_chain"), 4.0
    loss = {"E": 1.8, "A": 0.4, "B": 0.5, "alpha": 0.35, "beta": 0.31}
    at = {"chance": 0.1, "top": 1.5, "A": slope * 0.4, "B": slope * 0.5, "alpha": 0.35, "beta": 0.31}
    reducible = law("chinchilla").mean(PLACES, loss) - 1.8
    score = chain.mean(PLACES, at)
    logit = np.log((score - 0.1) / (1 - score))
    near = reducible < 5  # beyond, the law's bound on logits holds
    np.testing.assert_allclose(logit[near], (1.5 - slope * reducible)[near], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["passuntil_curved", "emergence_logistic", "loss_threshold", "task_chain"])
def test_counts_of_emergence_never_say_never(name: str) -> None:
    """Even with no chance to guess, probabilities stay strictly between 0 and 1 where the law may be used."""
    one = law(name)
    fixed = one.with_priors(chance="Constant(0)") if "chance" in one.parameters else one
    mean = fixed.mean(input_grid(fixed), {n: v[:, None] for n, v in fixed.draw_prior(RNG, 200).items()})
    assert np.all((mean > 0) & (mean < 1))


def test_downstream_error_reproduces_the_papers_form() -> None:
    """Errors are epsilon - k exp(-gamma L) where that is positive, chance at a huge loss, and never negative."""
    downstream = law("downstream_error")
    at = downstream.published_parameters("gadre2024language_c4")
    L = np.linspace(2.0, 6.0, 9)
    np.testing.assert_allclose(downstream.mean({"L": L}, at), 0.850 - 2.08 * np.exp(-0.756 * L), rtol=1e-9)
    assert downstream.mean({"L": 100.0}, at) == pytest.approx(0.850)
    assert np.all(downstream.mean({"L": np.linspace(0.01, 1.2, 20)}, at) >= 0.001)


# ---------------------------------------------------------------------- distillation


APPLE = "busbridge2025distillation"


def test_distillation_carries_the_supervised_law() -> None:
    """Its supervised term is the coupled law, and at gamma = 1 Chinchilla."""
    distillation = law("distillation")
    at = distillation.published_parameters(APPLE)
    supervised = distillation.with_terms(PLACES | {"L": 2.0}, at)["supervised"]
    np.testing.assert_allclose(supervised, law("coupled").mean(PLACES, law("coupled").published_parameters(APPLE)))
    one = distillation.with_terms(PLACES | {"L": 2.0}, at | CHINCHILLA | {"gamma": 1.0})["supervised"]
    np.testing.assert_allclose(one, law("chinchilla").mean(PLACES, CHINCHILLA), rtol=1e-14)


def test_a_student_follows_a_hopeless_teacher_exactly() -> None:
    """The gap to the teacher closes when the teacher is far worse than the student would be alone."""
    distillation = law("distillation")
    at = distillation.published_parameters(APPLE)
    student = distillation.mean({"N": 1e10, "D": 1e12, "L": np.array([1.9, 6.0])}, at)
    assert student[0] > 1.92
    assert student[1] == pytest.approx(6.0, rel=1e-6)


@pytest.mark.parametrize("size", [2e8, 1e9, 7e9])
def test_the_best_teacher_is_about_ten_times_the_student(size: float) -> None:
    """With teachers at 20 tokens a parameter and 300 tokens a student parameter the best teacher is 8 to 12.5 times."""
    distillation = law("distillation")
    at = distillation.published_parameters(APPLE)
    teacher = size * np.geomspace(1, 200, 2001)
    loss = distillation.with_terms({"N": teacher, "D": 20 * teacher, "L": 2.0}, at)["supervised"]
    student = distillation.mean({"N": size, "D": 300 * size, "L": loss}, at)
    assert 8 < teacher[np.argmin(student)] / size < 12.5


def test_capacity_gap_has_its_best_teacher_on_the_papers_line() -> None:
    """The best teacher is 2.498 times the student less 11.5 million parameters, within 1 % over a decade."""
    gap = law("capacity_gap")
    at = {name: p.prior.median() for name, p in gap.parameters.items()} | gap.published_parameters("zhang2023towards")
    teacher = np.geomspace(1e8, 1e11, 20_001)
    for student in (3e8, 1e9, 3e9):
        best = teacher[np.argmin(gap.mean({"S": student, "T": teacher}, at))]
        assert best == pytest.approx(2.498 * student - 11.498e6, rel=0.01)


def test_capacity_gap_may_curve_differently_on_each_side() -> None:
    """A teacher one e-fold too small costs q_small, one e-fold too large q_large."""
    gap = law("capacity_gap")
    at = {"E": 1.9, "r": 0.6, "a": 0.25, "kappa": 2.5, "eta": 1.1, "q_small": 0.03, "q_large": 0.01}
    best = 2.5e9 * (5e8 / 1e9) ** 1.1
    level, small, large = gap.mean({"S": 5e8, "T": best * np.exp([0, -1, 1])}, at)
    assert level == pytest.approx(1.9 + 0.6 * 0.5**-0.25)
    assert small - level == pytest.approx(0.03)
    assert large - level == pytest.approx(0.01)
