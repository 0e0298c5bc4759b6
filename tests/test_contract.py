"""One contract for answers: what every question returns and what every command prints, whichever it is.

Questions are read off the public names and commands off the command line, so that a new one is held to the contract
without being listed anywhere: it fails here until there is an example of it.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import bayeslaw as bl
from bayeslaw.ask.compare.comparison import Comparison, Standing
from bayeslaw.ask.compare.loo import Loo
from bayeslaw.ask.evidence.sensitivity import Shift
from bayeslaw.ask.threshold.frontier import Frontier
from bayeslaw.cli import commands
from bayeslaw.decisions.choice.example import EXAMPLE
from bayeslaw.errors import ConvergenceError
from bayeslaw.note import RANK, Note
from bayeslaw.validation.backtest.best_sizes_report import BestSizes
from bayeslaw.validation.backtest.report import Backtest
from bayeslaw.validation.backtest.scores import Scores
from bayeslaw.validation.calibration.ranks import LOG_LIKELIHOOD
from bayeslaw.validation.calibration.sbc import Calibration

SAVED = Path(__file__).parent / "saved"
PLAN = {"target": "loss below 2.4", "cost": "2e-18 * flops", "utility": "1e6 * met - cost", "go": 0.8, "stop": 0.2,
        "option": {"<b>small</b>": {"N": 1e9, "D": 2e10}, "large": {"N": 6.9e9, "D": 1.38e11}}}  # fmt: skip
# What is asked about, which is no answer.
NOUNS = {"Average", "Law", "Posterior", "Runs"}
AT = {"N": 6.9e9, "D": 1.38e11}
IN_PROGRESS = {"N": [6.9e9], "D": [7e10], "loss": [2.55]}
NETWORKS = {"name": ["<b>a</b>", "b", "c"], "n_params": [1e9, 2e9, 4e9], "n_tokens": [2e10, 4e10, 8e10],
            "loss": [2.9, 2.7, 2.5], "day": [0.0, 100.0, 200.0]}  # fmt: skip


def questions() -> dict[str, str]:
    """The name of the record that each question returns, by the question: public functions, and what nouns sum up."""
    found = {}
    for name in bl.__all__:
        question = getattr(bl, name)
        if inspect.isfunction(question):
            returned = str(inspect.signature(question).return_annotation)
            record = getattr(inspect.getmodule(question), returned, None)
            if is_dataclass(record) and returned not in NOUNS:
                found[name] = returned
    for noun in NOUNS:
        for name, method in inspect.getmembers(getattr(bl, noun, None), inspect.isfunction):
            if name == "summary":
                found[f"{noun}.{name}"] = str(inspect.signature(method).return_annotation)
    return found


# --- records ----------------------------------------------------------------------------------------------------


def compared(fit: bl.Posterior, anyway: bool) -> Comparison:
    """A comparison without the fits that leave runs out; whatever has not converged is refused before these."""
    if not anyway:
        return bl.compare({"one": fit, "other": fit})
    found, rows = bl.log_evidence(fit, allow_unconverged=True), np.zeros(len(fit.runs))
    scores = Loo(rows, rows + 1.0, rows, rows > 0, unconverged=2)
    standing = Standing(found, scores, None, None, {factor: Shift(0.0, 0.1, False) for factor in (0.5, 2.0)})
    other = replace(standing, evidence=replace(found, log_evidence=found.log_evidence - 3.0))
    return Comparison({fit.law.name: standing, "other": other}, {fit.law.name: fit, "other": fit})


def frontier(fit: bl.Posterior, anyway: bool) -> Frontier:
    draws = {"doubling": np.random.default_rng(0).lognormal(5.0, 0.2, 400)}
    sizes = bl.effective_size(fit, NETWORKS, allow_unconverged=anyway)
    return Frontier(fit.law.name, {"doubling": "day"}, (0.9, 0.5), draws, draws["doubling"][:4], 40, 1, sizes)


def backtest(fit: bl.Posterior, anyway: bool = True) -> Backtest:
    drawn = np.random.default_rng(0).standard_normal((200, 30))
    scores = Scores.of(drawn, drawn[0], np.geomspace(1, 100, 30), np.full(30, ""))
    failed = 0 if fit.diagnostics.converged else 1
    return Backtest("loss", {fit.law.name: scores}, {}, np.full(30, "half"), {"N": np.ones(30)}, 2, failed)


def best_sizes(fit: bl.Posterior, anyway: bool = True) -> BestSizes:
    drawn, name = np.random.default_rng(0).standard_normal((200, 3)), fit.law.name
    scores = Scores.of(drawn, drawn[0], np.geomspace(2, 9, 3), np.full(3, ""))
    failed = 0 if fit.diagnostics.converged else 1
    where = np.full(3, "half"), np.geomspace(1e20, 1e21, 3)
    return BestSizes({name: scores}, {name: scores}, {name: np.exp(drawn[1])}, *where, 2, failed)


def calibration(fit: bl.Posterior, anyway: bool = True) -> Calibration:
    if not anyway:
        return bl.sbc(fit, simulations=20)
    failed = 2 if fit.diagnostics.converged else 30
    return Calibration(fit.law.name, 20, 0, {LOG_LIKELIHOOD: np.linspace(0.01, 0.99, 50)}, failed)


def in_families(fit: bl.Posterior) -> bl.Posterior:
    """A fit to three families, whose chains have converged as those of another have."""
    gadre = bl.load(SAVED / "chinchilla.nc")
    named = replace(gadre, plan=replace(gadre.plan, law=replace(gadre.law, name="<b>law</b>")), notes=(SERIOUS,))
    return named if fit.diagnostics.converged else diverged(named)


def how(anyway: bool, **more: Any) -> dict[str, Any]:
    return {"allow_unconverged": anyway, **more}


# An answer of each question to a fit of the law `coupled`, from chains that have not converged only when asked so.
ANSWERS: Mapping[str, Callable[[bl.Posterior, bool], Any]] = {
    "forecast": lambda fit, anyway: bl.forecast(fit, AT, **how(anyway, level=[0.9, 0.5], drift=False)),
    "prior_predictive": lambda fit, _: bl.prior_predictive(fit.law, fit.runs, fit.family, level=[0.9, 0.5]),
    "risk": lambda fit, anyway: bl.risk(fit, AT, **how(anyway, above=2.4)),
    "threshold": lambda fit, anyway: bl.threshold(fit, 2.4, **how(anyway, level=[0.9, 0.5])),
    "optimum": lambda fit, anyway: bl.optimum(fit, budget={"C": 1e22}, **how(anyway, level=[0.9, 0.5])),
    "log_evidence": lambda fit, anyway: bl.log_evidence(fit, **how(anyway)),
    "compute_multiplier": lambda fit, anyway: bl.compute_multiplier(
        in_families(fit), ("c4_original", "rpj"), **how(anyway, level=[0.9, 0.5], drift=False)
    ),
    "report": lambda fit, anyway: bl.report(fit, AT, **how(anyway, above=2.4)),
    "decide": lambda fit, anyway: bl.decide(fit, PLAN, **how(anyway, level=[0.9, 0.5])),
    "next_runs": lambda fit, anyway: bl.next_runs(
        fit, {"N": [1e9, 2e9], "D": [2e10, 4e10]}, AT, budget=1e21, **how(anyway)
    ),
    "update": lambda fit, anyway: bl.update(fit, IN_PROGRESS, AT, **how(anyway, level=[0.9, 0.5])),
    "effective_size": lambda fit, anyway: bl.effective_size(fit, NETWORKS, **how(anyway, level=[0.9, 0.5])),
    "compare": compared,
    "frontier": frontier,
    "backtest": backtest,
    "backtest_optimum": best_sizes,
    "sbc": calibration,
    "Posterior.summary": lambda fit, _: fit.summary(),
    "Runs.summary": lambda fit, _: bl.Runs.from_arrays(fit.runs.data, "<b>runs</b>").summary(fit.law),
}
# What is asked of runs or of priors is not asked of chains; and what only shows or counts them refuses none.
OF_CHAINS = sorted(set(ANSWERS) - {"Runs.summary", "prior_predictive"})
REFUSES = sorted(set(OF_CHAINS) - {"Posterior.summary", "backtest", "backtest_optimum"})


@pytest.fixture(scope="module")
def good() -> bl.Posterior:
    """A saved fit of a law with a name that HTML must not believe."""
    fit = bl.load(SAVED / "coupled.nc")
    named = replace(fit.law, name="<b>law</b>")
    return replace(fit, plan=replace(fit.plan, law=named), notes=(SERIOUS,))


SERIOUS = Note("collinear", "serious", "Two inputs rise together.", "Add runs.")


@pytest.fixture(scope="module")
def bad(good: bl.Posterior) -> bl.Posterior:
    return diverged(good)


def diverged(fit: bl.Posterior) -> bl.Posterior:
    """The same draws, of a sampler that says that it could not follow the density."""
    return replace(fit, stats={**fit.stats, "diverging": np.ones_like(fit.stats["diverging"])})


@pytest.fixture(scope="module")
def answered(good: bl.Posterior) -> dict[str, Any]:
    return {name: ask(good, True) for name, ask in ANSWERS.items()}


def strict(text: str) -> Any:
    """Parse JSON and refuse what JSON does not have."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def are_notes(records: Any) -> bool:
    keys = {"code", "severity", "text", "remedy"}
    return isinstance(records, list) and all(set(note) == keys and note["severity"] in RANK for note in records)


