"""The command line: what it prints, its exit codes, and that bad input costs one sentence and no file."""

import json
import os
import re
import shutil
import subprocess
import sys
from keyword import iskeyword
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
import bayeslaw.cli
from bayeslaw import words
from bayeslaw.ask.compare.weights import WEIGHTINGS
from bayeslaw.ask.threshold.frontier import IMAGINED
from bayeslaw.cli import HEADINGS, commands
from bayeslaw.cli.answer import check_writable
from bayeslaw.cli.fits import WEIGHTS
from bayeslaw.errors import FileError
from bayeslaw.inference.sampler.settings import CHEAP, DRAWS_OF_MANY, ENOUGH
from bayeslaw.language.public_priors import field_priors
from bayeslaw.validation.backtest.origins import SEEN

NAMES = list(commands.commands)
README = Path(__file__).parents[2] / "README.md"


def run(*args):
    return CliRunner().invoke(commands, [str(arg) for arg in args], catch_exceptions=False)


def strict(text):
    """Parse one JSON object and refuse what JSON does not have."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def refused(done):
    """The one sentence of a command that was given bad input."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 900
    return done.stderr


def table(path, rows=60, **changed):
    """Write runs of a power law in two families."""
    rng = np.random.default_rng(1)
    flops = np.logspace(17, 20, rows)
    family = np.array(["web", "code"] * rows)[:rows]
    loss = (1.8 + 0.1 * (family == "code") + 0.6 * (flops / 1e19) ** -0.15) * np.exp(0.004 * rng.standard_normal(rows))
    columns = {"flops": [f"{c:.6g}" for c in flops], "loss": [f"{y:.6f}" for y in loss], "family": list(family)}
    columns = {name: cells for name, cells in (columns | changed).items() if cells is not None}
    lines = [",".join(columns), *(",".join(cells) for cells in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="session")
def runs_file(home):
    return table(home / "runs.csv")


FITTING = ("--law", "power_law", "--family", "family", "--pool", "E=none", "--pool", "A=complete", "--pool",
           "alpha=complete", "--draws", 1500, "--warmup", 300, "--chains", 2)  # fmt: skip


@pytest.fixture(scope="session")
def fitted(home, runs_file):
    """One small fit for all questions, and what the command said."""
    out = home / "fit.nc"
    done = run("fit", runs_file, *FITTING, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    return out, done


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_what_it_is_for_and_takes_json(name):
    done = run(name, "--help")
    assert done.exit_code == 0
    assert "--json" in done.output


@pytest.mark.parametrize("name", NAMES)
def test_a_command_is_the_only_one_of_its_file_and_has_its_name(name):
    command = commands.commands[name]
    assert command.name == name
    module = sys.modules[command.callback.__module__]
    assert [each for each in vars(module).values() if isinstance(each, click.Command)] == [command]


def test_the_first_help_lists_commands_under_headings_and_cuts_none():
    lines = run("--help").stdout.splitlines()
    listed, under = {}, []
    for line in lines[lines.index("Data:") :]:
        if line.endswith(":"):
            listed[line[:-1].lower()] = under = []
        elif line:
            name, _, words = line.strip().partition(" ")
            under.append(name)
            assert words.strip().endswith("."), "no first sentence, or one that is cut"
            assert not words.endswith("..")
            assert len(words.strip()) <= 45
            assert len(line) <= 80
    assert tuple(listed) == HEADINGS
    assert [name for names in listed.values() for name in names] == NAMES
    here = Path(bayeslaw.cli.__file__).parent
    files = {heading: {file.stem for file in (here / heading).glob("*.py")} for heading in HEADINGS}
    # A command whose name is a word of Python has a file that ends in an underscore.
    assert files == {
        heading: {"__init__", *(f"{n.replace('-', '_')}{'_' * iskeyword(n)}" for n in names)}
        for heading, names in listed.items()
    }
    assert all(names == sorted(names) for names in listed.values())


def test_the_first_help_keeps_its_example_as_lines():
    lines = run("--help").stdout.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("    bayeslaw")] == [
        ["bayeslaw", "runs"], ["bayeslaw", "fit"], ["bayeslaw", "forecast"],
    ]  # fmt: skip


def test_the_help_names_the_defaults_and_choices_of_the_verbs():
    backtest, frontier = (" ".join(run(name, "--help").stdout.split()) for name in ("backtest", "frontier"))
    assert f"(default: {','.join(map(str, SEEN))})" in backtest
    assert f"(default {IMAGINED})" in frontier
    assert f"(default: as many as give an effective sample size of {ENOUGH:,}, at most {CHEAP.draws:,})" in backtest
    assert f"draws per chain (default {DRAWS_OF_MANY})" in frontier
    assert WEIGHTS.split("|") == list(WEIGHTINGS)


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "bayeslaw", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bayeslaw")


def test_laws_can_be_listed_by_topic():
    every = strict(run("laws", "--json").stdout)["laws"]
    assert len(every) >= 14
    chosen = strict(run("laws", "--topic", "distillation", "--json").stdout)["laws"]
    assert {law["name"] for law in chosen} == {law["name"] for law in every if "distillation" in law["topics"]}
    lines = run("laws").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert {law["name"] for law in every} <= {line.split()[0] for line in lines if line}
    assert "did you mean 'distillation'" in refused(run("laws", "--topic", "destillation"))


def test_laws_can_be_found_by_words_and_by_what_a_table_has(tmp_path):
    found = strict(run("laws", "Muennighoff", "data", "--json").stdout)["laws"]
    assert "repeated_data" in {law["name"] for law in found}
    columns = ("n_params", "n_tokens", "loss")
    fed = strict(run("laws", "--have", ",".join(columns), "--json").stdout)["laws"]
    assert {"chinchilla", "kaplan"} <= {law["name"] for law in fed}
    assert all({law["outcome"], *law["columns"]} <= {*columns, "flops"} for law in fed)
    (tmp_path / "runs.csv").write_text("N,D,val_loss\n1e9,2e10,2.5\n")
    assert strict(run("laws", "--have", str(tmp_path / "runs.csv"), "--json").stdout)["laws"] == fed
    page = " ".join(run("laws", "--have", "flops,loss").stdout.split())
    assert "Answers loss from flops." in page
    assert "power_law lacks flops, loss" in refused(run("laws", "power_law", "--have", "n_params"))


@pytest.mark.parametrize("name", [law["name"] for law in json.loads(run("laws", "--json").stdout)["laws"]])
def test_every_law_can_be_shown(name):
    facts = strict(run("show", name, "--json").stdout)
    page = run("show", name).stdout
    assert facts["name"] == name
    assert all(parameter["name"] in page for parameter in facts["parameters"])


def test_the_priors_that_were_learned_from_public_sweeps_can_be_shown():
    prior = {
        p["name"]: p["prior"]
        for p in strict(run("show", "chinchilla", "--priors", "field", "--json").stdout)["parameters"]
    }
    assert prior.items() >= field_priors("chinchilla").items()


def test_published_values_are_shown_with_source_and_as_our_parameters():
    values = strict(run("show", "chinchilla", "--json").stdout)["published"]["values"]
    ours = {v["reference"]: v["as_our_parameters"] for v in values}["hoffmann2022training"]
    assert ours["A"] == pytest.approx(406.4 / 1e9**0.3392)
    assert all(v["source"] for v in values)


def test_check_passes_for_a_shipped_law_and_exits_with_1_for_one_that_fails(tmp_path):
    assert strict(run("check", "power_law", "--json").stdout)["passed"] is True
    law = tmp_path / "mine.toml"
    text = strict(run("show", "power_law", "--json").stdout)["formula"]
    law.write_text(
        f'title = "Mine"\nreference = "nowhere2020"\ntopics = []\nformula = "{text}"\n'
        '[output]\nloss = { likelihood = "LogNormal(mean, sigma)", units = "1", range = [0.1, 20], meaning = "loss" }\n'
        '[input]\nC = { column = "flops", units = "FLOP", reference = 1e20, range = [1e14, 1e30], meaning = "cost" }\n'
        '[parameter]\nE = { prior = "LogNormal(0, 0.3)", meaning = "floor" }\n'
        'A = { prior = "LogNormal(0, 0.3)", meaning = "gain" }\n'
        'alpha = { prior = "LogNormal(log(0.1), 0.3)", meaning = "exponent" }\n'
        'sigma = { prior = "HalfNormal(0.02)", meaning = "scatter" }\n',
        encoding="utf-8",
    )
    done = run("check", law, "--json")
    assert done.exit_code == 1
    failed = [c["name"] for c in strict(done.stdout)["laws"][0]["checks"] if not c["passed"]]
    assert failed == ["references"]
    assert "FAILED" in run("check", law).stdout
    refused(run("check"))
    refused(run("check", "power_law", "--all"))


def test_runs_are_looked_over(runs_file):
    found = strict(run("runs", runs_file, "--law", "power_law", "--json").stdout)
    assert (found["rows"], found["family"]) == (60, "family")
    assert "60 runs" in run("runs", runs_file).stdout
    assert strict(run("runs", runs_file, "--where", "family == 'web'", "--json").stdout)["rows"] == 30


def test_a_fit_says_where_it_is_and_how_it_went(fitted):
    out, done = fitted
    answer = strict(done.stdout)
    assert answer["out"] == str(out)
    assert out.is_file()
    assert answer["diagnostics"]["converged"] is True
    assert answer["families"] == ["code", "web"]
    assert [note["severity"] for note in answer["notes"]] == [
        n.group(1) for n in re.finditer(r"^\[(\w+): [\w-]+\]", done.stderr, re.M)
    ]


def test_a_forecast_in_json_is_what_the_library_gives(fitted):
    from bayeslaw import forecast, load

    done = run("forecast", fitted[0], "--at", "C=1e21", "--at", "C=1e22", "--family", "web", "--json")
    answer = strict(done.stdout)
    assert answer == json.loads(json.dumps(forecast(load(fitted[0]), {"C": [1e21, 1e22]}, "web").as_dict()))
    assert {"law", "family", "level", "points", "diagnostics"} <= set(answer)
    assert {"at", "median", "lower", "upper", "quantiles", "parts", "extrapolation"} <= set(answer["points"][0])


def test_drift_can_be_left_out_and_that_is_said(fitted):
    far = ("--at", "C=1e23", "--family", "web")
    with_drift, without = (run("forecast", fitted[0], *far, *more) for more in ((), ("--no-drift",)))
    assert "Without drift" not in with_drift.stdout
    assert "Without drift" in without.stdout
    wide, narrow = (strict(run("forecast", fitted[0], *far, *more, "--json").stdout)["points"][0]
                    for more in ((), ("--no-drift",)))  # fmt: skip
    assert wide["upper"] - wide["lower"] > narrow["upper"] - narrow["lower"]
    assert wide["parts"]["drift"] > 0
    assert narrow["parts"]["drift"] is None


def test_several_fits_are_averaged(fitted):
    alone = strict(run("forecast", fitted[0], "--at", "C=1e21", "--family", "web", "--json").stdout)
    done = run("forecast", fitted[0], fitted[0], "--at", "C=1e21", "--family", "web", "--weights", "equal", "--json")
    answer = strict(done.stdout)
    assert answer.keys() == alone.keys()
    assert answer["weights"] == {"power_law 1": 0.5, "power_law 2": 0.5}
    assert answer["points"][0]["median"] == pytest.approx(alone["points"][0]["median"], rel=1e-3)
    assert answer["points"][0]["parts"]["law"] == 0.0
    text = run("forecast", fitted[0], fitted[0], "--at", "C=1e21").stdout
    assert "Weights: power_law 1 0.500, power_law 2 0.500." in text
    assert "Uncertainty: " in text
    said = refused(run("forecast", fitted[0], fitted[0], "--at", "C=1e21", "--weights", "eqal"))
    assert "did you mean 'equal'" in said


@pytest.mark.parametrize("family", ["new", "population", "family=web"])
def test_families_can_be_named_in_every_way(fitted, family):
    assert run("forecast", fitted[0], "--at", "C=1e21", "--family", family).exit_code == 0


def test_a_table_can_be_forecast_and_held_against_its_outcomes(fitted, runs_file):
    done = run("forecast", fitted[0], "--runs", runs_file, "--where", "flops > 5e19", "--level", 0.8)
    assert done.exit_code == 0
    assert re.search(r"\d+ of \d+ outcomes in the table lie inside", done.stdout)


def test_a_summary_has_a_row_a_parameter(fitted):
    assert {"E", "A", "alpha", "sigma"} <= {
        row["name"] for row in strict(run("summary", fitted[0], "--json").stdout)["parameters"]
    }
    assert "R-hat" in run("summary", fitted[0]).stdout


def test_evidence_in_json_is_what_the_library_gives(fitted):
    from bayeslaw import load, log_evidence

    with words.at_a_terminal():
        expected = log_evidence(load(fitted[0]), seed=3)
    answer = strict(run("evidence", fitted[0], "--seed", 3, "--json").stdout)
    assert answer == json.loads(json.dumps(expected.as_dict()))
    assert {"law", "log_evidence", "se", "notes", "converged", "opinions"} <= set(answer)
    assert run("evidence", fitted[0], "--seed", 3).stdout.strip() == str(expected)


@pytest.mark.parametrize("kind", ["forecast", "parameters", "residuals"])
def test_pictures_are_drawn(fitted, kind, tmp_path):
    out = tmp_path / "plot.png"
    done = run("plot", fitted[0], "--kind", kind, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"\x89PNG")
    assert strict(done.stdout)["out"] == str(out)
    assert list(tmp_path.iterdir()) == [out]


def test_a_fit_that_has_not_converged_is_saved_and_exits_with_1(runs_file, tmp_path):
    out = tmp_path / "fit.nc"
    done = run("fit", runs_file, *FITTING, "--draws", 20, "--no-patience", "--out", out, "--json")
    assert done.exit_code == 1
    assert "has not converged" in done.stderr
    assert "--allow-unconverged" not in done.stderr  # of which `fit` knows nothing
    assert strict(done.stdout)["diagnostics"]["converged"] is False
    said = run("fit", runs_file, *FITTING, "--draws", 20, "--no-patience", "--out", out).stdout
    assert "NOT converged" in said
    assert "bayeslaw summary" in said
    assert "bayeslaw forecast" not in said
    assert run("forecast", out, "--at", "C=1e21").exit_code == 1
    done = run("forecast", out, "--at", "C=1e21", "--allow-unconverged")
    assert done.exit_code == 0
    assert "The fit has not converged" in done.stdout


@pytest.fixture(scope="session")
def split(home):
    """A fit of parameters and tokens, to as many runs as are sampled by steps that cost little."""
    sizes, ratios = np.geomspace(1e8, 4e9, 25), (5, 20, 80)
    N, D = np.array([(n, n * m) for n in sizes for m in ratios]).T
    loss = 1.8 + 0.4 * (N / 1e9) ** -0.35 + 0.4 * (D / 2e10) ** -0.35
    noise = np.exp(0.003 * np.random.default_rng(2).standard_normal(len(N)))
    rows = [f"{n:.6g},{d:.6g},{y:.6f}" for n, d, y in zip(N, D, loss * noise, strict=True)]
    (home / "split.csv").write_text("\n".join(["n_params,n_tokens,loss", *rows]) + "\n", encoding="utf-8")
    out = home / "split.nc"
    done = run("fit", home / "split.csv", "--law", "chinchilla", "--draws", 500, "--warmup", 300, "--chains", 2,
               "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


def test_an_optimum_splits_its_budget(split, tmp_path):
    picture = tmp_path / "regret.png"
    done = run("optimum", split, "--budget", "C=1e22", "--level", 0.8, "--plot", picture, "--json")
    assert done.exit_code == 0, done.output
    found = strict(done.stdout)
    assert found["level"] == 0.8
    assert set(found["optimum"]) == {"N", "D"}
    # The truth: equal exponents, so N = (N0 / D0 / 6)**0.5 C**0.5.
    interval = found["optimum"]["N"]
    assert interval["lower"] < (1e22 / 6 / 20) ** 0.5 < interval["upper"]
    assert sum(row["probability_best"] for row in found["regret"]) == pytest.approx(1)
    assert found["outcome"]["lower"] < found["outcome"]["median"] < found["outcome"]["upper"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_optimum_of_a_cost_and_a_menu_of_ones_own(split):
    done = run("optimum", split, "--budget", "C=1e22,T=1e12", "--cost", "6*N*D + 2*N*T", "--over", "D,N",
               "--menu", "N=4e9", "--menu", "N=2e9,D=1e11", "--json")  # fmt: skip
    found = strict(done.stdout)
    assert [row["option"]["N"] for row in found["regret"]] == [4e9, 2e9]
    option = found["regret"][0]["option"]
    assert 6 * 4e9 * option["D"] + 2 * 4e9 * 1e12 == pytest.approx(1e22)
    assert "costs under 0.005 nat/token" in run("optimum", split, "--budget", "C=1e22").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--budget C=1e21"),
        (("--budget", "C"), "NAME=VALUE"),
        (("--budget", "C=many"), "--budget C=many: 'many' is not a number"),
        (("--budget", "C=1e99"), "out of reach"),
        (("--budget", "C=1e21", "--at", "Q=1"), "no input 'Q'"),
        (("--budget", "C=1e21", "--over", "N"), "needs 'D'"),
        (("--budget", "C=1e21", "--cost", "6*N*"), "cannot read this formula"),
        (("--budget", "C=1e21", "--cost", "6*N*D*x"), "'x' is neither an input"),
        (("--budget", "C=1e21", "--menu", "N=1e9"), "two options or more"),
        (("--budget", "C=1e21", "--plot", "regret.txt"), ".png"),
    ],
)
def test_an_optimum_that_cannot_be_is_one_sentence(split, arguments, said):
    assert said in refused(run("optimum", split, *arguments, "--json"))


SIXTY = ["1"] * 60


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"loss": None}, "'loss'"),
        ({"flops": None}, "'flops'"),
        ({"flops": ["1e18", "much"] * 30}, "flops"),
        ({"flops": ["1e18", "nan"] * 30}, "flops"),
        ({"flops": ["1e18", "inf"] * 30}, "flops"),
        ({"flops": ["1e18", "0"] * 30}, "flops"),
        ({"flops": ["1e18", "-1e18"] * 30}, "flops"),
        ({"flops": ["7", "70"] * 30}, "units"),
        ({"family": ["web"] * 60}, "one value"),
    ],
)
def test_a_table_that_cannot_be_fitted_costs_a_sentence(tmp_path, changed, said):
    path, out = table(tmp_path / "runs.csv", **changed), tmp_path / "fit.nc"
    assert said in refused(run("fit", path, *FITTING, "--out", out))
    assert not out.exists()


