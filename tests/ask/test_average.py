"""Averages: against mixtures computed by other means, and the same as a single posterior where they must be."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.ask.average import DOMINANT, Average
from bayeslaw.ask.compare.averaging import named
from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.ask.where.points import points_at
from bayeslaw.errors import ConvergenceError, QuestionError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.note import Note
from bayeslaw.runs import observations
from tests.posteriors import about
from tests.simulate import simulated_runs

TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.01, "nu": 20.0}
SMALL = {"draws": 300, "chains": 2}
AT = {"N": [1e9, 7e10, 3e12], "D": 1.4e12}


def ask(posterior, at=AT, *args, **more) -> Forecast:
    """What follows from the fits alone: drift is smaller in an average, so that one is no mixture of single answers."""
    return bl.forecast(posterior, at, *args, drift=False, allow_unconverged=True, **more)


@pytest.fixture(scope="module")
def runs() -> bl.Runs:
    return simulated_runs(bl.law("chinchilla"), np.random.default_rng(5), 42, families=3, parameters=TRUTH)


@pytest.fixture(scope="module")
def chinchilla(runs) -> bl.Posterior:
    return about("chinchilla", runs, TRUTH, noise=TRUTH["sigma"], **SMALL)


@pytest.fixture(scope="module")
def kaplan(runs) -> bl.Posterior:
    """Of another law, which errs by a few percent on runs of the first."""
    return about("kaplan", runs, bl.posterior_mode("kaplan", runs), noise=0.02, **SMALL)


@pytest.fixture(scope="module")
def hierarchy(runs) -> bl.Posterior:
    return about("chinchilla", runs, TRUTH, "family", noise=TRUTH["sigma"], **SMALL)


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.3, 0.7), (0.05, 0.95)])
def test_quantiles_are_those_of_the_mixture(chinchilla, kaplan, weights):
    """Held against the weighted distribution function of all draws of both, of which the average takes a part."""
    single = [ask(each).draws for each in (chinchilla, kaplan)]
    average = bl.average([chinchilla, kaplan], weights)
    found = ask(average)
    # Taking n of N draws moves a distribution function by no more than simple random sampling would.
    taken = [len(average.rows[name]) for name in average.posteriors]
    error = np.sqrt(sum(w**2 * 0.25 * (1 / n - 1 / len(d)) for w, n, d in zip(weights, taken, single, strict=True)))
    for i, point in enumerate(found.points):
        for p, quantile in point.quantiles.items():
            below = sum(w * (d[:, i] <= quantile).mean() for w, d in zip(weights, single, strict=True))
            assert abs(below - p) < 4 * error + 2 / len(found.draws)


def test_equal_weights_are_the_weighted_quantiles_of_numpy(chinchilla, kaplan):
    draws = np.concatenate([ask(each).draws for each in (chinchilla, kaplan)])
    found = ask(bl.average([chinchilla, kaplan]))
    np.testing.assert_array_equal(np.sort(found.draws, axis=0), np.sort(draws, axis=0))
    weights = np.full(len(draws), 1 / len(draws))
    for i, point in enumerate(found.points):
        wanted = np.quantile(draws[:, i], list(point.quantiles), weights=weights, method="inverted_cdf")
        step = np.diff(np.sort(draws[:, i])).max()
        np.testing.assert_allclose(list(point.quantiles.values()), wanted, atol=step)


PROPORTIONS = st.just(0.0) | st.floats(1e-6, 1.0)


@given(sizes=st.lists(st.integers(1, 4000), min_size=2, max_size=5), data=st.data())
def test_draws_stand_in_proportion_to_the_weights_and_none_twice(sizes, data):
    given = np.array(data.draw(st.lists(PROPORTIONS, min_size=len(sizes), max_size=len(sizes))))
    given[data.draw(st.integers(0, len(sizes) - 1))] += 0.1
    weights = {str(i): w for i, w in enumerate(given / given.sum())}
    average = Average({str(i): SimpleNamespace(size=size) for i, size in enumerate(sizes)}, weights)
    whole = min(size / weights[str(i)] for i, size in enumerate(sizes) if weights[str(i)] > 0)
    for i, size in enumerate(sizes):
        rows = average.rows.get(str(i), np.array([], dtype=int))
        assert abs(len(rows) - weights[str(i)] * whole) <= 0.5 + 1e-9 * whole
        assert (np.diff(rows) > 0).all()
        assert ((rows >= 0) & (rows < size)).all()
    assert max(len(rows) / sizes[int(name)] for name, rows in average.rows.items()) == 1.0
    mixed = average.mixed({str(i): np.full((size, 2), i) for i, size in enumerate(sizes)})
    assert mixed.shape == (sum(len(rows) for rows in average.rows.values()), 2)


def test_all_of_the_weight_gives_back_the_single_forecast(chinchilla, kaplan):
    alone, found = ask(chinchilla), ask(bl.average([kaplan, chinchilla], [0, 2]))
    np.testing.assert_array_equal(found.draws, alone.draws)
    np.testing.assert_array_equal(found.mean_draws, alone.mean_draws)
    for one, other in zip(found.points, alone.points, strict=True):
        assert replace(one, parts={}) == replace(other, parts={})
        assert one.parts == {**other.parts, "law": 0.0}


def test_one_posterior_twice_has_no_uncertainty_about_the_law(hierarchy):
    alone, found = ask(hierarchy), ask(bl.average([hierarchy, hierarchy]))
    for one, other in zip(found.points, alone.points, strict=True):
        assert one.parts == pytest.approx({**other.parts, "law": 0.0}, abs=1e-12)
        assert one.new_run.median == pytest.approx(other.new_run.median, rel=1e-3)


def test_parts_follow_the_law_of_total_variance(chinchilla, hierarchy, kaplan):
    """Of normal draws on the log the robust widths are standard deviations, and all parts are known."""
    weights = np.array([0.2, 0.5, 0.3])
    every = [chinchilla, hierarchy, kaplan]
    found = ask(bl.average(every, weights))
    logs = [np.log(ask(each).mean_draws) for each in every]
    medians = np.array([np.median(log, axis=0) for log in logs])
    between = weights @ medians**2 - (weights @ medians) ** 2
    within = weights @ [np.diff(np.quantile(np.log(ask(each).draws), [0.158655, 0.841345], axis=0), axis=0)[0] ** 2 / 4
                        for each in every]  # fmt: skip
    for i, point in enumerate(found.points):
        shares = [point.parts[part] for part in ("parameters", "family", "noise", "law")]
        assert sum(shares) == pytest.approx(1.0)
        assert min(shares) >= 0
        assert point.parts["drift"] is None
        assert point.parts["law"] == pytest.approx(between[i] / (between[i] + within[i]), rel=0.05)
    assert found.points[2].parts["law"] > 0.5
    # Only the hierarchy has families to be uncertain about.
    assert 0 < found.points[0].parts["family"] < ask(hierarchy).points[0].parts["family"]


def test_an_average_is_wider_than_what_it_averages_where_laws_disagree(chinchilla, kaplan):
    far = ask(bl.average([chinchilla, kaplan])).points[2].new_run
    for each in (chinchilla, kaplan):
        alone = ask(each).points[2].new_run
        assert far.upper - far.lower > alone.upper - alone.lower
        assert far.lower <= alone.median <= far.upper


# --- points and families ----------------------------------------------------------------------------------------


def test_each_law_reads_the_inputs_it_has():
    laws = bl.law("chinchilla"), bl.law("power_law")
    points = points_at(laws, {"n_params": [1e9, 7e10], "D": 1.4e12, "C": 6e23})
    read = {name: values for law in laws for name, values in observations.inputs(points, law).items()}
    assert {name: len(values) for name, values in read.items()} == {"N": 2, "D": 2, "C": 2}
    with pytest.raises(QuestionError, match="law 'power_law' needs 'C'"):
        points_at(laws, {"N": 1e9, "D": 1.4e12})
    with pytest.raises(QuestionError, match="no input 'lr'"):
        points_at(laws, {"N": 1e9, "D": 1.4e12, "C": 6e23, "lr": 1e-3})


def test_a_word_that_laws_mean_differently_is_refused():
    chinchilla = bl.law("chinchilla")
    other = bl.Law.parse(chinchilla.text.replace('column = "n_params"', 'column = "n_active"'), "sparse")
    with pytest.raises(QuestionError, match="'N' means 'n_params' to law 'chinchilla', 'n_active' to law 'sparse'"):
        points_at([chinchilla, other], {"N": 1e9, "D": 1.4e12})


def test_families_are_those_that_all_know(chinchilla, hierarchy):
    both = bl.average([hierarchy, chinchilla])
    assert both.families == ()
    assert {p.family for p in ask(both).points} == {"new"}
    with pytest.raises(QuestionError, match=r"chinchilla 2: the fit has no families, so it knows no family 'family 2'"):
        ask(both, family="family 2")
    twice = bl.average({"one": hierarchy, "other": hierarchy})
    assert twice.families == hierarchy.families
    assert {p.family for p in ask(twice, family="family 2").points} == {"family 2"}


def test_runs_are_forecast_each_with_its_own_family(runs, chinchilla, hierarchy):
    found = ask(bl.average([hierarchy, chinchilla], [1, 0]), runs)
    np.testing.assert_array_equal(found.draws, ask(hierarchy, runs).draws)
    assert {p.family for p in found.points} == set(hierarchy.families)


# --- weights and names ------------------------------------------------------------------------------------------


def test_weights_are_given_in_any_proportion(chinchilla, kaplan):
    for weights in ([1, 3], {"kaplan": 0.75, "chinchilla": 0.25}, np.array([2.5, 7.5])):
        assert bl.average([chinchilla, kaplan], weights).weights == {"chinchilla": 0.25, "kaplan": 0.75}
    assert bl.average([chinchilla, kaplan], "equal").weights == {"chinchilla": 0.5, "kaplan": 0.5}


@pytest.mark.parametrize("how", ["evidence", "stacking", "forward"])
def test_other_weights_are_found_where_laws_are_weighed(chinchilla, kaplan, monkeypatch, how):
    def weigh(posteriors, asked):
        assert (list(posteriors), asked) == (["chinchilla", "kaplan"], how)
        return {"chinchilla": 0.9, "kaplan": 0.1}

    monkeypatch.setattr("bayeslaw.ask.compare.weights.weigh", weigh)
    assert bl.average([chinchilla, kaplan], how).weights == {"chinchilla": 0.9, "kaplan": 0.1}


def test_fits_of_one_law_are_numbered(chinchilla, kaplan, hierarchy):
    assert list(named([hierarchy, kaplan, chinchilla])) == ["chinchilla 1", "kaplan", "chinchilla 2"]
    assert named({"pooled": hierarchy, "flat": chinchilla}) == {"pooled": hierarchy, "flat": chinchilla}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("forwards", "no way to weigh laws is called 'forwards'; did you mean 'forward'"),
        ([1], "1 numbers for 2 fits"),
        ([1, 2, 3], "3 numbers for 2 fits"),
        ([0, 0], "0, 0 are not proportions"),
        ([-1, 2], "-1, 2 are not proportions"),
        ([1, np.nan], "1, nan are not proportions"),
        ([1, np.inf], "1, inf are not proportions"),
        ({"chinchilla": 1}, "'kaplan' has none; give it 0 to leave it out"),
        ({"chinchilla": 1, "kaplam": 1}, "there is no 'kaplam'; did you mean 'kaplan'"),
    ],
)
def test_what_are_no_weights_is_refused(chinchilla, kaplan, weights, message):
    with pytest.raises(QuestionError, match=f"weights: .*{message}"):
        bl.average([chinchilla, kaplan], weights)


def test_posteriors_of_different_things_are_refused(runs, chinchilla, kaplan):
    with pytest.raises(QuestionError, match=r"asked of fits, as fit\(\) and load\(\) give them, not of 'a.nc'"):
        bl.average(["a.nc", "b.nc"])
    with pytest.raises(QuestionError, match="two fits or more, not 1"):
        bl.average([chinchilla])
    with pytest.raises(QuestionError, match="two fits or more, not 0"):
        bl.average({})
    fewer = replace(kaplan, plan=make_plan(kaplan.law, runs.take(np.arange(40))))
    with pytest.raises(QuestionError, match="were fitted to different runs, 42 and 40 of them"):
        bl.average([chinchilla, fewer])
    renamed = bl.Law.parse(kaplan.law.text.replace("nat/token", "bit/byte"), "kaplan")
    with pytest.raises(QuestionError, match=r"different outcomes, loss \(nat/token\) and loss \(bit/byte\)"):
        bl.average([chinchilla, replace(kaplan, plan=make_plan(renamed, runs))])


def test_chains_that_disagree_do_not_answer(chinchilla, kaplan):
    moved = kaplan.flat.copy()
    moved[1] += 5.0 * moved.std(axis=(0, 1))
    stuck = bl.average({"bad": replace(kaplan, flat=moved), "good": chinchilla})
    assert stuck.diagnostics == stuck.posteriors["bad"].diagnostics
    with pytest.raises(ConvergenceError, match=r"bad: The fit has not converged: R-hat"):
        bl.forecast(stuck, AT)
    answer = ask(stuck)
    assert answer.converged is False
    assert answer.notes[0].text.startswith("bad: The fit has not converged: R-hat")


# --- the warning ------------------------------------------------------------------------------------------------


def about_weights(answer) -> list[Note]:
    """Fits of few draws may have notes of their own."""
    return [note for note in answer.notes if note.code == "one-law"]


def test_a_law_that_dominates_against_another_is_noted(chinchilla, kaplan):
    average = bl.average([chinchilla, kaplan], [0.97, 0.03])
    assert [note.severity for note in about_weights(average)] == ["info"]
    found = ask(average)
    outside = sum(not p.new_run.lower <= other.new_run.median <= p.new_run.upper
                  for p, other in zip(found.points, ask(kaplan).points, strict=True))  # fmt: skip
    assert outside > 0
    (note,) = about_weights(found)
    assert (note.code, note.severity) == ("one-law", "warning")
    assert f"'chinchilla' has 0.970 of the weight, but the laws disagree: the median of 'kaplan' (at {outside} of 3 " \
        in note.text  # fmt: skip
    assert str(note) in str(found)
    assert note.as_dict() in found.as_dict()["notes"]


def test_laws_that_agree_or_share_the_weight_are_not_warned_about(chinchilla, kaplan):
    (note,) = about_weights(ask(bl.average([chinchilla, chinchilla], [0.97, 0.03])))
    assert note.severity == "info"
    assert about_weights(ask(bl.average([chinchilla, kaplan], [DOMINANT, 1 - DOMINANT]))) == []
    assert about_weights(ask(chinchilla)) == []


# --- JSON, text, picture ----------------------------------------------------------------------------------------


def test_the_json_is_that_of_a_forecast_with_weights(chinchilla, kaplan):
    found = ask(bl.average([chinchilla, kaplan], [1, 3])).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found.keys() == ask(chinchilla).as_dict().keys()
    assert found["weights"] == {"chinchilla": 0.25, "kaplan": 0.75}
    assert found["law"] == "chinchilla + kaplan"
    assert found["points"][0]["extrapolation"] == ask(chinchilla).as_dict()["points"][0]["extrapolation"]
    assert ask(chinchilla).as_dict()["weights"] == {"chinchilla": 1.0}


def test_the_text_shows_weights_and_parts(chinchilla, kaplan):
    average = bl.average([chinchilla, kaplan], [1, 3])
    text = str(ask(average))
    assert "Weights: chinchilla 0.250, kaplan 0.750." in text
    assert text.count("parameters ") == 3
    assert repr(average) == "Average(chinchilla 0.250, kaplan 0.750)"


def test_an_average_is_drawn_as_a_posterior_is(chinchilla, kaplan):
    average = bl.average([chinchilla, kaplan])
    figure = bl.plot_forecast(average, at={"N": 7e10, "D": 1.4e12}, allow_unconverged=True)
    assert "Average of chinchilla, kaplan" in figure.legends[0].get_title().get_text()
    run = ask(average, {"N": 7e10, "D": 1.4e12}).points[0].new_run
    bars = [s[:, 1] for c in figure.axes[0].collections if hasattr(c, "get_segments") for s in c.get_segments()]
    np.testing.assert_allclose(sorted(bars[-1]), [run.lower, run.upper], rtol=1e-12)
