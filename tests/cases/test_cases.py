"""The small tables of ../shared/cases, as a user types them: what comes out beside what should."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.errors import QuestionError
from bayeslaw.runs import observations

CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.fixture(autouse=True)
def cases_beside_this_checkout() -> None:
    """Without them tests are skipped, and fail where nothing may be missing."""
    if not CASES.is_dir():
        pytest.skip("the cases (../shared/cases) are not beside this checkout")


CHINCHILLA, ISOFLOP, POWER_LAW = (("--law", name) for name in ("chinchilla", "isoflop", "power_law"))
NONE = ()
FAIL, LOOK, PASS = "FAIL", "LOOK", "PASS"

# The file, the options of `runs`, its verdict, the ranges of columns, and what the notes say, by their codes.
TABLES = [
    ("01-noise-free.csv", CHINCHILLA, FAIL, {}, {
        "unusable": "the runs lie on the law to 16 digits, as the output of a formula does"}),
    ("01b-noise-free-12-digits.csv", CHINCHILLA, FAIL, {}, {"unusable": "the runs lie on the law to 13 digits"}),
    ("01c-noise-free-4-digits.csv", CHINCHILLA, PASS, {"loss": (3.351, 6.044)}, {}),
    ("03-three-points.csv", POWER_LAW, FAIL, {}, {"unusable": '--prior "E=Constant(1.7)" --prior "nu=Constant(16.8)"'}),
    ("04-wide-wandb.csv", NONE, FAIL, {}, {"unusable": "the table is wide, one column a run (3 of them: "}),
    ("04-wide-wandb.csv", CHINCHILLA, FAIL, {}, {"unusable": "the table is wide, one column a run (3 of them: "}),
    ("06-dominated-run.csv", CHINCHILLA, LOOK, {}, {
        "collinear": "n_params and n_tokens rise together",
        "dominated": "row 10 ('150M', 3.31) is worse than rows 8 and 9"}),
    ("07-mse.csv", CHINCHILLA, FAIL, {}, {
        "unusable": "fit a multiple of it, which has the same exponents: --units loss="}),
    ("07-mse.csv", (*CHINCHILLA, "--units", "loss=100"), PASS, {"loss": (1.023, 1.059)}, {}),
    ("08-deepening-bowls.csv", ISOFLOP, LOOK, {}, {"shared-budget": "39 runs lie on 7 compute budgets"}),
    ("09-units-in-header.csv", (*POWER_LAW, "--columns", "flops=FLOPs (1E21)", "--columns", "loss=error"), LOOK,
     {"flops": (1.4e20, 6.1e24)}, {"share": "'error' (loss) is a share of wrong answers by its name"}),
    ("09-units-in-header.csv", (
        *POWER_LAW, "--columns", "flops=FLOPs (1E21),loss=error", "--where", "FLOPs (1E21) > 5"), LOOK,
     {"flops": (7.5e21, 6.1e24)}, {"share": "downstream_error"}),
    ("10-score-as-loss.csv", (*POWER_LAW, "--columns", "loss=HellaSwag"), LOOK, {}, {
        "rises-with-scale": "rises with flops over 7 rows, so it looks like a score"}),
    ("11-perplexity.csv", (*CHINCHILLA, "--columns", "loss=perplexity"), FAIL, {}, {
        "unusable": '--columns "loss=log(perplexity)"'}),
    ("11-perplexity.csv", (*CHINCHILLA, "--columns", "loss=log(perplexity)"), LOOK, {"loss": (1.902, 2.518)}, {}),
    ("12-small-token-counts.csv", CHINCHILLA, LOOK, {"n_tokens": (252_500, 1_010_000)}, {
        "outside-range": "it is taken as it is"}),
    ("13-run-name-and-id.csv", CHINCHILLA, PASS, {"n_tokens": (4.1e8, 6e9)}, {}),
    ("14-seeds.csv", CHINCHILLA, LOOK, {}, {
        "collinear": "rise together", "seeds": "12 rows are 4 configurations, 3 each (column seed tells them apart)"}),
    ("15-nested.jsonl", CHINCHILLA, FAIL, {"n_params": (1.9e6, 5.6e6), "n_tokens": (2e7, 9e7), "loss": (2.8, 3.9)}, {
        "columns-taken": "n_params is 'config.n_params'"}),
    ("16-two-header-lines.csv", CHINCHILLA, FAIL, {"n_params": (1.9e6, 5.6e6), "loss": (2.8, 3.9)}, {}),
    ("17-array.json", CHINCHILLA, FAIL, {"n_params": (1.9e6, 5.6e6)}, {}),
    ("18-semicolon-decimal-comma.csv", CHINCHILLA, FAIL, {"loss": (3.22, 3.91)}, {}),
    ("19-diverged.csv", NONE, FAIL, {}, {
        "diverged": "Row 5 ('large', 1.75) is worse than rows 2, 3, 4 (3.5 times the loss)",
        "unusable": "5 runs cannot determine"}),
    ("19-diverged.csv", (*POWER_LAW, "--columns", "flops=n_params"), FAIL, {}, {
        "unusable": "leave 'flops' out of --columns and take --along n_params"}),
    ("19-diverged.csv", (*POWER_LAW, "--along", "n_params", "--where", "loss < 1.75"), FAIL,
     {"n_params": (1.4e6, 1.25e7)}, {"unusable": "3 runs cannot determine the 5 free parameters"}),
    ("20-tensorboard.csv", (*POWER_LAW, "--columns", "flops=Step", "--columns", "loss=Value"), FAIL, {}, {
        "unusable": "in millions, in billions, in trillions, in units of 1e15 or in units of 1e18?"}),
    ("20-tensorboard.csv", (*POWER_LAW, "--columns", "flops=Step,loss=Value", "--units", "flops=1e9"), PASS,
     {"flops": (1e17, 4e18)}, {}),
    ("21-two-inputs-missing.csv", CHINCHILLA, FAIL, {}, {
        "unusable": "--columns n_params=its-name --columns loss=final"}),
    ("22-flops-not-6nd.csv", CHINCHILLA, LOOK, {}, {
        "compute-count": "Column flops is 0.328 (0.3266 to 0.3281) of 6 n_params n_tokens; in all 8 rows"}),
    ("23-same-run-twice.csv", ISOFLOP, FAIL, {}, {
        "copied-run": "Rows 2 and 3 agree in n_params, flops, loss to all digits"}),
    ("24-size-label-beside-count.csv", CHINCHILLA, FAIL, {"n_params": (157_600_000, 382_600_000)}, {}),
    *(("25-names-with-spaces-and-slashes.csv", (*CHINCHILLA, "--columns", "loss=val/loss", "--where", condition), FAIL,
       {}, {"unusable": f"{rows} runs cannot determine"})
      for condition, rows in [("val/loss < 5", 5), ("loss < 5", 5), ("lr schedule == 'cosine'", 4)]),
    ("25-names-with-spaces-and-slashes.csv", (*CHINCHILLA, "--columns", "loss=val/loss,schedule=lr schedule"), LOOK,
     {}, {
        "mixed": "Column schedule has 2 values"}),
    ("26-size-strings.csv", CHINCHILLA, PASS, {"n_params": (1.25e8, 1.3e9), "n_tokens": (2.6e9, 1.2e12)}, {}),
    ("27-percent-strings.csv", (*POWER_LAW, "--columns", "loss=error"), LOOK, {"loss": (0.348, 0.894)}, {
        "share": "downstream_error"}),
    ("28-utf16.csv", CHINCHILLA, PASS,
     {"n_params": (2e6, 2.1e7), "n_tokens": (2e7, 5e8), "loss": (4.6448, 8.4392)}, {}),
    ("29-two-recipes.csv", (*POWER_LAW, "--family", "recipe"), LOOK, {}, {
        "stand-in": "recipe has a group called 'new'", "few-groups": "2 groups"}),
    ("30-best-sizes-three-families.csv", (*ISOFLOP, "--family", "counting"), FAIL, {}, {
        "unusable": "(--law optimum_power --columns best_size=n_params)"}),
    ("30-best-sizes-three-families.csv",
     ("--law", "optimum_power", "--columns", "best_size=n_params", "--family", "counting"), LOOK,
     {"best_size": (8.241e7, 1.03e9)}, {}),
    ("31-rate-changes-within-a-run.csv", POWER_LAW, LOOK, {}, {
        "rate-changes": "The learning rate falls from 0.001 to 0.0001 along the run"}),
    ("32-embeddings-counted-or-not.csv", CHINCHILLA, LOOK, {}, {
        "another-count": "embeddings are 80 % of the smallest model and 31 % of the largest"}),
    ("33-one-sided-bowls.csv", ISOFLOP, LOOK, {}, {"edge-minimum": "In 4 of 4 budgets the largest size is the best"}),
    ("34-restarts-with-nan.csv", CHINCHILLA, FAIL, {}, {
        "restarts": "4 rows without loss (rows 11, 12, 13 and 1 more) are earlier attempts of 'd512-60'"}),
    ("34-restarts-with-nan.csv", (*CHINCHILLA, "--where", "loss is known"), PASS, {"loss": (3.402, 6.989)}, {}),
    ("35-another-recipe.csv", CHINCHILLA, LOOK, {}, {"outlier": "row 12 ('run-10', 3.219)"}),
    ("36-thousands-separators.csv", CHINCHILLA, LOOK,
     {"n_params": (80_263_112, 381_950_720), "n_tokens": (1_232_077_312, 3_885_498_368)}, {}),
    ("37-dotted-names-and-a-crash.csv", CHINCHILLA, FAIL, {"n_params": (1.83e6, 2.09e7), "n_tokens": (2e7, 5e8)}, {
        "missing-cells": "Column loss is empty in 1 row of 9 (row 6, State 'crashed')",
        "columns-taken": "n_tokens is 'summary.tokens_seen'"}),
]  # fmt: skip
# What must not be said: the wrong notes of these tables.
NOT_SAID = {
    "04-wide-wandb.csv": "checkpoints", "14-seeds.csv": "checkpoints", "34-restarts-with-nan.csv": "checkpoints",
    "20-tensorboard.csv": "outlier",
}  # fmt: skip


def run(*arguments):
    done = CliRunner().invoke(commands, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.mark.parametrize(("name", "options", "verdict", "ranges", "said"), TABLES)
def test_a_table_is_read_and_its_trouble_said(name, options, verdict, ranges, said):
    found = json.loads(run("runs", str(CASES / name), *options, "--json").output)
    notes = {note["code"]: f"{note['text']} {note['remedy']}" for note in reversed(found["notes"])}
    assert found["verdict"] == verdict, notes
    shown = {each["name"]: (each["low"], each["high"]) for each in found["ranges"]}
    for column, (low, high) in ranges.items():
        assert shown[column] == (pytest.approx(low, rel=3e-4), pytest.approx(high, rel=3e-4))
    for code, words in said.items():
        assert words in notes[code]
    assert NOT_SAID.get(name) not in notes


def test_every_table_has_a_row():
    tested = {name for name, *_ in TABLES} | {"05-seven-minima.csv"}  # of which a back-test is asked
    assert tested == {path.name for path in CASES.iterdir()} - {"README.md"}


@pytest.mark.parametrize(("asked", "number"), [
    ("forecast chinchilla:hoffmann2022training --at N=7e10,D=1.4e12", "1.92"),
    ("optimum chinchilla:hoffmann2022training --budget C=5.76e23", "40.3B"),
    ("forecast repeated_data --at N=8.7e9,D=1.78e11,U=2.542857e10", "2.226"),
])  # fmt: skip
def test_a_published_law_answers_without_runs(asked, number):
    assert number in run(*asked.split()).output
    if "hoffmann" in asked:
        unnamed = run(*asked.replace(":hoffmann2022training", "").split())
        assert "name one: chinchilla:hoffmann2022training" in unnamed.output


def test_a_backtest_goes_on_where_few_runs_are_seen():
    runs = bl.read_runs(CASES / "05-seven-minima.csv")
    with pytest.raises(QuestionError, match="no origin sees more than 1; see more of the runs"):
        bl.backtest(["power_law"], runs, origins=[0.001])


def test_a_rate_that_rises_at_the_start_is_counted_as_the_peak():
    runs = bl.read_runs(CASES / "31-rate-changes-within-a-run.csv")
    annealing = observations.inputs(runs, bl.law("lr_annealing"))["M"]
    assert (annealing.min(), annealing.max()) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.772, abs=2e-3))


@pytest.mark.parametrize(("options", "alpha"), [({}, 0.689), ({"columns": {"n_params": "params_no_embedding"}}, 0.322)])
def test_the_exponent_of_either_count_of_parameters(options, alpha):
    runs = bl.read_runs(CASES / "32-embeddings-counted-or-not.csv", **options)
    assert bl.posterior_mode("chinchilla", runs)["alpha"] == pytest.approx(alpha, abs=0.03)


def test_bowls_may_deepen():
    mode = bl.posterior_mode("isoflop", bl.read_runs(CASES / "08-deepening-bowls.csv"))
    assert 0.74 < mode["a"] < 0.80
    best = mode["N_best"] * (1e21 / bl.law("isoflop").references["C0"]) ** mode["a"]
    assert 1.15e9 < best < 1.35e9


def test_the_runs_of_a_formula_give_its_optimum():
    mode = bl.posterior_mode("chinchilla", bl.read_runs(CASES / "01c-noise-free-4-digits.csv"))
    assert [mode[name] for name in ("E", "alpha", "beta")] == pytest.approx([2.41, 0.33, 0.37], rel=5e-3)
    assert np.isfinite(mode["A"])