def test_every_question_has_an_example():
    assert set(questions()) == set(ANSWERS)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_the_record_that_its_question_promises(answered, name):
    assert type(answered[name]).__name__ == questions()[name]
    assert is_dataclass(answered[name])
    assert not {"flag", "flags", "caveats"} & set(dir(answered[name]))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_notes_in_full_sentences_and_says_that_chains_converged(answered, name):
    found = answered[name]
    assert found.converged is True
    assert isinstance(found.notes, tuple)
    for note in found.notes:
        assert isinstance(note, Note)
        assert [field.name for field in fields(note)] == ["code", "severity", "text", "remedy"]
        assert all(words[0].isupper() or words[0] in "'0123456789<" for words in (note.text, note.remedy)), note
        assert all(words.endswith(".") for words in (note.text, note.remedy)), note
    assert list(found.notes) == sorted(found.notes, key=lambda note: RANK[note.severity])


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_strict_json_with_the_same_keys(answered, name):
    found = answered[name].as_dict()
    assert strict(json.dumps(found, allow_nan=False)) == found
    assert are_notes(found["notes"])
    assert found["converged"] is True
    assert found["notes"] == [note.as_dict() for note in answered[name].notes]
    assert not {"flag", "flags", "caveats"} & set(found)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_text_that_ends_in_a_sentence_and_repeats_its_notes(answered, name):
    lines = str(answered[name]).splitlines()
    assert lines[-1].endswith("."), lines[-1]
    assert all(any(note.text in line for line in lines) for note in answered[name].notes)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_html_in_which_names_are_text(answered, name):
    html = answered[name]._repr_html_()
    assert "<b>" not in html
    assert html.count("<p>") + html.count("<tr>") >= len(str(answered[name]).splitlines())


