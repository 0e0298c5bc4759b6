"""Numbers that papers print, or that follow from theirs, through our laws: one row each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from bayeslaw.language.catalogue import law
from bayeslaw.language.check import check_law
from bayeslaw.language.files import USER_FOLDERS, entries
from bayeslaw.language.law import Law
from tests.waiting import WAITING


@pytest.fixture(autouse=True)
def those_that_wait_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if WAITING.is_dir():
        monkeypatch.setenv(USER_FOLDERS, str(WAITING))


@pytest.mark.parametrize("path", sorted(WAITING.glob("*.toml")), ids=lambda path: path.stem)
def test_a_law_that_waits_keeps_every_other_check(path: Path) -> None:
    ours = [name for name, entry in entries().items() if entry.path == path]
    for one in map(law, ours):
        assert one.topics
        assert not [result.text for result in check_law(one) if not result.passed]


# The law, whose values, the inputs, and the outcome there; the last digits are those that the source rounds to.
OUTCOMES = [
    ("efficiency_leverage", "tian2025towards", {"A": 0.031, "G": 12, "C": 1e22}, 7.24, 0.001),
    ("power_scheduler", "shen2024power", {"batch": 1024, "T": 1e13}, 0.0011, 0.02),
    ("power_scheduler", "shen2024power_scheduler", {"batch": 1024, "T": 1e13}, 0.00096, 0.01),
    *(
        ("qid", "ouyang2024low", {"N": size, "P": bits, "D": tokens}, 0.2, 0.01)
        for size, row in {1e9: (1.16e9, 8.10e10, 1.65e12), 7e9: (2.69e9, 1.87e11, 3.80e12),
                          7e10: (7.24e9, 5.05e11, 1.03e13)}.items()
        for bits, tokens in zip((2, 3, 4), row, strict=True)
    ),
    ("unraveling", "kaplan2020scaling", {"N": 1e9, "S": 1e12, "B": 1e12}, 2.35, 0.002),
    ("unraveling", "su2024unraveling", {"N": 1e9, "S": 1e12, "B": 1e12}, 2.47, 0.002),
]  # fmt: skip
# Parameters and derived quantities at published values.
QUANTITIES = [
    ("efficiency_leverage", "tian2025towards", "G_best", 11.3, 0.01),
    ("critical_batch_size", "kaplan2020scaling", "B_crit", 1.12e6, 0.01),
    ("unraveling", "kaplan2020scaling", "B_crit", 1.12e6, 0.01),
    ("unraveling", "su2024unraveling", "B_crit", 8.0e5, 0.01),
]


def at_published(one: Law, key: str) -> dict[str, float]:
    return {name: p.prior.median() for name, p in one.parameters.items()} | one.published_parameters(key)


@pytest.mark.parametrize(("name", "key", "inputs", "expected", "within"), OUTCOMES)
def test_an_outcome_is_the_papers(
    name: str, key: str, inputs: Mapping[str, float], expected: float, within: float
) -> None:
    one = law(name)
    assert one.mean(inputs, at_published(one, key)) == pytest.approx(expected, rel=within)


@pytest.mark.parametrize(("name", "key", "quantity", "expected", "within"), QUANTITIES)
def test_a_quantity_is_the_papers(name: str, key: str, quantity: str, expected: float, within: float) -> None:
    one = law(name)
    found = at_published(one, key)
    assert (found | one.derive(found))[quantity] == pytest.approx(expected, rel=within)


def lowest(one: Law, along: str, low: float, high: float, at: Mapping[str, float], **inputs: float) -> float:
    """Where an outcome is lowest along an input, by search on its log."""
    found = minimize_scalar(
        lambda x: float(one.mean({**inputs, along: np.exp(x)}, at)), bounds=(np.log(low), np.log(high)),
        method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(found.x))


@pytest.mark.parametrize(("bits", "tokens"), [(3, 5.3e10), (4, 2.9e11), (5, 1.6e12)])
def test_precision_beyond_some_tokens_training_makes_a_quantised_network_worse(bits: int, tokens: float) -> None:
    """The critical tokens of 1B parameters, from the paper's constants."""
    one = law("precision")
    at = at_published(one, "kumar2024scaling")
    given = {"N": 1e9, "P": 16.0, "A_bits": 16.0, "Q": float(bits)}
    assert lowest(one, "D", 1e9, 1e14, at, **given) == pytest.approx(tokens, rel=0.06)


