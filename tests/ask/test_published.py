"""Published values answer questions as a fit does, and say that they are none."""

from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import LawError, QuestionError
from bayeslaw.language.check import input_grid
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.language.published import priors

REFIT = "chinchilla:besiroglu2024chinchilla"
CHINCHILLA = {"N": 70e9, "D": 1.4e12}
SOURCES = [(law.name, key) for law in bl.laws() if law.published for key in law.published.values]
TEXT = """\
title = "Small"
formula = "E + A * (N/N0)**-alpha"

[output]
loss = { likelihood = "LogNormal(mean, sigma)", units = "nat/token", range = [0.1, 20], meaning = "loss" }

[input]
N = { column = "n_params", units = "parameter", reference = 1e9, range = [1e6, 1e12], meaning = "parameters" }

[parameter]
E     = { prior = "LogNormal(log(1.8), 0.3)", meaning = "floor" }
A     = { prior = "LogNormal(0, 1)", meaning = "reducible loss" }
alpha = { prior = "LogNormal(-1, 0.3)", meaning = "exponent" }
sigma = { prior = "HalfNormal(0.02)", meaning = "scatter" }

[published]
formula = "E + A * (N/N0)**-alpha"
values.someone2020law = { E = 1.7, A = 0.4, alpha = 0.34, sigma = 0.01 }
errors.someone2020law = { E = 0.05 }
log_errors.someone2020law = { A = 0.2 }
"""


def codes(answer):
    return {note.code for note in answer.notes}


@pytest.mark.parametrize(
    ("name", "at", "loss"),
    [
        (REFIT, CHINCHILLA, 1.97342),  # 1.974 by the digits that the paper prints
        ("chinchilla:hoffmann2022training", CHINCHILLA, 1.6934 + 406.4 / 70e9**0.3392 + 410.7 / 1.4e12**0.2849),
        # Not 2.2377, which circulates.
        ("repeated_data", {"N": 8.7e9, "D": 178e9, "U": 178e9 / 7}, 2.22608),
        ("power_law:henighan2020scaling_image8", {"C": 1e19}, 3.13 + (1.8e-8 * 8.64e19 / 1e19) ** 0.19),
    ],
)
def test_a_published_law_says_what_the_paper_says(name, at, loss):
    (point,) = bl.forecast(bl.published(name), at).points
    assert point.new_run.median == pytest.approx(loss, abs=1e-5)
    assert point.new_run.exact


def test_the_printed_digits_of_the_refit_give_the_printed_loss():
    values = {"E": 1.8172, "A": 482.01 / 1e9**0.3478, "B": 2085.43 / 2e10**0.3658, "alpha": 0.3478, "beta": 0.3658}
    assert bl.law("chinchilla").mean(CHINCHILLA, values) == pytest.approx(1.974, abs=5e-4)


@pytest.mark.parametrize(("name", "key"), SOURCES)
def test_every_source_of_the_catalogue_answers(name, key):
    posterior = bl.published(name, key)
    law = posterior.law
    at = {each: values[:1] for each, values in input_grid(law).items() if each in law.free_inputs}
    at |= {each: np.zeros(1) for each in law.noise_inputs - {*at}}
    answer = bl.forecast(posterior, at)
    assert answer.converged
    assert "published" in codes(answer)
    assert ("not-published" in codes(answer)) == (not set(law.free_parameters) <= {
        *law.noise_parameters, *law.published_parameters(key)
    })  # fmt: skip
    if codes(answer) == {"published", "no-errors"}:
        known = law.mean(law.with_computed_inputs(at), law.published_parameters(key))
        np.testing.assert_allclose(answer.draws, np.broadcast_to(known, answer.draws.shape))
        assert "no width" in str(answer)


def test_draws_are_the_values_with_their_errors():
    posterior = bl.published(Law.parse(TEXT, "small"), seed=3)
    drawn = posterior.parameters()
    assert drawn["E"].mean() == pytest.approx(1.7, abs=0.005)
    assert drawn["E"].std() == pytest.approx(0.05, rel=0.1)
    assert np.log(drawn["A"]).mean() == pytest.approx(np.log(0.4), abs=0.02)
    assert np.log(drawn["A"]).std() == pytest.approx(0.2, rel=0.1)
    assert abs(np.corrcoef(drawn["E"], drawn["A"])[0, 1]) < 0.1
    assert set(drawn["alpha"]) == {0.34}
    answer = bl.forecast(posterior, {"N": 1e9})
    assert codes(answer) == {"published", "independent-errors"}
    # The scatter of runs was published too, so a new run has it.
    assert np.std(np.log(answer.draws / answer.mean_draws)) == pytest.approx(0.01, rel=0.1)
    assert answer.points[0].parts["noise"] > 0
    np.testing.assert_array_equal(bl.published(posterior.law, seed=3).parameters()["E"], drawn["E"])