@pytest.mark.parametrize("name", sorted(set(OF_CHAINS) - {"backtest", "backtest_optimum", "sbc"}))
def test_what_is_serious_about_the_fit_is_in_every_answer_to_it(answered, name):
    assert "collinear" in [note.code for note in answered[name].notes]


@pytest.mark.parametrize("name", OF_CHAINS)
def test_an_answer_from_chains_that_have_not_converged_says_so(bad, name):
    found = ANSWERS[name](bad, True)
    assert found.converged is found.as_dict()["converged"] is False
    assert any("not converge" in note.text for note in found.notes)


@pytest.mark.parametrize("name", REFUSES)
def test_a_question_refuses_chains_that_have_not_converged(bad, name):
    with pytest.raises(ConvergenceError, match=r"The fit has not converged: .* diverged.* allow_unconverged=True"):
        ANSWERS[name](bad, False)


# --- commands ---------------------------------------------------------------------------------------------------

# How each command is used; the words in braces are files.
EXAMPLES: Mapping[str, str] = {
    "backtest": "{runs} --laws chinchilla",
    "cache": "",
    "check": "power_law --sbc",
    "compare": "{runs} --laws chinchilla,coupled",
    "decide": "{fit} --plan {plan} --level 0.9 --level 0.5",
    "demo": "--out {folder}",
    "drift": "{runs} --laws chinchilla",
    "effective-size": "{fit} {networks}",
    "evidence": "{fit}",
    "fit": "{runs} --law chinchilla --out {out}",
    "forecast": "{fit} --at N=6.9e9,D=1.38e11 --level 0.9 --level 0.5",
    "frontier": "{fit} {networks}",
    "import": "{runs} --out {out}.csv",
    "laws": "",
    "multiplier": "{families} --families c4_original,rpj --at C=1e19 --level 0.9 --level 0.5",
    "next-runs": "{fit} --at N=6.9e9,D=1.38e11 --grid N=1e9:2e9:2 --grid D=2e10 --budget 1e21",
    "optimum": "{fit} --budget C=1e22",
    "plot": "{fit} --out {picture}",
    "predict": "{runs} --at N=6.9e9,D=1.38e11 --outcome loss --no-backtest --out {folder}",
    "prior": "{runs} --law chinchilla --level 0.9 --level 0.5 --plot {picture}",
    "report": "{fit} --at N=6.9e9,D=1.38e11 --above 2.4 --out {out}.html --level 0.9 --level 0.5",
    "risk": "{fit} --at N=6.9e9,D=1.38e11 --above 2.4",
    "runs": "{runs}",
    "show": "power_law",
    "summary": "{fit}",
    "threshold": "{fit} --crosses 2.4",
    "update": "{fit} {progress} --at N=6.9e9,D=1.38e11 --level 0.9 --level 0.5",
    "warm": "power_law --runs 20",
}
NAMES = sorted(commands.commands)
WITH_A_FILE = [
    name for name in NAMES if any(one.param_type_name == "argument" for one in commands.commands[name].params)
]
MAY_BE_ALLOWED = [
    name for name in NAMES if any(one.name == "allow_unconverged" for one in commands.commands[name].params)
]