def test_d_cpt_best_share_of_a_domain_that_runs_out() -> None:
    """With D_d tokens of the domain, D = D_d / r, the best share has the paper's closed form where eps is 0."""
    one = law("d_cpt")
    at = {name: p.prior.median() for name, p in one.parameters.items()} | {"eps": 1e-12}
    raw, tokens = one.derive(at), 5e9
    eta, gamma, b = at["eta"], at["gamma"], at["beta"]
    best = (raw["C_raw"] * gamma * tokens**b / (raw["B_raw"] * (eta + b))) ** (1 / (eta + b + gamma))
    shares = np.geomspace(0.01, 100, 20_001)
    losses = one.mean({"N": 1e9, "D": tokens / shares, "r": shares}, at)
    assert shares[np.argmin(losses)] == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize(
    ("exponent", "mantissa", "tokens"), [(2, 1, 3.93e11), (4, 3, 2.73e13), (8, 7, 1.73e15)], ids=["FP4", "FP8", "BF16"]
)
def test_fp_quantisation_beyond_some_tokens_training_hurts(exponent: int, mantissa: int, tokens: float) -> None:
    """The paper's critical tokens of 1B parameters with blocks of 128."""
    one = law("fp_quantisation")
    given = {"N": 1e9, "X": float(exponent), "M": float(mantissa), "K": 128.0}
    found = lowest(one, "D", 1e9, 1e18, at_published(one, "sun2025scaling"), **given)
    assert found == pytest.approx(tokens, rel=0.01)


@pytest.mark.parametrize(
    ("size", "width", "entries"), [(2.87e9, 3200, 35.3e3), (7e9, 4096, 59.5e3), (7e10, 8192, 218e3)]
)
def test_vocabulary_has_its_optimum_where_the_paper_has(size: float, width: int, entries: float) -> None:
    """At the compute for which the paper's first approach finds the size best, and with its characters a token."""
    one = law("vocabulary")
    at, flops = at_published(one, "tao2024scaling"), (size / np.exp(-2.484651)) ** 2

    def loss(x: float) -> float:
        vocab = np.exp(x)
        tokens = flops / (6 * (size + vocab * width))
        return float(one.mean({"M": size, "V": vocab, "d": width, "D": tokens}, at))

    found = minimize_scalar(loss, bounds=(np.log(1e3), np.log(1e6)), method="bounded")
    assert np.exp(found.x) == pytest.approx(entries, rel=0.02)


def test_parscale_streams_are_parameters() -> None:
    """Eight streams are worth 1.8 times the parameters on code and 1.7 on text; two printed losses."""
    one = law("parscale")
    for corpus, times, loss in (("stack", 1.82, 1.1722), ("pile", 1.70, 2.1113)):
        at = at_published(one, f"chen2025parallel_{corpus}")
        assert one.derive(at)["eight"] == pytest.approx(times, abs=0.01)
        assert one.mean({"N": 535813376, "P": 1}, at) == pytest.approx(loss, rel=0.005)
        more = one.mean({"N": 1e9 * one.derive(at)["eight"], "P": 1}, at)
        assert one.mean({"N": 1e9, "P": 8}, at) == pytest.approx(float(more), rel=1e-12)


def test_clark_routed_stops_helping_at_a_size() -> None:
    one = law("clark_routed")
    for router, size in (("sbase", 1e12), ("rl", 10**10.5), ("hash", 10 ** (34 / 3))):
        at = at_published(one, f"clark2022unified_{router}")
        assert one.derive(at)["N_cutoff"] == pytest.approx(size, rel=1e-9)
        few, many = (one.mean({"N": size, "X": experts}, at) for experts in (1, 512))
        assert few == pytest.approx(float(many), rel=1e-12)


def test_token_crisis_is_repeated_data_until_passes_hurt() -> None:
    one, base = law("token_crisis"), law("repeated_data")
    at = {name: p.prior.median() for name, p in one.parameters.items()}
    inputs = {"N": 1e9, "U": 2e10, "D": np.array([1e10, 2e10, 8e10, 2e13]), "drop": 0.0}
    inputs["passes"] = inputs["D"] / inputs["U"]
    without = base.mean(inputs, at)
    np.testing.assert_allclose(one.mean(inputs, at | {"harm": 0.0}), without, rtol=1e-14)
    added = one.mean(inputs, at | {"w": 1e-3}) - without
    np.testing.assert_allclose(added[:3], 0, atol=1e-12)
    assert added[3] == pytest.approx(at["harm"] * np.log(1000 / at["e_ref"]))
    later = one.mean(inputs | {"drop": 0.5}, at | {"w": 1e-3}) - without
    assert later[3] == pytest.approx(added[3] - 0.5 * at["harm"] * at["by_dropout"])