def test_fewer_runs_than_parameters_are_refused(tmp_path):
    said = refused(run("fit", table(tmp_path / "runs.csv", 4), "--law", "power_law", "--out", tmp_path / "fit.nc"))
    assert "4" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--law", "power_lw"), "did you mean 'power_law'"),
        (("--pool", "alpa=complete"), "did you mean 'alpha'"),
        (("--pool", "alpha"), "'alpha' is not of the form NAME=VALUE, such as alpha=partial:family."),
        (("--pool", "alpha=partal"), "did you mean 'partial'; pool alpha is complete, none, partial or partial:COLUMN"),
        (("--prior", "alpa=HalfNormal(1)"), "did you mean 'alpha'"),
        (("--prior", "alpha=HalfNormal(1e999)"), "--prior alpha:1:12: this constant is not a finite number"),
        (("--family", "familly"), "did you mean 'family'"),
        (("--family", "FAMLY"), "did you mean 'family'"),
        (("--where", ""), "the condition is empty; write one such as"),
        (("--where", "flops = 2e19"), "'=' assigns; compare with '=='"),
        (("--where", "flops / 0 > 1"), "it compares what is not a finite number in rows 2, 3, 4 and 57 more"),
        (("--where", "flops >"), "flops"),
        (("--where", "flop > 1"), "did you mean 'flops'"),
        (("--where", "__import__('os')"), "__import__"),
        (("--columns", "loss=los"), "did you mean 'loss'"),
        (("--units", "flops=many"), "flops"),
        (("--units", "flops=1e18"), "it was multiplied by 1e18 as units say: leave 'flops' out of --units."),
        (("--group-effect", "batch"), "no column 'batch' whose runs could err together (--group-effect)"),
        (("--noise-growth", "N"), "'N'"),
    ],
)
def test_options_that_mean_nothing_cost_a_sentence(runs_file, tmp_path, options, said):
    out = tmp_path / "fit.nc"
    assert said in refused(run("fit", runs_file, "--law", "power_law", *options, "--out", out))
    assert not out.exists()