@pytest.fixture
def use(good, bad, tmp_path, monkeypatch) -> Callable[..., Result]:
    """Use a command as its example does; fits that would be made are there already, and converged if that is wanted."""

    def run(name: str, *more: str, converged: bool = True) -> Result:
        fit = good if converged else bad
        gadre = replace(bl.load(SAVED / "chinchilla.nc"), notes=(SERIOUS,))
        demo = gadre if converged else diverged(gadre)
        made: dict[str, Callable[[], Any]] = {
            "bayeslaw.inference.fit.fit_plan": lambda: demo,
            "bayeslaw.ask.compare.compare.fit_plan": lambda: fit,
            "bayeslaw.ask.threshold.frontier.frontier": lambda: frontier(fit, True),
            "bayeslaw.validation.backtest.backtest.backtest": lambda: backtest(fit),
            "bayeslaw.validation.drift.learning.learn_drift": lambda: {"chinchilla": bl.Drift(0.001, 0.002)},
            "bayeslaw.validation.calibration.sbc.sbc": lambda: calibration(fit),
        }
        if converged or "--allow-unconverged" in more:
            made["bayeslaw.ask.compare.compare.compare"] = lambda: compared(fit, True)
        for place, answer in made.items():
            monkeypatch.setattr(place, lambda *_, answer=answer, **__: answer())
        files = {word: str(tmp_path / word) for word in ("folder", "out")} | {"picture": str(tmp_path / "picture.png")}
        files |= {"fit": str(fit.save(tmp_path / "fit.nc")), "families": str(demo.save(tmp_path / "families.nc"))}
        files["plan"] = str(tmp_path / "plan.toml")
        Path(files["plan"]).write_text(EXAMPLE, encoding="utf-8")
        tables = {"networks": bl.read_runs(NETWORKS), "progress": bl.read_runs(IN_PROGRESS)}
        for word, table in {"runs": gadre.runs, **tables}.items():
            files[word] = str(tmp_path / f"{word}.csv")
            table.frame().to_csv(files[word], index=False)
        words = [word.format(**files) for word in EXAMPLES[name].split()]
        return CliRunner().invoke(commands, [name, *words, *more], catch_exceptions=False)

    return run


def test_every_command_has_an_example():
    assert set(EXAMPLES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_prints_one_object_with_the_same_keys(use, name):
    done = use(name, "--json")
    assert done.exit_code == 0, done.output
    found = strict(done.stdout)
    assert are_notes(found["notes"])
    assert found["converged"] is True


@pytest.mark.parametrize("name", MAY_BE_ALLOWED)
def test_a_command_of_chains_that_have_not_converged_exits_with_1_unless_that_is_allowed(use, name):
    done = use(name, "--json", converged=False)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "The fit has not converged: " in done.stderr
    assert "--allow-unconverged" in done.stderr
    done = use(name, "--json", "--allow-unconverged", converged=False)
    assert done.exit_code == 0, done.output
    found = strict(done.stdout)
    assert found["converged"] is False
    assert "unconverged" in [note["code"] for note in found["notes"]]


@pytest.mark.parametrize("name", ["backtest", "check", "fit", "summary"])
def test_what_counts_or_shows_chains_says_that_they_have_not_converged(use, name):
    done = use(name, "--json", converged=False)
    assert done.exit_code == (1 if name in ("check", "fit") else 0), done.output
    assert strict(done.stdout)["converged"] is False


@pytest.mark.parametrize("name", NAMES)
def test_misuse_of_a_command_costs_one_sentence(use, name):
    one_sentence(use(name, "--nonsense"))


@pytest.mark.parametrize("name", WITH_A_FILE)
def test_a_file_that_is_not_there_costs_one_sentence(use, name, monkeypatch):
    monkeypatch.setitem(EXAMPLES, name, f"{{folder}}/none.nc {EXAMPLES[name].partition(' ')[2]}")
    one_sentence(use(name, "--json"))


def one_sentence(done: Result) -> None:
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
