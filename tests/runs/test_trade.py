"""Notes that know the trade: what people bring, as the smallest table that shows it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayeslaw.ask.auto.choice import choose
from bayeslaw.errors import PoolingError, RunsError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.language.catalogue import law
from bayeslaw.language.files import entries
from bayeslaw.note import Note
from bayeslaw.runs.faults.enough import HELD_FIRST, check_bowls, check_enough
from bayeslaw.runs.notes.score import LAWS_OF_SCORES
from bayeslaw.runs.observations import check_columns
from bayeslaw.runs.ranges import LEAST
from bayeslaw.runs.table import Runs, read_runs
from bayeslaw.words import at_a_terminal

CHINCHILLA = law("chinchilla")


def table(text: str, **reading) -> Runs:
    """A table from its lines, such as ``n_params loss | 1e9 3 | 2e9 2``."""
    header, *rows = (line.split() for line in text.split("|"))
    cells = list(zip(*rows, strict=True))

    def column(values):
        try:
            return [float(value) for value in values]
        except ValueError:
            return ["" if value == "-" else value for value in values]

    return read_runs({name: column(values) for name, values in zip(header, cells, strict=True)}, **reading)


def noted(runs: Runs, law=CHINCHILLA, **options) -> dict[str, Note]:
    return {note.code: note for note in runs.summary(law, **options).notes}


DOMINATED = table(
    "run_name n_params n_tokens val_loss | 3M 6.6e6 1.3e8 6.05 | 6M 1.02e7 2.05e8 5.28 | 10M 1.38e7 2.8e8 4.9 |"
    "17M 2.2e7 4.4e8 4.02 | 30M 3.2e7 6.5e8 3.37 | 50M 5.3e7 1.07e9 3.48 | 80M 8.4e7 1.67e9 3.08 |"
    "110M 1.24e8 2.5e9 2.77 | 150M 1.63e8 3.3e9 3.31"
)
DIVERGED = table(
    "model n_params n_tokens val_loss | tiny 1.4e6 3e7 .6 | small 3.5e6 3e7 .5 | medium 1.25e7 3e7 .51 |"
    "large 3.4e7 3e7 1.75 | xl 8.9e7 3e7 2.4"
)
SEEDS = "run_name seed n_params n_tokens val_loss" + "".join(
    f" | size{i} {seed} {n:g} {20 * n:g} {loss}"
    for i, (n, losses) in enumerate({
        2e6: (4.01, 4.018, 4.006), 6e6: (3.512, 3.52, 3.528), 2e7: (3.134, 3.122, 3.13), 6e7: (2.826, 2.834, 2.822)
    }.items())
    for seed, loss in zip((11, 12, 13), losses, strict=True)
)  # fmt: skip
RESTARTS = "run_name step n_params n_tokens val_loss" + "".join(
    f" | d{i} {step} {n} {d} {loss}"
    for i, step, n, d, loss in [
        (0, 976, 3.2e6, 6.4e7, 6.9), (1, 2929, 3.2e6, 1.92e8, 6.2), (2, 3234, 1.06e7, 2.1e8, 5.4),
        (3, 9, 2.5e7, 6e7, "nan"),
        (3, 114, 2.5e7, 7e7, "nan"), (3, 9704, 2.5e7, 6.4e8, 4.5), (4, 9999, 4.9e7, 9.8e8, 4.04),
    ]
)  # fmt: skip
SCORES = "model flops HellaSwag | a 1.5e20 .31 | b 9e20 .39 | c 4.2e21 .47 | d 2.6e22 .57 | e 1.1e23 .66 | f 6.5e23 .74"
COPY = table(
    "run_name flops n_params loss | a 1.001e19 1.7e8 2.5191736 | b 1.001e19 1.7e8 2.5191736 | c 1e19 9e7 2.53 |"
    "d 1e19 3e8 2.54 | e 3e18 1.7e8 2.62 | f 3e18 9e7 2.6 | g 3e18 5e7 2.61"
)


def test_a_run_that_is_worse_than_a_smaller_and_shorter_one_is_named():
    note = noted(DOMINATED)["dominated"]
    assert "row 9 ('150M', 3.31) is worse than rows 7 and 8" in note.text
    assert "Row 6 ('50M', 3.48) is worse than row 5" in note.text
    assert "where(\"run != '50M' and run != '150M'\")" in note.remedy
    assert "collinear" in noted(DOMINATED)


def test_diverged_runs_are_named_among_five():
    note = noted(DIVERGED, None)["diverged"]
    assert "Row 4 ('large', 1.75)" in note.text
    assert "row 5 ('xl', 2.4)" in note.text
    assert "4.8 times the loss" in note.text
    assert 'where("loss < 1.75")' in note.remedy


def test_a_flat_end_and_seeds_are_no_divergence():
    flat = DIVERGED.with_columns({"loss": np.array([0.55, 0.51, 0.50, 0.48, 0.49])})
    assert not {"diverged", "dominated"} & {*noted(flat, None)}
    assert not {"diverged", "dominated"} & {*noted(table(SEEDS))}


def test_runs_of_another_recipe_are_not_compared():
    runs = table(
        "n_params n_tokens learning_rate loss | 1e8 1e9 1e-3 3.4 | 1e8 1e9 1e-2 3.8 | 1e9 1e9 1e-3 3.1 |"
        "1e9 1e9 1e-2 3.6 | 1e9 1e10 1e-3 2.9 | 1e9 1e10 1e-2 3.5"
    )
    assert "dominated" not in noted(runs)


def test_a_score_is_no_loss():
    note = noted(table(SCORES, columns={"loss": "HellaSwag"}), law("power_law"))["rises-with-scale"]
    assert note.severity == "serious"
    assert "Column 'HellaSwag' (loss) rises with flops" in note.text
    assert set(LAWS_OF_SCORES) <= set(entries())
    for name, what in LAWS_OF_SCORES.items():
        assert name in note.remedy
        assert law(name).output.column in (what if "same" not in what else "n_correct")
    falling = table(SCORES, columns={"loss": "HellaSwag"})
    falling = falling.with_columns({"loss": 1.0 - falling.column("loss")})
    assert "rises-with-scale" not in noted(falling, law("power_law"))


@pytest.mark.parametrize("name", ["perplexity", "val_ppl", "word_perplexity", "PPL"])
def test_a_perplexity_is_known_by_its_name(name):
    runs = read_runs({"N": [1e8, 1e9] * 4, "D": [1e9, 1e10] * 4, name: [12.4, 9.0] * 4}, columns={"loss": name})
    note = noted(runs)["unusable"]
    assert "a perplexity by its name, but law 'chinchilla' expects nat/token, which is its logarithm" in note.text
    assert f"columns={{'loss': 'log({name})'}}" in note.text
    assert noted(runs, None)["perplexity"].severity == "serious"


@pytest.mark.parametrize("name", ["bits_per_byte", "val_bpb", "bpc"])
def test_bits_are_known_by_their_name(name):
    runs = read_runs({"N": [1e8, 1e9] * 4, "D": [1e9, 1e10] * 4, name: [1.2, 0.9] * 4}, columns={"loss": name})
    assert noted(runs)["bits"].severity == "warning"
    assert "bits" not in noted(read_runs(runs, units={"loss": 0.6931}))


def test_a_loss_of_another_kind_is_fitted_as_a_multiple_and_given_no_unit():
    runs = table("n_params n_tokens loss" + " | 2e6 1.5e7 .01059 | 8e6 9e7 .0103 | 3e7 6e8 .01023" * 3)
    text = noted(runs)["unusable"].text
    assert "If it is another loss, fit a multiple of it, which has the same exponents: units={'loss': 100}" in text
    assert "thousands" not in text
    assert "where" not in text
    assert "unusable" not in noted(read_runs(runs, units={"loss": 100}))


def test_small_counts_are_taken_and_said():
    small = table("n_params train_tokens val_loss | 4.5e5 252500 2.41 | 3.2e6 505000 2.05 | 1.1e7 1010000 1.98")
    note = noted(small)["outside-range"]
    assert not any("n_tokens" in each.text for each in small.summary(CHINCHILLA).notes if each.code == "unusable")
    assert "it is taken as it is" in note.text
    examples = table("n_params n_tokens loss | 4.5e5 1000 2.41 | 3.2e6 3000 2.05 | 1.1e7 9000 1.98")
    assert not any("reaches" in each.text for each in examples.summary(CHINCHILLA).notes)
    budget = table("flops loss | 1e13 3 | 1e14 2.9 | 1e15 2.8 | 1e16 2.7 | 1e17 2.6")
    assert "unusable" not in noted(budget, law("power_law"))


def test_where_two_units_are_possible_both_are_named():
    runs = table("Step Value" + "".join(f" | {c:g} {3 - 0.1 * i}" for i, c in enumerate(np.geomspace(1e8, 4e9, 6))),
                 columns={"flops": "Step", "loss": "Value"})  # fmt: skip
    text = noted(runs, law("power_law"))["unusable"].text
    assert "in millions, in billions, in trillions, in units of 1e15 or in units of 1e18?" in text
    assert "units={'flops': 1e9}" in text
    assert "outside-range" not in noted(runs, law("power_law"))


@given(st.sampled_from(sorted(LEAST)), st.floats(1.0, 1e12))
def test_a_unit_that_is_offered_puts_every_row_into_the_range(units, scale):
    column, name = {"parameter": ("n_params", "chinchilla"), "token": ("n_tokens", "chinchilla"),
                    "FLOP": ("flops", "power_law")}[units]  # fmt: skip
    chosen = law(name)
    low, high = next(each.range for each in chosen.inputs.values() if each.column == column)
    values = np.geomspace(10 * low, 1e3 * low, 8) / scale
    other = {} if units == "FLOP" else {"n_params": np.full(8, 1e9), "n_tokens": np.full(8, 1e11)}
    runs = Runs.from_arrays({**other, column: values, "loss": np.round(np.linspace(3, 2, 8), 3)})
    for note in runs.summary(chosen).notes:
        for offered in note.text.split(f"units={{'{column}': ")[1:]:
            factor = float(offered.split("}")[0])
            assert (values * factor >= low * (1 - 1e-9)).all()
            assert (values * factor <= high * (1 + 1e-9)).all()


def test_seeds_are_repeats_and_no_checkpoints():
    found = noted(table(SEEDS))
    assert "12 rows are 4 configurations, 3 each (column seed tells them apart)" in found["seeds"].text
    assert "scatter by 0.0066, about 0.2 % (8 degrees of freedom)" in found["seeds"].text
    assert not {"unusable", "checkpoints", "duplicate-rows"} & {*found}
    without = table(SEEDS)
    without = Runs.from_arrays({name: values for name, values in without.data.items() if name != "seed"})
    assert "they share a name in column run" in noted(without)["seeds"].text
    assert "unusable" not in noted(without)


def test_seeds_need_neither_a_name_nor_a_counter():
    rows = table("n_params n_tokens loss" + " | 2e6 4e7 4.01 | 2e6 4e7 4.02 | 6e6 1e8 3.51 | 6e6 1e8 3.52")
    assert "2 each (they agree in all columns but the outcome)" in noted(rows)["seeds"].text
    assert "seeds" not in noted(rows.with_columns({"dropout": np.array([0.0, 0.1, 0.0, 0.1])}))


def test_checkpoints_of_seeds_are_of_as_many_runs():
    rows = table("run seed step n_params n_tokens loss" + "".join(
        f" | r{r} {s} {t} {r}e8 {t * r}e9 {4 - 0.1 * t + 0.01 * s}" for r in (1, 2) for s in (1, 2, 3) for t in (1, 2)
    ))  # fmt: skip
    note = noted(rows)["checkpoints"]
    assert "12 rows are checkpoints of 6 runs" in note.text
    assert "group" not in note.remedy


@pytest.mark.parametrize("other", ["val_loss", "test_loss", "eval/loss"])
def test_another_column_that_could_be_the_outcome_is_named_with_how_to_choose(other):
    columns = {"n_params": [1e8, 1e9], "n_tokens": [1e9, 1e10], "loss": [3.0, 2.8], other: [3.1, 2.9]}
    note = noted(read_runs(columns))["other-outcomes"]
    assert f"'{other}' could be the outcome as well as column 'loss', which is taken" in note.text
    for own in (other, "loss"):
        assert f"columns={{'loss': '{own}'}}" in note.remedy
        assert "other-outcomes" not in noted(read_runs(columns, {"loss": own}))
    assert "other-outcomes" not in noted(read_runs({**columns, other: columns["loss"]}))
    with pytest.raises(RunsError, match=r"columns 'valid_loss' and 'test_loss' could each be 'loss'; say which"):
        choose(read_runs({**{k: v for k, v in columns.items() if k != "loss" and k != other},
                          "valid_loss": [3.0, 2.8], "test_loss": [3.1, 2.9]}))  # fmt: skip


def test_a_share_of_wrong_answers_is_no_loss_in_nats():
    runs = table("flops error | 1e18 .8 | 1e19 .7 | 1e20 .6 | 1e21 .5 | 1e22 .4", columns={"loss": "error"})
    assert "downstream_error" in noted(runs, law("power_law"))["share"].remedy
    assert "share" not in noted(read_runs(runs, units={"loss": 10}), law("power_law"))


def test_what_was_taken_and_what_became_of_a_run_is_said():
    runs = table(
        "State config.n_params summary.tokens_B val/loss | finished 1e8 1 3 | crashed 1e9 2 nan | finished 1e9 2 2.8"
    )
    found = noted(runs)
    assert found["columns-taken"].text == (
        "Of the columns of the file, n_params is 'config.n_params'; n_tokens is 'summary.tokens_B' times 1e9."
    )
    assert "Column loss is empty in 1 row of 3 (row 2, State 'crashed')" in found["missing-cells"].text


def test_restarts_are_one_note():
    runs = table(RESTARTS)
    note = noted(runs)["restarts"]
    assert "2 rows without loss (rows 4, 5) are earlier attempts of 'd3'" in note.text
    assert not {"missing-cells", "checkpoints"} & {*noted(runs)}
    assert not {"restarts", "missing-cells", "checkpoints"} & {*noted(runs.where("loss is known"))}
    unfinished = runs.with_columns({"loss": np.where(runs.column("run") == "d3", np.nan, runs.column("loss"))})
    assert "missing-cells" in noted(unfinished)


def test_compute_that_is_not_six_n_d_is_said():
    n, d = (g.ravel() for g in np.meshgrid([1e8, 1e9, 1e10], [1e9, 1e10, 1e11]))
    loss = 1.8 + 400 / n**0.34 + 400 / d**0.28
    fraction = Runs.from_arrays({"n_params": n, "n_tokens": d, "flops": 0.327 * 6 * n * d, "loss": loss})
    note = noted(fraction)["compute-count"]
    assert "Column flops is 0.327 (0.327 to 0.327) of 6 n_params n_tokens; in all 9 rows" in note.text
    assert "answers of law 'chinchilla' by compute count it as 6 n_params n_tokens" in note.text
    assert "as column flops does" in noted(fraction, law("isoflop"))["compute-count"].text
    once = fraction.with_columns({"flops": 6 * n * d * np.where(np.arange(9) == 4, 10, 1)})
    assert "but not in row 5, where it is 10x as much" in noted(once)["compute-off"].text
    right = fraction.with_columns({"flops": 6.2 * n * d})
    assert not {"compute-off", "compute-count"} & {*noted(right)}


@pytest.mark.parametrize(("name", "words"), [
    ("params_no_embedding", "embeddings are 80 % of the smallest model and 31 % of the largest"),
    ("non_embedding_params", "embeddings are 80 %"), ("active_params", "experts that a token does not pass are 80 %"),
])  # fmt: skip
def test_a_second_count_of_parameters_is_said(name, words):
    runs = read_runs({
        "params": [1.6e7] * 3 + [1.235e8] * 3, name: [3.2e6] * 3 + [8.5e7] * 3, "n_tokens": [1e9, 4e9, 1.6e10] * 2,
        "val_loss": [5.5, 5.1, 4.8, 3.9, 3.5, 3.2],
    })  # fmt: skip
    note = noted(runs)["another-count"]
    assert words in note.text
    assert f"columns={{'n_params': '{name}'}}" in note.remedy


@pytest.mark.parametrize(("own", "offered"), [
    ("final", "loss=final"), ("test_nll", "loss=test_nll"),
    ("num_scaling_params", "n_params=num_scaling_params"), ("n_param", "n_params=n_param"), ("x", "loss=its-name"),
])  # fmt: skip
def test_all_that_is_missing_is_one_line_to_paste(own, offered):
    runs = read_runs({"width": [256, 256, 512], "tokens_seen": [2e7, 9e7, 2e7], own: [3.9, 3.2, 3.5]})
    with at_a_terminal(), pytest.raises(RunsError) as refused:
        check_columns(runs, CHINCHILLA)
    assert f"--columns {offered}" in str(refused.value)
    assert str(refused.value).count("--columns") == 2


def test_one_run_under_two_names_is_a_copy():
    note = noted(COPY, law("isoflop"))["copied-run"]
    assert "Rows 1 and 2 agree in n_params, flops, loss to all digits: one run, under several names" in note.text
    assert "run != 'b'" in note.remedy
    shared = COPY.with_columns({"family": np.array(["x", "y", "x", "x", "y", "y", "y"], dtype=object)})
    assert noted(shared, law("isoflop"))["copied-run"].severity == "info"
    coarse = COPY.with_columns({"loss": np.round(COPY.column("loss"), 2)})
    assert "copied-run" not in noted(coarse, law("isoflop"))


def test_a_budget_under_two_numbers_is_said():
    assert "1e19 and 1.001e19" in noted(COPY, law("isoflop"))["budget-twice"].text


def bowls(stop: float, start: float = 0.1) -> Runs:
    """Budgets whose sizes run from `start` to `stop` times the best."""
    c, u = (g.ravel() for g in np.meshgrid([1e18, 1e19, 1e20], np.geomspace(start, stop, 5)))
    return Runs.from_arrays({
        "flops": c, "n_params": u * 1e8 * (c / 1e18) ** 0.5, "loss": 3 * (c / 1e18) ** -0.05 + 0.1 * np.log(u) ** 2
    })  # fmt: skip


def test_minima_at_the_edge_are_said():
    note = noted(bowls(0.8), law("isoflop"))["edge-minimum"]
    assert note.severity == "serious"
    assert "In 3 of 3 budgets the largest size is the best, so the minimum lies above the runs" in note.text
    assert "the smallest size is the best" in noted(bowls(10, 1.5), law("isoflop"))["edge-minimum"].text
    assert "edge-minimum" not in noted(bowls(10), law("isoflop"))
    one = bowls(10).with_columns({"loss": bowls(10).column("loss") - np.where(np.arange(15) == 14, 0.9, 0)})
    assert noted(one, law("isoflop"))["edge-minimum"].severity == "warning"


def test_one_size_a_budget_is_refused_before_a_fit():
    c, family = np.tile([1e18, 2e18, 5e18, 1e19], 3), np.repeat(["a", "b", "c"], 4)
    exponents = np.repeat([0.37, 0.53, 0.68], 4)
    runs = Runs.from_arrays({"flops": c, "n_params": 1e8 * (c / 1e18) ** exponents * np.repeat([4, 1, 0.8], 4),
                             "loss": 0.9 * (c / 1e18) ** -0.05, "counting": family.astype(object)})  # fmt: skip
    text = noted(runs, law("isoflop"), family="counting")["unusable"].text
    assert "there is one size at each compute of every group, so law 'isoflop'" in text
    assert "law 'power_law' (law=power_law)" in text
    check_bowls(bowls(10), law("isoflop"))
    check_bowls(runs, CHINCHILLA)
    power = noted(runs, law("power_law"), family="counting")
    assert "unusable" not in power


def test_a_rate_that_changes_within_a_run_is_said():
    step = np.arange(1, 31) * 200.0
    runs = Runs.from_arrays({
        "step": step, "n_tokens": step * 65536, "flops": step * 1.57e13,
        "learning_rate": 1e-4 + 9e-4 * 0.5 * (1 + np.cos(np.pi * step / 6000)), "loss": 3 + 2 * step**-0.3,
    })  # fmt: skip
    note = noted(runs, law("power_law"))["rate-changes"]
    assert "falls from 0.000998 to 0.0001 along the run" in note.text
    assert "lr_annealing" in note.remedy
    assert 'where("step == 6000")' in note.remedy
    assert "rate-changes" not in noted(runs, law("lr_annealing"))
    constant = runs.with_columns({"learning_rate": np.full(30, 1e-3)})
    assert "rate-changes" not in noted(constant, law("power_law"))


@pytest.mark.parametrize(("name", "values"), [
    ("tokenizer", ["gpt2", "llama"]), ("lr_schedule", ["cosine", "constant"]), ("vocab_size", [32000.0, 50257.0]),
])  # fmt: skip
def test_mixed_recipes_are_said(name, values):
    n, d = (g.ravel() for g in np.meshgrid(np.geomspace(1e8, 1e10, 4), np.geomspace(1e9, 1e11, 4)))
    runs = read_runs({"n_params": n, "n_tokens": d, "loss": 1.8 + 400 / n**0.34 + 400 / d**0.28, name: values * 8})
    note = noted(runs)["mixed"]
    assert f"Column {name} has 2 values" in note.text
    assert "mixed" not in noted(runs, family=name)


def test_groups_that_a_fit_refuses_are_said_first():
    runs = table(SEEDS).with_columns({"corpus": np.array(["c4"] * 12, dtype=object)})
    found = runs.summary(CHINCHILLA, family="corpus")
    assert (
        "all runs have corpus 'c4', so there is nothing to pool over" in noted(runs, family="corpus")["unusable"].text
    )
    assert found.verdict == "FAIL"
    for family in ("corpus", "loss"):
        with pytest.raises(PoolingError):
            make_plan(CHINCHILLA, runs, family)
        assert "unusable" in noted(runs, family=family)


@pytest.mark.parametrize("name", sorted(entries()))
def test_few_runs_are_answered_by_constants_of_the_law_that_are_enough(name):
    chosen = law(name)
    needed = len(chosen.free_parameters)
    for count in range(1, needed):
        runs = Runs.from_arrays({"n": np.ones(count)})
        with pytest.raises(Exception, match="cannot determine") as refused:
            check_enough(runs, chosen)
        inside = str(refused.value).split("with_priors(")[1].removesuffix(").")
        priors = dict(each.split("=", 1) for each in inside.split(", "))
        assert len(priors) == needed - count
        check_enough(runs, chosen.with_priors(**{key: value.strip('"') for key, value in priors.items()}))
        first = [each for each in HELD_FIRST if each in chosen.free_parameters]
        assert set(first[: len(priors)]) <= set(priors)


@pytest.mark.parametrize(("runs", "law_name", "verdict"), [
    (DOMINATED, "chinchilla", "LOOK"), (table(RESTARTS), "chinchilla", "FAIL"), (bowls(10), "power_law", "LOOK"),
])  # fmt: skip
def test_a_summary_ends_in_a_verdict(runs, law_name, verdict):
    found = runs.summary(law_name)
    assert found.verdict == verdict
    assert str(found).splitlines()[-1].startswith(f"{verdict}: ")
    assert found.as_dict()["verdict"] == verdict


def test_nothing_against_a_fit_is_a_pass():
    n, d = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e12, 6)))
    noise = np.random.default_rng(0).normal(0, 0.003, len(n))
    runs = Runs.from_arrays(
        {"n_params": n, "n_tokens": d, "loss": (1.8 + 480 / n**0.35 + 2e3 / d**0.37) * np.exp(noise)}
    )
    assert str(runs.summary("chinchilla")).splitlines()[-1] == (
        "PASS: nothing stands against a fit; next bl.fit('chinchilla', runs)."
    )


CELLS = st.one_of(
    st.lists(
        st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 1e9, 1e19, 1.001e19, 3.0, 0.01]), min_size=6, max_size=6
    ),
    st.lists(st.sampled_from(["a", "b", "c'd", "", 'x "y"']), min_size=6, max_size=6),
)
NAMES = (
    "n_params", "n_tokens", "flops", "loss", "learning_rate", "step", "seed", "run", "family", "tokenizer",
    "vocab_size", "width", "active_params", "n_seen", "lr schedule",
)  # fmt: skip


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(NAMES), CELLS, min_size=1), st.sampled_from([None, *sorted(entries())]))
def test_no_table_breaks_its_notes(columns, name):
    summary = Runs.from_arrays(columns).summary(name)
    assert summary.verdict in ("PASS", "LOOK", "FAIL")
    assert str(summary).splitlines()[-1].startswith(summary.verdict)