@pytest.mark.parametrize(
    "text",
    [
        'formula = "E + "',
        "formula = ",
        'formula = "E + nothing"',
        'formula = "9**9**9**9"',
        f'formula = "{"(" * 200}1{")" * 200}"',
        f"# {'x' * 1_000_000}",
        "\x00\xff",
    ],
)
def test_law_files_that_cannot_be_read_cost_a_sentence(tmp_path, text):
    law = tmp_path / "mine.toml"
    law.write_bytes(text.encode("latin-1"))
    assert "mine.toml" in refused(run("check", law))
    assert "mine.toml" in refused(run("show", law))


def test_planned_runs_are_read_in_the_units_of_their_table(fitted, tmp_path):
    """What the message about the unit suggests is what the command takes."""
    planned = tmp_path / "planned.csv"
    planned.write_text("C,family\n1000,web\n", encoding="utf-8")
    assert "--units flops=1e18" in refused(run("forecast", fitted[0], "--runs", planned))
    done = run("forecast", fitted[0], "--runs", planned, "--units", "flops=1e18", "--json")
    assert strict(done.stdout)["points"][0]["at"] == {"C": 1e21}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--at", ""), "--at: '' is not of the form NAME=VALUE, such as N=7e10"),
        (("--at", "c=1e21"), "did you mean 'C'"),
        (("--at", "C=1e21", "--family", "WEB"), "did you mean 'web'"),
        (("--at", "C=1e21", "--plot", "nowhere/forecast.png"), "choose another --plot."),
        (("--at", "C=1e21", "--family", "wab"), "did you mean 'web'"),
        (("--at", "N=1e21"), "no input 'N'"),
        (("--at", "C"), "NAME=VALUE"),
        (("--at", "C=much"), "not a number"),
        (("--at", "C=nan"), "not a number"),
        (("--at", "C=-1"), "'C' is -1 in point 1"),
        (("--at", "C=10"), "in units of 1e18 or in units of 1e21? Write C="),
        (("--at", "C=1e21", "--units", "flops=1e18"), "--runs FILE, which is not given"),
        (("--at", "C=1e21,C=1e22"), "twice"),
        (("--at", "C=1e21", "--level", "90"), "level"),
        (("--at", "C=1e21", "--plot", "plot.doc"), ".png"),
        (("--at", "C=1e21", "--weights", "equal"), "one fit only"),
        ((), "--at"),
    ],
)
def test_questions_that_cannot_be_answered_cost_a_sentence(fitted, options, said):
    assert said in refused(run("forecast", fitted[0], *options))


