"""The laws that suit a table: which they are, that the answer says so, and that an average is one file."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.ask.auto import fit as module
from bayeslaw.ask.auto.choice import choices, choose
from bayeslaw.ask.loading import load_laws
from bayeslaw.cli import commands, sampling
from bayeslaw.errors import FileError, QuestionError, RunsError
from bayeslaw.language.public_priors import field_priors
from tests.posteriors import about, from_priors
from tests.simulate import simulated_runs

LOSS = bl.law("chinchilla")
AT = {"N": 7e10, "D": 1.4e12}
TRUTH = {name: each.prior.median() for name, each in LOSS.parameters.items()}


def runs_of(law: bl.Law, rows: int = 40) -> bl.Runs:
    return simulated_runs(law, np.random.default_rng(0), rows)


@pytest.fixture
def unsampled(monkeypatch):
    """Fits whose draws are those of the priors."""

    def drawn(plan, *_):
        truth = {name: each.prior.median() for name, each in plan.law.parameters.items()}
        return about(plan.law, plan.runs, truth, noise=0.02)

    monkeypatch.setattr(module, "fit_plan", drawn)
    monkeypatch.setattr(sampling, "sample", lambda plan, **_: (drawn(plan), 1.5))


@pytest.fixture(scope="module")
def average() -> bl.Average:
    runs = simulated_runs(LOSS, np.random.default_rng(0), 40, parameters=TRUTH)
    fits = {"chinchilla": about(LOSS, runs, TRUTH, noise=TRUTH["sigma"]), "kaplan": from_priors("kaplan", runs)}
    return bl.Average(fits, {"chinchilla": 0.75, "kaplan": 0.25}, (choose(runs).note(runs),))


# --- which laws -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", choices(), ids=lambda choice: "+".join(choice.laws))
def test_a_table_with_the_columns_of_its_laws_chooses_it(choice):
    assert len({bl.law(name).output.column for name in choice.laws}) == 1
    columns = {name: np.geomspace(1e-3, 1e-2, 40) for name in choice.varies}
    for name in choice.laws:
        columns |= runs_of(bl.law(name)).data
    table = bl.read_runs(columns)
    assert choose(table, choice.outcome) == choice
    note = choice.note(table)
    assert all(name in note.text for name in choice.laws)
    assert choice.because in note.text
    assert choice.tested in note.remedy


def test_a_setting_that_all_runs_share_is_no_study_of_it():
    runs = runs_of(bl.law("step_law"))
    assert choose(runs).laws == ("step_law",)
    one = {**runs.data, "learning_rate": np.full(len(runs), 3e-4), "batch_size_tokens": np.full(len(runs), 1e6)}
    found = choose(bl.read_runs(one))
    assert found.laws == ("chinchilla", "coupled", "over_training")
    assert "several values of learning_rate" in found.note(bl.read_runs(one)).remedy


def test_two_outcomes_are_named_and_one_is_asked_for():
    table = {**runs_of(LOSS).data, "n_correct": np.full(40, 30.0), "n_trials": np.full(40, 100.0)}
    both = bl.read_runs(table)
    with pytest.raises(
        RunsError, match=r"loss, n_correct could each be the outcome; .* outcome='loss' \(--outcome loss\)"
    ):
        choose(both)
    assert choose(both, "loss").laws[0] == "chinchilla"
    assert choose(both, "n_correct").laws[0] == "task_chain"
    with pytest.raises(RunsError, match="no column 'accuracy' to predict"):
        choose(both, "accuracy")


def test_a_choice_brings_the_priors_it_was_tested_with():
    """Unless others are asked for; those of single parameters go beside them."""
    table = {**runs_of(LOSS).data, "n_correct": np.full(40, 30.0), "n_trials": np.full(40, 100.0)}
    chosen, learned = choose(bl.read_runs(table), "n_correct"), field_priors("task_chain")

    def priors(wanted=None):
        (law,) = chosen.with_priors(wanted).values()
        return {name: law.parameters[name].prior.text for name in ("chance", *learned)}

    own = bl.law("task_chain").parameters["chance"].prior.text
    assert priors() == {"chance": own, **learned}
    assert priors({"chance": "Constant(0.25)"}) == {"chance": "Constant(0.25)", **learned}
    assert "with the priors of public runs (priors='field')" in chosen.note(bl.read_runs(table)).text


def test_a_table_that_suits_no_law_is_told_what_the_nearest_lack():
    with pytest.raises(
        RunsError, match=r"no law can be chosen for the columns depth, loss: power_law lacks flops; bnsl"
    ):
        choose(bl.read_runs({"depth": [2.0, 4.0, 8.0], "loss": [3.0, 2.9, 2.8]}))


# --- fits -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unsampled")
def test_several_laws_are_an_average_that_says_why():
    found = bl.fit("auto", runs_of(LOSS), priors={"E": "LogNormal(log(2), 0.1)"})
    assert isinstance(found, bl.Average)
    assert dict(found.weights) == pytest.approx(dict.fromkeys(("chinchilla", "coupled", "over_training"), 1 / 3))
    assert all(each.law.parameters["E"].prior.text == "LogNormal(log(2), 0.1)" for each in found.posteriors.values())
    assert "auto" in [note.code for note in bl.forecast(found, AT).notes]


@pytest.mark.usefixtures("unsampled")
def test_one_law_is_a_fit_that_says_why():
    found = bl.fit("auto", runs_of(bl.law("power_law")))
    assert isinstance(found, bl.Posterior)
    assert found.law.name == "power_law"
    assert "auto" in [note.code for note in found.notes]


def test_a_law_has_its_own_outcome():
    with pytest.raises(QuestionError, match="outcome='loss': a law has its own outcome"):
        bl.fit("chinchilla", runs_of(LOSS), outcome="loss")


# --- one file ---------------------------------------------------------------------------------------------------


def test_an_average_is_one_file_and_answers_as_before(average, tmp_path):
    path = average.save(tmp_path / "average.nc")
    again = bl.load(path)
    assert isinstance(again, bl.Average)
    assert dict(again.weights) == dict(average.weights)
    assert again.about == average.about
    assert [law.name for law in load_laws(path)] == ["chinchilla", "kaplan"]
    for one, other in ((bl.forecast(each, AT) for each in (average, again)),):
        np.testing.assert_array_equal(one.draws, other.draws)
        assert str(one) == str(other)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_damaged_average_is_refused(average, tmp_path, place):
    path = average.save(tmp_path / "average.nc")
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileError, match="not a fit of this package, or damaged"):
        bl.load(path)


def run(*words: object):
    return CliRunner().invoke(commands, [str(word) for word in words])


def test_every_question_takes_the_file_of_an_average(average, tmp_path):
    path = average.save(tmp_path / "average.nc")
    for words in (
        ("forecast", path, "--at", "N=7e10,D=1.4e12"),
        ("risk", path, "--at", "N=7e10,D=1.4e12", "--above", "2.1"),
        ("threshold", path, "--crosses", "2.3", "--along", "N", "--at", "D=1e12"),
        ("optimum", path, "--budget", "C=1e23"),
    ):  # fmt: skip
        told = run(*words, "--json")
        assert told.exit_code == 0, told.output
        assert "auto" in [note["code"] for note in json.loads(told.stdout)["notes"]]
    told = run("summary", path)
    assert "An average of 2 fits, with weights chinchilla 0.750, kaplan 0.250." in told.stdout
    assert set(json.loads(run("summary", path, "--json").stdout)["laws"]) == {"chinchilla", "kaplan"}
    refused = run("evidence", path)
    assert refused.exit_code == 2
    assert "is an average of chinchilla, kaplan, and this command takes the fit of one law" in refused.stderr


@pytest.mark.usefixtures("unsampled")
def test_the_command_fits_what_suits(tmp_path):
    table, out = tmp_path / "runs.csv", tmp_path / "fit.nc"
    runs_of(LOSS).frame().to_csv(table, index=False)
    told = run("fit", table, "--out", out, "--json")
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout)
    assert answer["laws"] == ["chinchilla", "coupled", "over_training"]
    assert "auto" in [note["code"] for note in answer["notes"]]
    assert list(bl.load(out).posteriors) == answer["laws"]
    refused = run("fit", table, "--law", "kaplan", "--outcome", "loss", "--out", out)
    assert (refused.exit_code, "has its own outcome" in refused.stderr) == (2, True)