def test_errors_never_leave_what_a_parameter_can_be():
    law = Law.parse(TEXT.replace("E = 0.05", "E = 3"), "small")
    assert bl.published(law).parameters()["E"].min() > 0
    law = Law.parse(TEXT.replace("E = 1.7", "E = -50").replace("E = 0.05", "E = 1"), "small")
    with pytest.raises(LawError, match="state errors of positive values on the log, by log_errors"):
        bl.published(law)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("errors.someone2020law = { E", "errors.someone2021law = { E", "errors has 'someone2021law', which has no v"),
        ("E = 0.05", "EE = 0.05", r"\[published\] errors.someone2020law has 'EE', which has no value there"),
        ("E = 0.05", "E = 0", "the error of E must be positive, not 0; leave out one that is not known"),
        ("E = 0.05", 'E = "a"', "the error of E must be a finite number"),
        ("{ E = 0.05 }", "3", r"\[published\] errors.someone2020law must be a table of numbers"),
        ("{ A = 0.2 }", "{ E = 0.2 }", "the error of E is on the log, so its value must be positive and it has no o"),
        ("errors.someone2020law = { E", "error.someone2020law = { E", "unknown key 'error'"),
    ],
)  # fmt: skip
def test_errors_in_a_law_file_are_checked(old, new, message):
    assert old in TEXT
    with pytest.raises(LawError, match=message):
        Law.parse(TEXT.replace(old, new, 1), "small")


def test_other_questions_take_them():
    posterior = bl.published(REFIT)
    best = bl.optimum(posterior, {"C": 1e23})
    p = posterior.law.published_parameters("besiroglu2024chinchilla") | {"A_raw": 482.00572, "B_raw": 2085.4342}
    G = (p["alpha"] * p["A_raw"] / (p["beta"] * p["B_raw"])) ** (1 / (p["alpha"] + p["beta"]))
    size = G * (1e23 / 6) ** (p["beta"] / (p["alpha"] + p["beta"]))  # Hoffmann et al. 2022, equation 4
    assert best.inputs["N"].median == pytest.approx(size, rel=1e-5)
    there = bl.threshold(posterior, 2.0)
    N = np.sqrt(there.scale.median / 120)
    assert posterior.law.mean({"N": N, "D": 20 * N}, posterior.parameters())[0] == pytest.approx(2.0, abs=1e-6)
    assert "20 tokens per parameter" in str(there)
    assert not there.fitted.size
    (chance,) = bl.risk(posterior, CHINCHILLA, above=1.97).points
    assert (chance.probability, chance.of_mean) == (1.0, 1.0)
    for answer in (best, there, bl.risk(posterior, CHINCHILLA, above=1.97)):
        assert codes(answer) == {"published", "no-errors"}
        assert answer.as_dict()["converged"]
    for figure in (bl.plot_forecast(posterior, at=CHINCHILLA), bl.plot_threshold(there), bl.plot_optimum(best)):
        assert figure.axes
    assert "as published (besiroglu2024chinchilla)" in figure_text(bl.plot_forecast(posterior))