def test_a_level_is_shown_with_its_digits(fitted):
    assert "(99.9999 % interval)" in run("forecast", fitted[0], "--at", "C=1e21", "--level", 0.999999).stdout


def test_a_fit_without_families_has_no_new_one(split):
    """Its intervals hold no uncertainty about the family, so they are not those of a new one."""
    said = refused(run("forecast", split, "--at", "N=1e10,D=1e12", "--family", "new"))
    assert "the fit has no families, so it knows no family 'new'; leave it out" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fit", "runs.csv", "--law", "kaplan", "--out", "f.nc", "--seed", "x"), "'--seed': 'x' is not a whole number"),
        (("compare", "runs.csv"), "missing option '--laws'; `bayeslaw compare --help` lists what there is."),
        (
            ("fit", "runs.csv", "--warmp", 3),
            "no such option '--warmp'; did you mean '--warmup'? `bayeslaw fit --help`",
        ),
        (
            ("show", "kaplan", "--prio", "x"),
            "no such option '--prio'; did you mean one of: '--prior', '--priors'? `bayeslaw show --help`",
        ),
        (("forecast", "f.nc", "--at", "N=1", "--level", "abc"), "'--level': 'abc' is not a number"),
        (("plot", "f.nc", "--kind", "pie", "--out", "a.png"), "'--kind': 'pie' is not one of 'forecast', 'parameters'"),
        (("evidence", "f.nc", "--seed", -1), "'--seed': -1 is not in the range"),
        (("fti",), "no such command 'fti'; did you mean 'fit'?"),
        (("--verison",), "did you mean '--version'?"),
    ],
)
def test_misuse_costs_one_sentence_too(arguments, said):
    told = refused(run(*arguments))
    assert said in told
    assert told.count("\n") == 1