def test_rectified_data_starts_at_the_base_and_is_half_way_at_its_scale() -> None:
    one = law("rectified_data")
    at = {"E": 0.5, "gain": 2.0, "D_half": 1e4, "beta": 0.6}
    np.testing.assert_allclose(one.mean({"D": np.array([0.0, 1e4, 1e300])}, at), [2.5, 1.5, 0.5], rtol=1e-12)


def test_critical_batch_is_where_steps_and_tokens_are_both_doubled() -> None:
    one = law("critical_batch_size")
    at = {"S_min": 1e4, "B_crit": 1e6, "c": 5.0, "k": 4.8}
    for loss in (2.0, 3.0, 4.0):
        few = float(one.mean({"B": 1e300, "L": loss}, at))
        critical = 1e6 * (loss / 3) ** -4.8
        assert one.mean({"B": critical, "L": loss}, at) == pytest.approx(2 * few)
        # (S / S_min - 1) (T / T_min - 1) = 1
        batch = np.geomspace(1e4, 1e8, 5)
        steps = one.mean({"B": batch, "L": loss}, at)
        np.testing.assert_allclose((steps / few - 1) * (steps * batch / (few * critical) - 1), 1, rtol=1e-9)


def test_fine_grained_moe_is_the_papers_law_in_effective_parameters() -> None:
    one = law("fine_grained_moe")
    at = at_published(one, "krajewski2024scaling")
    for grain in (1.0, 4.0, 16.0):
        expected = 0.47 + (2.1 / grain**0.58 + 18.1) / 1e9**0.115 + 30.8 / 2e10**0.147
        assert one.mean({"N": 1e9, "D": 2e10, "G": grain}, at) == pytest.approx(expected, rel=1e-12)


def test_repeated_sampling_is_the_mean_over_a_beta_distribution() -> None:
    """Of the chance that one of k samples is right; what is left falls as k to the derived exponent."""
    one = law("repeated_sampling")
    at = {"level": -1.5, "gain": 0.4, "width": 0.8, "kappa": 100.0}
    a, b = 0.8 / (1 + np.exp(1.5)), 0.8 / (1 + np.exp(-1.5))
    for samples in (1, 10, 1000):
        solved = beta(a, b).expect(lambda p, k=samples: 1 - (1 - p) ** k)
        assert one.mean({"N": 1e9, "k": samples}, at) == pytest.approx(float(solved), rel=1e-6)
    left = 1 - np.asarray(one.mean({"N": 1e9, "k": np.array([5e3, 1e4])}, at))
    assert -np.diff(np.log(left))[0] / np.log(2) == pytest.approx(one.derive(at)["tail"], rel=1e-3)


def test_reward_overoptimisation_peaks_where_the_papers_coefficients_say() -> None:
    """A gain of d (alpha - beta log d) is highest at exp(alpha / beta - 1) and gone at exp(alpha / beta)."""
    one = law("reward_overoptimisation")
    at = {"start": -0.4, "peak": 1.2, "K_best": 20.0}
    raw = one.derive(at)
    d = np.exp(raw["alpha"] / raw["beta"] - 1)
    assert d**2 == pytest.approx(20)
    assert raw["beta"] * d == pytest.approx(1.2)
    divergence = np.geomspace(1, 300, 30_001)
    wins = one.mean({"K": divergence}, at)
    assert divergence[np.argmax(wins)] == pytest.approx(20, rel=1e-3)
    start = float(one.mean({"K": raw["K_zero"]}, at))
    assert np.log(start / (1 - start)) == pytest.approx(-0.4)


def test_compute_savings_are_a_factor_of_compute() -> None:
    one = law("compute_savings")
    at = {name: p.prior.median() for name, p in one.parameters.items()} | {"saved": 0.7, "by_C": 0.0}
    treated = one.mean({"C": 1e23, "z": 1.0}, at)
    assert treated == pytest.approx(float(one.mean({"C": 1e23 * one.derive(at)["factor"], "z": 0.0}, at)), rel=1e-12)


