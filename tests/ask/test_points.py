"""Points by their inputs, or by compute and one of parameters and tokens; refused before a fit is loaded."""

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.ask import loading
from bayeslaw.ask.where.points import points_at
from bayeslaw.ask.where.scale import read_at
from bayeslaw.cli import commands
from bayeslaw.errors import QuestionError
from bayeslaw.runs import observations
from tests.saved.answers import FOLDER

CHINCHILLA, POWER, ISOFLOP = bl.law("chinchilla"), bl.law("power_law"), bl.law("isoflop")


@pytest.mark.parametrize("word", ["C", "flops", "compute"])
def test_tokens_follow_from_compute_and_parameters_and_the_other_way_round(word):
    by_tokens = observations.inputs(points_at([CHINCHILLA], {word: 6e21, "N": [1e9, "10B"]}), CHINCHILLA)
    assert by_tokens["D"].tolist() == pytest.approx([1e12, 1e11])
    by_size = points_at([CHINCHILLA], {"n_tokens": 1e11, word: [6e20, 6e21]})
    assert observations.inputs(by_size, CHINCHILLA)["N"].tolist() == pytest.approx([1e9, 1e10])
    assert set(by_size.names) == {"n_params", "n_tokens"}


def test_a_law_that_reads_compute_reads_it_as_it_is():
    assert set(points_at([ISOFLOP], {"C": 1e21, "N": 1e9}).names) == {"flops", "n_params"}
    both = points_at([CHINCHILLA, POWER], {"C": 6e21, "N": 1e9})
    assert observations.inputs(both, CHINCHILLA)["D"].tolist() == pytest.approx([1e12])
    assert observations.inputs(both, POWER)["C"].tolist() == [6e21]


@pytest.mark.parametrize(("at", "words"), [
    ({"C": 1e21, "N": 1e9, "D": 1e11}, "at: C follows from N and D, as 6 x N x D; give two of the three."),
    ({"flops": 1e21, "n_params": 1e9, "D": 1e11}, "at: flops follows from n_params and D, as 6 x n_params x D; give"),
    ({"C": 1e21}, "at: C leaves open how large N and D are; give one of them too."),
    ({"N": 1e9}, "law 'chinchilla' needs 'D'"),
    ({"C": [1e20, 1e21, 1e22], "N": [1e9, 1e10]}, "different numbers of values (C 3, N 2)"),
    ({"c": 1e21, "N": 1e9}, "no input 'c'"),
])  # fmt: skip
def test_compute_that_says_too_much_or_too_little_is_refused_in_one_sentence(at, words):
    with pytest.raises(QuestionError) as caught:
        points_at([CHINCHILLA], at)
    assert words in str(caught.value)


def test_a_law_that_computes_compute_itself_is_given_it_in_place_of_a_size():
    law = bl.law("over_training")
    found = observations.inputs(points_at([law], {"C": 6e21, "N": 1e9}), law)
    assert (found["D"][0], found["M"][0]) == pytest.approx((1e12, 1e3))
    with pytest.raises(QuestionError, match="give two of the three"):
        points_at([law], {"C": 1e21, "N": 1e9, "D": 1e12})


def test_a_law_of_compute_alone_needs_no_size():
    sizes = """[input]
N = { column = "n_params", units = "parameter", meaning = "parameters" }
D = { column = "n_tokens", units = "token", meaning = "tokens" }"""
    text = POWER.text.replace("[input]", sizes).replace('"flops"', '"flops", formula = "6 * N * D"')
    law = bl.Law.parse(text, "computed")
    for at in ({"C": 6e21}, {"N": 1e9, "D": 1e12}, {"N": 1e9, "C": 6e21}):
        assert observations.inputs(points_at([law], at), law)["C"].tolist() == pytest.approx([6e21])


def test_what_is_held_may_be_given_by_compute_too():
    assert read_at(CHINCHILLA, {"C": 6e21, "N": 1e9}) == {"N": 1e9, "D": pytest.approx(1e12)}


def test_a_forecast_by_compute_is_that_by_tokens():
    posterior = bl.load(FOLDER / "chinchilla.nc")
    by_compute, by_tokens = (bl.forecast(posterior, {"N": 1e9, **rest}) for rest in ({"C": 6e20}, {"D": 1e11}))
    np.testing.assert_array_equal(by_compute.draws, by_tokens.draws)


def test_planned_runs_are_refused_before_a_fit_is_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "load", lambda path: pytest.fail(f"{path} was loaded"))
    (tmp_path / "planned.csv").write_text("N\n7e10\n")
    asked = ["forecast", str(FOLDER / "chinchilla.nc"), "--runs", str(tmp_path / "planned.csv")]
    done = CliRunner().invoke(commands, asked)
    assert done.exit_code == 2
    assert "input 'D' of law 'chinchilla' needs column 'n_tokens', which is not there" in done.stderr


@pytest.mark.parametrize(("asked", "words"), [
    (["forecast", "--at", "N=7e10"], "Error: --at: law 'chinchilla' needs 'D' (training tokens, in token); give D="),
    (["forecast", "--at", "C=1e21,N=1e9,D=1e12"], "Error: --at: C follows from N and D"),
    (["forecast", "--at", "N=70,D=1400"], "in billions or in trillions? Write N=7e7, N=7e10 or N=7e13."),
    (["forecast", "--at", "N=7e10", "--through", str(FOLDER / "emergence.nc")], "law 'chinchilla' needs 'D'"),
    (["forecast", "--at", "N=7e10,D=1e12,k=1", "--through", str(FOLDER / "emergence.nc")], "has no input 'k'"),
    (["risk", "--at", "N=7e10", "--above", "2"], "law 'chinchilla' needs 'D'"),
])  # fmt: skip
def test_a_point_is_refused_before_a_fit_is_loaded(monkeypatch, asked, words):
    monkeypatch.setattr(loading, "load", lambda path: pytest.fail(f"{path} was loaded"))
    verb, *rest = asked
    done = CliRunner().invoke(commands, [verb, str(FOLDER / "chinchilla.nc"), *rest])
    assert done.exit_code == 2, done.output
    assert words in done.stderr