def test_a_threshold_is_one_object_with_what_it_promises(fitted, tmp_path):
    asked = ("threshold", fitted[0], "--crosses", 2.2, "--along", "flops", "--family", "web", "--level", 0.8)
    picture = tmp_path / "threshold.png"
    done = run(*asked, "--plot", picture, "--json")
    assert done.exit_code == 0, done.output
    found = strict(done.stdout)
    assert {"threshold", "level", "outcome", "probability_not_within_reach", "notes", "converged"} <= found.keys()
    scale = found["threshold"]["C"]
    # The runs were made with a loss of 1.8 + 0.6 (C / 1e19)**-0.15.
    assert scale["lower"] < 1e19 * (0.6 / 0.4) ** (1 / 0.15) < scale["upper"]
    assert (found["level"], found["outcome"]) == (0.8, {"name": "loss", "crosses": 2.2})
    assert picture.stat().st_size > 10_000
    said = re.search(r"at C = ([0-9.e+]+) ", run(*asked).stdout)
    assert said
    assert float(said[1]) == pytest.approx(scale["median"], rel=0.01)


def test_a_threshold_out_of_reach_has_no_number(fitted):
    found = strict(run("threshold", fitted[0], "--crosses", 0.5, "--family", "web", "--no-drift", "--json").stdout)
    nothing = {"lower": None, "upper": None}
    assert found["threshold"]["C"] == {"median": None, **nothing, "intervals": {"0.9": nothing}}
    assert found["probability_not_within_reach"] == 1.0


