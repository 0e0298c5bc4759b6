"""Notes: each is there where it is true, and a good table has none."""

import json

import numpy as np
import pytest

from bayeslaw.language.catalogue import law
from bayeslaw.note import RANK, Note
from bayeslaw.runs.regression import residuals
from bayeslaw.runs.table import Runs, read_runs
from tests.simulate import simulated_runs

CHINCHILLA = law("chinchilla")
GRID_N, GRID_D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e12, 6)))


def surface(n, d, seed=0, scatter=0.003):
    """Losses of a Chinchilla law with relative scatter."""
    noise = np.random.default_rng(seed).normal(0, scatter, len(n))
    return (1.8 + 480 / n**0.35 + 2000 / d**0.37) * np.exp(noise)


def table(n=GRID_N, d=GRID_D, **more) -> Runs:
    return Runs.from_arrays({"n_params": n, "n_tokens": d, "loss": surface(n, d), **more})


def noted(runs, law=CHINCHILLA, **options) -> tuple[Note, ...]:
    """The notes on a table, each of which is made of full sentences."""
    notes = runs.summary(law, **options).notes
    for note in notes:
        assert all(words[0].isupper() or words[0].isdigit() for words in (note.text, note.remedy)), note
        assert all(words.endswith(".") for words in (note.text, note.remedy)), note
    return notes


def codes(runs, law=CHINCHILLA, **options) -> list[str]:
    return [note.code for note in noted(runs, law, **options)]


def the(code, runs, law=CHINCHILLA) -> Note:
    return next(note for note in noted(runs, law) if note.code == code)


def test_a_good_table_has_no_notes():
    assert codes(table()) == []
    assert codes(table(), law=None) == []
    assert "Nothing to note." in str(table().summary())


def test_scores_below_chance_are_said():
    """A few standard errors of guessing are bad luck; wrong answers counted as right ones are not."""
    known = law("loss_threshold").with_priors(chance="Constant(0.25)")
    right = np.array([240.0, 215.0, 150.0, 300.0, 400.0, 90.0])
    runs = Runs.from_arrays({"loss": np.linspace(4, 3, 6), "n_trials": np.full(6, 1000.0), "n_correct": right})
    note = the("below-chance", runs, known)
    assert note.severity == "warning"
    assert note.text.startswith(
        "2 scores lie below the chance of 0.25 by more than guessing scatters, the lowest 90 of 1"
    )
    assert "row 6" in note.text
    assert "below-chance" not in codes(runs, law("loss_threshold"))
    assert "below-chance" not in codes(runs.take(right > 200), known)


def test_axes_that_rise_together_are_collinear():
    runs = table(d=20 * GRID_N * np.random.default_rng(1).uniform(0.8, 1.2, len(GRID_N)))
    note = the("collinear", runs)
    assert note.severity == "serious"
    assert "n_params and n_tokens rise together (correlation of logs 1.00)" in note.text


def test_axes_of_which_one_falls_are_collinear_but_not_exactly():
    """As on one budget whose sizes were rounded: a correlation of -0.98 is not a trade-off that is exact."""
    note = the("collinear", table(d=1e20 / (6 * GRID_N) * np.random.default_rng(1).uniform(0.3, 3, len(GRID_N))))
    assert "n_params and n_tokens move in opposite directions (correlation of logs -0.9" in note.text
    assert "exactly" not in note.text


@pytest.mark.parametrize(("levels", "found"), [(1, "serious"), (2, "warning"), (3, None)])
def test_an_axis_needs_three_levels(levels, found):
    n = np.geomspace(1e8, 1e10, 3)[:levels] if levels > 1 else np.array([1e9])
    n, d = (g.ravel() for g in np.meshgrid(n, np.geomspace(1e9, 1e12, 14)))
    notes = [x for x in table(n, d).summary(CHINCHILLA).notes if x.code == "few-levels"]
    assert [x.severity for x in notes] == ([found] if found else [])


def test_an_axis_needs_a_decade():
    n, d = (g.ravel() for g in np.meshgrid(np.geomspace(1e9, 5e9, 5), np.geomspace(1e9, 1e12, 6)))
    assert "spans a factor 5 only" in the("short-range", table(n, d)).text
    assert "short-range" not in codes(table())