def test_qqt_filtering_wears_out() -> None:
    """The first pass counts in full, each pass tau later half, and all of them together have an end."""
    one = law("qqt_filtering")
    at = {name: p.prior.median() for name, p in one.parameters.items()} | {"tau": 4.0}
    passes = np.array([0.0, 1.0, 4.0, 5.0, 1e4])
    worth = one.with_terms({"D": passes * 1e8, "pool_size": 1e8}, at)["effective"] / 1e8
    assert worth[1] == pytest.approx(1)
    assert (worth[3] - worth[2]) / (worth[1] - worth[0]) == pytest.approx(0.5)
    assert worth[4] == pytest.approx(1 / (1 - 2**-0.25))


def test_critical_mixture_ratios_are_those_of_the_paper_within_a_hundredth() -> None:
    """The slope of its four sizes at 20 billion tokens of finance, on the logit."""
    size, share = np.array([0.46, 0.94, 1.6, 3.1]), np.array([0.298, 0.349, 0.414, 0.478])
    slope, level = np.polyfit(np.log(size), np.log(share / (1 - share)), 1)
    assert slope == pytest.approx(0.41, abs=0.01)
    ours = law("cmr").mean({"T": 2e10, "S": 1e9 * size}, {"level": level, "by_T": 0.1, "by_S": slope})
    np.testing.assert_allclose(ours, share, atol=0.01)


def test_finetune_curve_starts_at_the_base() -> None:
    at = {"top": 0.9, "share": 0.4, "D_half": 200.0, "s": 0.7}
    ours = law("finetune_curve").mean({"D": np.array([0.0, 200.0, 1e300])}, at)
    np.testing.assert_allclose(ours, [0.36, 0.63, 0.9], rtol=1e-12)


def test_spec_decoding_yields_between_one_token_and_all_that_were_drafted() -> None:
    at = {"level": 0.0, "by_T": 0.2, "by_M": 0.1}
    ours = law("spec_decoding").mean({"T": np.array([1e10, 1e300]), "M": 1e8, "depth": 4.0}, at)
    np.testing.assert_allclose(ours, [3.0, 5.0], rtol=1e-12)


def test_papers_find_their_laws() -> None:
    found = {
        "Densing Law": "densing", "Scaling Laws for Neural Language Models": "kaplan", "BNSL": "bnsl",
        "Scaling Laws for Precision": "precision", "To Repeat or Not To Repeat": "token_crisis", "ParScale": "parscale",
        "Power Scheduler": "power_scheduler", "D-CPT Law": "d_cpt", "step law": "step_law", "UL2R": "compute_savings",
    }  # fmt: skip
    assert {paper: law(paper).name for paper in found} == found
    every = [words.casefold() for entry in entries().values() for words in {*entry.called}]
    assert len(set(every)) == len(every)


def test_a_score_by_loss_goes_from_chance_to_ceiling_as_the_loss_falls() -> None:
    """Half of the way at L_half, from a tenth to nine tenths of it in `width` nats; the form of Bhagia et al. 2024."""
    one = law("score_by_loss")
    at = {"chance": 0.25, "top": 0.8, "k": 4.0, "L_half": 2.6}
    derived = one.derive(at)
    assert derived["ceiling"] == pytest.approx(0.85)
    L = 2.6 + np.array([9.0, derived["width"] / 2, 0.0, -derived["width"] / 2, -9.0])
    right = one.mean({"L": L}, at)
    np.testing.assert_allclose((right - 0.25) / 0.6, [0, 0.1, 0.5, 0.9, 1], atol=1e-9)
    paper = {"a": -0.6, "b": 0.85, "k": 4.0, "L0": 2.6}  # accuracy = a / (1 + exp(-k (L - L0))) + b
    np.testing.assert_allclose(
        right, paper["a"] / (1 + np.exp(-paper["k"] * (L - paper["L0"]))) + paper["b"], atol=1e-12
    )


def test_a_score_by_loss_is_the_emergence_of_a_power_law_without_a_floor() -> None:
    """A loss that falls by the same nats an e-fold of compute turns the S in the loss into the S in compute."""
    by_loss, by_compute, C = law("score_by_loss"), law("emergence_logistic"), np.geomspace(1e20, 1e26, 7)
    shared, fall = {"chance": 0.1, "top": 0.9}, 0.15
    found = by_loss.mean({"L": 2.6 - fall * np.log(C / 1e23)}, {**shared, "k": 8.0, "L_half": 2.6})
    np.testing.assert_allclose(found, by_compute.mean({"C": C}, {**shared, "k": 1.2, "C_half": 1e23}), rtol=1e-12)