@pytest.fixture(scope="module")
def score(tmp_path_factory) -> Path:
    """A score by the loss: of 2.8 down, 1 - exp(-1.2 (2.8 - loss)) of the answers are right."""
    loss = np.linspace(1.5, 3.0, 30)
    right = np.random.default_rng(2).binomial(1000, -np.expm1(-1.2 * np.maximum(2.8 - loss, 0)))
    law = bl.law("loss_threshold").with_priors(chance="Constant(0.001)", w="Constant(0.02)", kappa="Constant(1000)")
    runs = {"loss": loss, "n_correct": right, "n_trials": np.full(30, 1000)}
    return bl.fit(law, runs).save(tmp_path_factory.mktemp("score") / "task.nc")


def test_a_score_is_reached_through_the_loss(fitted, score):
    """Both fits are named, and the value is the score's."""
    asked = ("--through", score, "--crosses", 0.5, "--family", "web", "--json")
    found = strict(run("threshold", fitted[0], *asked, "--no-drift").stdout)
    assert found["outcome"]["through"] == {"name": "n_correct per trial", "crosses": 0.5}
    # Half of the answers are right at a loss of 2.8 - log(2) / 1.2, which the runs' 1.8 + 0.6 (C / 1e19)**-0.15 has at
    # 1.04e20.
    place = 1e19 * (0.6 / (1.0 - np.log(2) / 1.2)) ** (1 / 0.15)
    assert found["threshold"]["C"]["lower"] < place < found["threshold"]["C"]["upper"]
    # Where the loss and the score drift, the upper end lies further away, perhaps at no compute.
    drifting = strict(run("threshold", fitted[0], *asked).stdout)["threshold"]["C"]
    assert drifting["lower"] < place
    assert drifting["upper"] is None or drifting["upper"] > found["threshold"]["C"]["upper"]
    assert "no input 'n_correct'" in refused(run("threshold", score, "--through", fitted[0], "--crosses", 2.2))