@pytest.mark.parametrize(("groups", "code"), [(1, "one-group"), (2, "few-groups"), (3, "few-groups"), (4, None)])
def test_few_families_leave_the_spread_to_the_prior(groups, code):
    runs = table(family=[f"f{i % groups}" for i in range(len(GRID_N))])
    assert codes(runs) == ([code] if code else [])
    assert codes(runs, family="family") == ([] if code is None else ["unusable"] if groups == 1 else [code])


def test_what_pooling_would_meet_is_no_warning_where_nothing_is_pooled():
    runs = table(family=["a", "b", "c"] * 14)
    (offered,), (said,) = runs.summary(CHINCHILLA).notes, runs.summary("chinchilla", "family").notes
    assert (offered.severity, said.severity) == ("info", "warning")
    assert offered.text == f"With family=family: {said.text}"
    assert said.text.startswith("Column family has 3 groups")


def test_a_family_of_fewer_runs_than_parameters_is_thin():
    names = [f"f{i % 4}" for i in range(len(GRID_N))]
    runs = table(family=["thin" if i < 3 else name for i, name in enumerate(names)])
    assert "thin (3)" in the("thin-family", runs).text
    assert "7 parameters" in the("thin-family", runs).text
    assert "thin-family" not in codes(runs, law=None)
    other = table(corpus=list(runs.column("family")))
    assert "thin-family" in codes(other, family="corpus")


def test_rows_of_one_run_are_checkpoints():
    n = len(GRID_N)
    runs = table(run_id=[f"r{i // 6}" for i in range(n)], step=list(range(n)))
    assert 'with_group_effect("run_id")' in the("checkpoints", runs).remedy
    assert "42 rows are checkpoints of 7 runs" in the("checkpoints", runs).text
    assert "checkpoints" not in codes(table(run=[f"r{i}" for i in range(n)]))
    guessed = table(schedule=[f"r{i // 6}" for i in range(n)], step=list(range(n)))
    assert "look like checkpoints of 7 runs" in the("checkpoints", guessed).text
    one = the("checkpoints", table(step=list(range(n))))
    assert "checkpoints of one run" in one.text
    assert one.remedy == "Read intervals as about this run, or add others."


def test_a_group_called_as_a_stand_in_is_said():
    runs = table(recipe=np.array(["old", "new", "newer"] * 14, dtype=object))
    (said,) = (note for note in runs.summary(CHINCHILLA, "recipe").notes if note.code == "stand-in")
    assert "recipe has a group called 'new'" in said.text
    assert said.remedy == "For one that no run belonged to write '(new)'."


def test_isoflop_designs_share_budgets():
    n, c = (g.ravel() for g in np.meshgrid(np.geomspace(1e8, 3e9, 7), np.geomspace(1e18, 1e21, 6)))
    runs = table(n, c / (6 * n), flops=c)
    note = the("shared-budget", runs)
    assert "42 runs lie on 6 compute budgets" in note.text
    assert 'with_group_effect("flops")' in note.remedy
    blurred = table(n, c / (6 * n), flops=c * np.random.default_rng(0).uniform(0.99, 1.01, len(c)))
    assert "flops rounded" in the("shared-budget", blurred).remedy
    assert "shared-budget" not in codes(table(flops=6 * GRID_N * GRID_D * np.linspace(1, 2, len(GRID_N))))


def test_duplicate_rows_are_named():
    runs = table().take([*range(len(GRID_N)), 3])
    assert "1 row repeats another in every column: 4 (as 4)" in the("duplicate-rows", runs).text
    assert "duplicate-rows" not in codes(table(seed=list(range(len(GRID_N)))))


@pytest.mark.parametrize("row", [0, 17, 33])
def test_a_diverged_run_is_an_outlier(row):
    loss = surface(GRID_N, GRID_D)
    loss[row] *= 1.5
    large = Runs.from_arrays({
        "n_params": np.tile(GRID_N, 3), "n_tokens": np.tile(GRID_D, 3) * np.repeat([1, 1.3, 1.6], len(GRID_N)),
        "loss": np.concatenate([loss, *(surface(GRID_N, GRID_D * f, s) for s, f in ((1, 1.3), (2, 1.6)))]),
    })  # fmt: skip
    note = the("outlier", large)
    assert "1 run lies" in note.text
    assert f"row {row + 1} " in note.text
    assert "Diverged" in note.text