def figure_text(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text")))


def test_two_papers_can_be_averaged_and_a_paper_can_feed_a_score():
    both = bl.average([bl.published("chinchilla", key) for key in bl.law("chinchilla").published.values])
    (point,) = bl.forecast(both, CHINCHILLA).points
    assert point.new_run.lower == pytest.approx(1.92085, abs=1e-4)
    assert point.new_run.upper == pytest.approx(1.97342, abs=1e-4)
    fit = bl.load(Path(__file__).parents[1] / "saved" / "chinchilla.nc")
    with pytest.raises(QuestionError, match="a fit and published values cannot be averaged"):
        bl.average([fit, bl.published(REFIT)])
    with pytest.raises(QuestionError, match="a weight by evidence needs a fit, and published values come without runs"):
        bl.average([*both.posteriors.values()], "evidence")
    loss = bl.forecast(bl.published(REFIT), {"N": 7e9, "D": 1e12})
    score = bl.forecast(bl.published("downstream_error:gadre2024language_c4"), {"L": loss})
    assert score.points[0].new_run.median == pytest.approx(0.850 - 2.08 * np.exp(-0.756 * loss.draws[0, 0]), rel=1e-6)
    assert "unknown distance" in str(score)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda p: p.save("fit.nc"), "a file needs a fit"),
        (lambda p: p.summary(), "a summary needs a fit"),
        (lambda p: p.to_datatree(), "a data tree needs a fit"),
        (bl.log_evidence, "evidence needs a fit"),
        (bl.plot_parameters, "a picture of the parameters needs a fit"),
        (bl.plot_residuals, "a picture of residuals needs a fit"),
        (bl.sbc, "calibration needs a fit"),
        (lambda p: bl.compare({"a": p, "b": p}), "a comparison needs a fit"),
        (lambda p: bl.effective_size(p, {"n_params": [1e9], "loss": [2.5]}), "an effective size needs a fit"),
        (lambda p: bl.forecast(p, CHINCHILLA, drift=bl.Drift(0.0, 0.1)), "drift: grows with the distance from the"),
        (lambda p: bl.forecast(p, CHINCHILLA, "c4"), "the fit has no families"),
        (lambda p: bl.forecast(p, {"N": 1e9}), "needs 'D'"),
        (lambda _: bl.threshold(bl.published("repeated_data"), 2.3), "in whose middle 'U' could be held; give U=VALUE"),
    ],
)
def test_what_only_a_fit_has_is_refused(ask, message):
    with pytest.raises(QuestionError, match=message):
        ask(bl.published(REFIT))


@pytest.mark.parametrize(
    ("law", "source", "message"),
    [
        ("chinchilla", None, "2 sources; name one: chinchilla:hoffmann2022training, chinchilla:besiroglu2024c"),
        ("chinchilla", "besiroglu2024", "no published values of 'besiroglu2024'; did you mean 'besiroglu2024c"),
        ("chinchila", None, "no law 'chinchila'; did you mean 'chinchilla'"),
        ("passuntil", None, "law 'passuntil' has no published values; fit it to runs"),
        (REFIT, "hoffmann2022training", "names a source already"),
        (3, None, "a law is a name"),
    ],
)
def test_a_law_or_source_that_is_not_there_is_named(law, source, message):
    with pytest.raises(LawError, match=message):
        bl.published(law, source)


def test_counts_need_their_scatter():
    text = TEXT.replace("LogNormal(mean, sigma)", "BetaBinomial(100, mean, kappa)").replace("sigma", "kappa")
    law = Law.parse(text.replace(", kappa = 0.01", ""), "small")
    with pytest.raises(QuestionError, match="predicts counts, whose scatter needs kappa"):
        bl.published(law)


# ---------------------------------------------------------------------- as priors


def test_they_serve_as_priors():
    law = with_priors(bl.law("chinchilla"), REFIT)
    for name, value in law.published_parameters("besiroglu2024chinchilla").items():
        own, prior = bl.law("chinchilla").parameters[name].prior, law.parameters[name].prior
        assert prior.median() == pytest.approx(value, rel=1e-5)
        # Without errors, half as wide as the law's own.
        assert prior.arguments[1] == pytest.approx(own.arguments[1] / 2, rel=0.05)
    assert law.parameters["sigma"] == bl.law("chinchilla").parameters["sigma"]


def test_published_errors_are_the_widths_of_priors():
    found = with_priors(bl.law("step_law"), "step_law:li2025predictable_bootstrap").parameters
    assert found["lr_N"].prior.arguments == pytest.approx((-0.712922, 0.030), rel=0.05)
    # The intercept at one parameter and one token has the errors of both slopes at the reference scales.
    width = np.hypot(0.623, np.hypot(0.030 * np.log(1e9), 0.019 * np.log(1e11)))
    assert found["lr_best"].prior.arguments[1] == pytest.approx(width, rel=0.05)


@pytest.mark.parametrize(("name", "key"), SOURCES)
def test_every_source_gives_priors_of_its_law(name, key):
    law = bl.law(name)
    changed = with_priors(law, f"{name}:{key}")
    assert priors(law, key).keys() == law.published_parameters(key).keys()
    for each, value in law.published_parameters(key).items():
        prior = changed.parameters[each].prior
        middle = prior.scipy().mean() if prior.name == "Beta" else prior.median()
        assert middle == pytest.approx(value, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("coupled", REFIT, "are values of law 'chinchilla', and the law here is 'coupled'; give coupled:SOURCE"),
        ("chinchilla", "chinchilla:besi", "no published values of 'besi'"),
        ("chinchilla", "fields", "there are none called 'fields'; did you mean 'field'"),
    ],
)
def test_priors_of_something_else_are_refused(name, wanted, message):
    with pytest.raises(LawError, match=message):
        with_priors(bl.law(name), wanted)