def test_a_score_is_forecast_through_the_loss(fitted, score, tmp_path):
    """The points go to the law of the loss, but for what the law of the score alone reads."""
    asked = ("--through", score, "--at", "C=1e20,n=1000", "--at", "C=1e21,n=1000", "--family", "web")
    found = strict(run("forecast", fitted[0], *asked, "--json").stdout)
    assert found["outcome"] == "n_correct"
    # The runs' loss is 1.8 + 0.6 (C / 1e19)**-0.15.
    for point, compute in zip(found["points"], (1e20, 1e21), strict=True):
        share = -np.expm1(-1.2 * (2.8 - 1.8 - 0.6 * (compute / 1e19) ** -0.15))
        assert point["mean"]["lower"] < share < point["mean"]["upper"]
        assert point["at"]["C"] == compute
        assert point["parts"]["input"] > 0
    assert "needs 'n'" in refused(run("forecast", fitted[0], *asked[:2], "--at", "C=1e20"))
    assert "--through takes --at" in refused(run("forecast", fitted[0], *asked[:4], "--plot", tmp_path / "a.png"))
    assert "no input 'n_correct'" in refused(run("forecast", score, "--through", fitted[0], "--at", "L=2,n=1000"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--crosses", "half"), "is not a number"),
        (("--crosses", 30), "between 0.1 and 20"),
        (("--crosses", 2.2, "--along", "N"), "no input 'N'"),
        (("--crosses", 2.2, "--at", "C=1e20"), "is the axis of the question"),
        (("--crosses", 2.2, "--family", "wab"), "did you mean 'web'"),
        (("--crosses", 2.2, "--plot", "plot.doc"), ".png"),
    ],
)
def test_thresholds_that_cannot_be_sought_cost_a_sentence(fitted, options, said):
    assert said in refused(run("threshold", fitted[0], *options))