def test_a_rounded_outcome_is_distinguished_from_fine_digits():
    loss = surface(GRID_N, GRID_D)
    assert "rounded-outcome" in codes(table(loss=np.round(loss, 1)))
    assert "rounded-outcome" not in codes(table(loss=np.round(loss, 3)))


def test_empty_cells_are_serious():
    loss = surface(GRID_N, GRID_D)
    loss[[4, 5]] = np.nan
    found = the("missing-cells", table(loss=loss))
    assert "loss is empty in 2 rows of 42 (rows 5, 6)" in found.text
    assert found.severity == "serious"
    assert codes(table(loss=loss)) == codes(table(loss=loss), law=None) == ["missing-cells"]
    assert table(loss=loss).where(condition_in(found.remedy)).summary(CHINCHILLA).notes == ()


def condition_in(remedy: str) -> str:
    """The condition that a remedy says to type."""
    return remedy.split('where("')[1].split('")')[0]


def test_empty_cells_of_several_columns_are_one_note_with_one_condition_to_type():
    n, loss = GRID_N.copy(), surface(GRID_N, GRID_D)
    n[3], loss[[4, 5]] = np.nan, np.nan
    runs = table(loss=loss).with_columns({"n_params": n})
    (note,) = noted(runs)
    assert "n_params is empty in 1 row of 42 (row 4); column loss is empty in 2 rows of 42 (rows 5, 6)" in note.text
    assert condition_in(note.remedy) == "n_params is known and loss is known"
    assert len(runs.where(condition_in(note.remedy))) == 39


def test_rows_with_empty_cells_do_not_hide_what_else_is_wrong():
    d = GRID_D / 1e9
    d[7] = np.nan
    assert "is it in billions" in the("unusable", table(d=d, loss=surface(GRID_N, GRID_D))).text
    assert "missing-cells" in codes(table(d=d, loss=surface(GRID_N, GRID_D)))


def test_empty_cells_of_what_a_law_can_read_from_another_column_are_not_noted():
    """Compute by its own column, where tokens are not known of every run, and the other way round."""
    power, d = law("power_law"), np.where(GRID_D > 5e11, np.nan, GRID_D)
    runs = Runs.from_arrays({
        "n_params": GRID_N, "n_tokens": d, "flops": 6 * GRID_N * GRID_D, "loss": surface(GRID_N, GRID_D)
    })  # fmt: skip
    assert not {"missing-cells", "unusable"} & {*codes(runs, law=power)}


def test_a_column_that_is_empty_throughout_is_one_note_too():
    runs = Runs.from_arrays({"n_params": GRID_N, "n_tokens": np.full(42, np.nan), "loss": surface(GRID_N, GRID_D)})
    assert codes(runs) == ["missing-cells"]


def test_a_public_table_with_gaps_has_one_note_about_them(shared_data):
    runs = read_runs(shared_data / "obs_emergent.csv").where("task == 'arithmetic_2digit_add'")
    emergence = law("emergence_logistic")
    first, *rest = noted(runs, emergence)
    assert first.text.startswith("Column flops is empty in 5 rows of 74 (rows 18, 33, 34 and 2 more).")
    assert {note.severity for note in rest} == {"info"}
    assert "missing-cells" not in codes(runs.where(condition_in(first.remedy)), emergence)


def test_all_columns_that_are_missing_are_one_note():
    emergence = law("emergence_logistic")
    runs = Runs.from_arrays({"flop": np.geomspace(1e18, 1e22, 12), "n_trials": [100.0] * 12})
    (note,) = noted(runs, emergence)
    assert "needs columns 'flops' (did you mean 'flop') and 'n_correct', which are not there" in note.text
    assert "pass columns={'flops': 'flop', 'n_correct': 'its name'}." in note.text
    assert [n.code for n in noted(Runs.from_arrays({"other": range(12)}), emergence)] == ["unusable"]