def test_files_that_are_not_fits_cost_a_sentence(fitted, runs_file, tmp_path):
    whole = fitted[0].read_bytes()
    truncated, damaged = tmp_path / "truncated.nc", tmp_path / "damaged.nc"
    truncated.write_bytes(whole[: len(whole) // 2])
    damaged.write_bytes(whole[:1000] + bytes(2000) + whole[3000:])
    for path in (truncated, damaged, runs_file, tmp_path / "none.nc", tmp_path):
        assert str(path) in refused(run("forecast", path, "--at", "C=1e21"))
        assert str(path) in refused(run("summary", path))
        assert not re.search("Error[)]", refused(run("summary", path)))
    assert "is a folder" in refused(run("summary", tmp_path))


def test_a_result_that_cannot_be_written_is_refused_before_the_work(runs_file, tmp_path, monkeypatch):
    monkeypatch.setattr("bayeslaw.cli.sampling.sample", lambda *a, **k: pytest.fail("sampled"))
    for out in (tmp_path / "none" / "fit.nc", tmp_path, Path("/proc/fit.nc"), runs_file, tmp_path / ("x" * 300)):
        said = refused(run("fit", runs_file, *FITTING, "--out", out))
        assert re.search("cannot write here|is a folder|is the file that is read", said)
    assert list(tmp_path.iterdir()) == []


def test_a_file_survives_what_fails_after_it_was_named(fitted, runs_file, tmp_path, monkeypatch):
    out = tmp_path / "fit.nc"
    shutil.copy(fitted[0], out)

    def interrupted(*args, **how):
        raise KeyboardInterrupt

    refused(run("fit", runs_file, "--law", "chinchilla", "--out", out))
    monkeypatch.setattr("bayeslaw.cli.sampling.sample", interrupted)
    done = run("fit", runs_file, *FITTING, "--out", out)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (130, "Interrupted.")
    assert out.read_bytes() == fitted[0].read_bytes()
    assert list(tmp_path.iterdir()) == [out]


def test_only_a_fit_is_replaced_by_a_fit(runs_file, tmp_path, monkeypatch):
    monkeypatch.setattr("bayeslaw.cli.sampling.sample", lambda *a, **k: pytest.fail("sampled"))
    monkeypatch.chdir(tmp_path)
    out = Path("fit.nc")
    out.write_text("precious", encoding="utf-8")
    for asked in ((), ("--out", out)):
        assert "fit.nc: is not a saved fit, so it is not replaced" in refused(run("fit", runs_file, *FITTING, *asked))
    assert out.read_text(encoding="utf-8") == "precious"


def test_results_have_names_of_their_own_where_none_is_given(fitted, runs_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bayeslaw.cli.sampling.sample", lambda *a, **k: (bl.load(fitted[0]), 0.0))
    assert strict(run("fit", runs_file, *FITTING, "--json").stdout)["out"] == "fit.nc"
    assert strict(run("plot", "fit.nc", "--kind", "parameters", "--json").stdout)["out"] == "parameters.png"
    assert {path.name for path in tmp_path.iterdir()} == {"fit.nc", "parameters.png"}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="cannot write here"):
        check_writable(str(tmp_path / "fit.nc"))


def test_exit_codes_are_those_of_the_process(tmp_path):
    for args, code in ((["laws"], 0), (["show", "chinchila"], 2), (["nothing"], 2), (["fit", "runs.csv"], 2)):
        command = [sys.executable, "-m", "bayeslaw", *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S603
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not README.is_file(), reason="no source tree")
def test_the_readme_has_its_two_commands_once_each():
    found = re.findall(r"pip install uv && uv run [^`\n]*", README.read_text(encoding="utf-8"))
    assert found == ["pip install uv && uv run bayeslaw demo", "pip install uv && uv run pytest"]


# --- published values ---------------------------------------------------------------------------------------------

REFIT = "chinchilla:besiroglu2024chinchilla"


@pytest.mark.parametrize(
    "command",
    [
        ("forecast", REFIT, "--at", "N=70B,D=1.4T"),
        ("risk", REFIT, "--at", "N=70B,D=1.4T", "--above", "1.9"),
        ("threshold", REFIT, "--crosses", "2"),
        ("optimum", REFIT, "--budget", "C=1e23"),
        ("plot", REFIT),
        ("forecast", "repeated_data", "--at", "N=8.7e9,D=178e9,U=2.5428571e10"),
        ("forecast", REFIT, "--at", "N=7e9,D=1e12", "--through", "downstream_error:gadre2024language_c4"),
        ("forecast", REFIT, "chinchilla:hoffmann2022training", "--at", "N=70B,D=1.4T"),
    ],
)
def test_published_values_are_asked_like_fits(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*command, "--json")
    assert done.exit_code == 0, done.stderr
    found = strict(done.stdout)
    assert {note["code"] for note in found["notes"]} == {"published", "no-errors"}
    assert found["converged"] is True
    if command[0] == "forecast" and len(command) == 4:
        expected = 1.97342 if command[1] == REFIT else 2.22608
        assert found["points"][0]["median"] == pytest.approx(expected, abs=1e-5)
    assert "no-errors" in run(*command).output or command[0] == "plot"


def test_what_was_published_is_shown_by_source():
    (shown,) = strict(run("show", "step_law:li2025predictable_bootstrap", "--json").stdout)["published"]["values"]
    assert shown["errors"] == {
        "lr_intercept": 0.623, "lr_N": 0.03, "lr_D": 0.019, "batch_intercept": 0.437, "batch_D": 0.019,
    }  # fmt: skip
    page = run("show", "step_law:li2025predictable_bootstrap").stdout
    assert "errors: lr_intercept 0.623" in page
    assert "li2025predictable:" not in page
    assert len(strict(run("show", "step_law", "--json").stdout)["published"]["values"]) == 2


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("forecast", "chinchilla", "--at", "N=7e9,D=1e12"), "name one: chinchilla:hoffmann2022training, chinchilla:b"),
        (("forecast", "chinchila", "--at", "N=7e9,D=1e12"), "no such file, and no law of that name; did you mean 'chi"),
        (("optimum", "chinchila:x", "--budget", "C=1e23"), "there is no law 'chinchila'; did you mean 'chinchilla'"),
        (("threshold", "chinchilla:hoffmann2022", "--crosses", "2"), "did you mean 'hoffmann2022training'"),
        (("risk", "passuntil", "--at", "N=7e9", "--below", "1"), "law 'passuntil' has no published values"),
        (("show", "chinchilla:besi"), "no published values of 'besi'; choose chinchilla:hoffmann2022training"),
        (("forecast", "fit.nc", "--at", "N=7e9"), "fit.nc: there is no such file; `bayeslaw fit"),
        (("plot", REFIT, "--kind", "residuals"), "a picture of residuals needs a fit"),
        (("summary", REFIT), "there is no such file"),
        (("forecast", REFIT, "--at", "N=7e9,D=1e12", "--no-drift", "--family", "c4"), "the fit has no families"),
        (("fit", "RUNS", "--law", "coupled", "--priors", REFIT), "are values of law 'chinchilla', and the law here is"),
    ],
)  # fmt: skip
def test_published_values_that_are_not_there_cost_a_sentence(command, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "RUNS.csv")
    command = tuple("RUNS.csv" if word == "RUNS" else word for word in command)
    assert sentence in refused(run(*command))
    assert [path.name for path in tmp_path.iterdir()] == ["RUNS.csv"]