def test_what_a_fit_would_refuse_is_a_note():
    assert "needs column 'n_tokens'" in the("unusable", Runs.from_arrays({"n_params": [1e9], "loss": [2]})).text
    small = table(n=GRID_N / 1e9)
    assert "is it in billions" in the("unusable", small).text
    assert any("cannot determine the 7 free" in n.text for n in table().take([0, 9, 23]).summary(CHINCHILLA).notes)


def test_noise_is_not_an_outlier():
    for seed in range(20):
        runs = Runs.from_arrays({"n_params": GRID_N, "n_tokens": GRID_D, "loss": surface(GRID_N, GRID_D, seed, 0.01)})
        assert codes(runs) == []


def test_notes_come_the_most_serious_first_and_print_their_remedies():
    n, d = (g.ravel() for g in np.meshgrid([1e9], np.geomspace(1e9, 5e9, 8)))
    summary = table(n, d, family=["a"] * 8).summary(CHINCHILLA)
    ranks = [RANK[note.severity] for note in summary.notes]
    assert ranks == sorted(ranks)
    page = str(summary)
    for note in summary.notes:
        assert note.text in page
        assert note.remedy in page


def test_the_summary_is_a_table_and_plain_json():
    summary = table(family=["a", "b"] * 21).summary()
    assert [r.name for r in summary.ranges] == ["n_params", "n_tokens", "loss"]
    assert (summary.ranges[0].low, summary.ranges[0].high, summary.ranges[0].distinct) == (1e7, 1e10, 7)
    assert [(f.name, f.rows) for f in summary.families] == [("a", 21), ("b", 21)]
    plain = json.loads(json.dumps(summary.as_dict(), allow_nan=False))
    assert plain["rows"] == 42
    assert plain["notes"][0]["code"] == "few-groups"
    assert "  n_params  1e+07  1e+10         7" in str(summary)


def test_the_regression_follows_a_law_and_leaves_out_what_it_cannot_judge():
    n, d = np.tile(GRID_N, 2), np.tile(GRID_D, 2)
    found = residuals(np.log([n, d]), np.log(surface(n, d)), np.zeros(len(n), dtype=int))
    assert found is not None
    assert np.nanstd(found) < 0.01
    assert residuals(np.log([n[:4], d[:4]]), np.log(surface(n[:4], d[:4])), np.zeros(4, dtype=int)) is None


def test_errors_that_no_noise_takes_are_said():
    counts = law("passuntil")
    runs = simulated_runs(counts, np.random.default_rng(0), 12)
    known = Runs.from_arrays({**runs.data, "se": np.full(12, 0.1)})
    assert "error-unused" in {note.code for note in known.summary(counts).notes}
    assert "error-unused" not in {note.code for note in runs.summary(counts).notes}
    assert "error-unused" not in {note.code for note in table(se=[0.1] * 42).summary(CHINCHILLA).notes}


# The notes that a person who knows these sweeps would make, and no others.
KNOWN = {
    "chinchilla_epoch": {"one-group", "rounded-outcome", "outlier"},
    "gadre_overtraining": {"few-groups", "another-count"},
    "loss_to_loss": {"shared-budget", "outlier"},
    # Large models of the shortest runs are still in their warm-up.
    "porian_isoflop": {"shared-budget", "outlier", "outside-range", "dominated"},
    "steplaw_dense": {"short-range", "outlier", "one-group"},
    # Large models that see their data too often are worse than small ones.
    "datablations": {"few-groups", "outlier", "dominated", "seeds", "budget-twice"},
    "gadre_grid": {"collinear", "thin-family", "outlier"},
    "routing_moe": {"few-levels", "another-count", "dominated", "seeds"},
}


@pytest.mark.parametrize("name", KNOWN)
def test_public_sweeps_have_the_notes_they_deserve(shared_data, name):
    assert set(codes(read_runs(shared_data / f"{name}.csv"))) - {"outside-range"} == KNOWN[name] - {"outside-range"}


def test_the_diverged_runs_of_two_sweeps_are_found(shared_data):
    """181 runs of one sweep and 3 of the other are known to have diverged."""
    assert the("outlier", read_runs(shared_data / "steplaw_dense.csv")).text.startswith("181 runs lie")
    assert (
        "row 29 (4.898), row 33 (4.791), row 17 (4.719)"
        in the("outlier", read_runs(shared_data / "gadre_grid.csv")).text
    )
