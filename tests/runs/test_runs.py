"""Runs: readers agree, names and units are understood, and every mistake is one sentence with its row."""

import contextlib
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayeslaw.errors import BayeslawError, FileError, LawError, RunsError, did_you_mean
from bayeslaw.examples import example
from bayeslaw.language import catalogue
from bayeslaw.language.formula.schedule import SCHEDULES
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.columns import STANDARD, standard_name
from bayeslaw.runs.faults.enough import check_enough
from bayeslaw.runs.filters import rows_where
from bayeslaw.runs.reading import encodings
from bayeslaw.runs.reading.cells import table
from bayeslaw.runs.table import Runs, read_runs
from bayeslaw.runs.wording import called

ROOT = Path(__file__).parents[2]

LAW = Law.parse(
    """
title = "Two power laws"
formula = "E + A * (N/N0)**-alpha + B * (D/D0)**-beta"
[output]
loss = { likelihood = "LogNormal(mean, sigma)", units = "nat/token", range = [0.3, 15] }
[input]
N = { column = "n_params", units = "parameter", reference = 1e9,  range = [1e5, 1e14] }
D = { column = "n_tokens", units = "token",     reference = 2e10, range = [1e6, 1e16] }
[parameter]
E     = { prior = "LogNormal(0.5, 0.3)" }
A     = { prior = "LogNormal(-1, 0.7)" }
B     = { prior = "LogNormal(-1, 0.7)" }
alpha = { prior = "LogNormal(-1, 0.3)" }
beta  = { prior = "LogNormal(-1, 0.3)" }
sigma = { prior = "HalfNormal(0.02)" }
""",
    "two_powers",
)

COUNTS = Law.parse(
    """
title = "Passes"
formula = "sigmoid(a * log(N))"
[output]
n_correct = { likelihood = "Binomial(n, mean)" }
[input]
N = { column = "n_params", units = "parameter", reference = 1e9, range = [1e5, 1e14] }
n = { column = "n_trials", units = "trial", range = [1, 1e9] }
[parameter]
a = { prior = "Normal(0, 1)" }
""",
    "passes",
)

SHARES = Law.parse(
    """
title = "Errors"
formula = "sigmoid(a * log(C/C0))"
[output]
error = { likelihood = "Beta(mean, kappa)" }
[input]
N = { column = "n_params", units = "parameter", range = [1e5, 1e14] }
D = { column = "n_tokens", units = "token",     range = [1e6, 1e16] }
C = { column = "flops", units = "FLOP", reference = 1e20, range = [1e12, 1e30], formula = "6 * N * D" }
[parameter]
a     = { prior = "Normal(0, 1)" }
kappa = { prior = "LogNormal(4, 1)" }
""",
    "errors",
)

SCHEDULE = Law.parse(
    """
title = "Schedule"
formula = "E + A * (S/S0)**-a"
[output]
loss = { likelihood = "LogNormal(mean, sigma)" }
[input]
step = { column = "step" }
lr   = { column = "learning_rate" }
S    = { column = "S", formula = "lr_sum(lr, step)", reference = 1 }
[parameter]
E     = { prior = "LogNormal(0, 1)" }
A     = { prior = "LogNormal(0, 1)" }
a     = { prior = "LogNormal(0, 1)" }
sigma = { prior = "HalfNormal(0.02)" }
""",
    "schedule",
)

PLAIN = {
    "family": ["c4", "c4", "pile", ""],
    "n_params": [1e8, 2.5e9, 3e8, 7e7],
    "n_tokens": [1e10, 5e10, 2e10, 1e9],
    "loss": [3.1, 2.2, 2.8, float("nan")],
}  # fmt: skip


def good(**changes) -> Runs:
    return Runs.from_arrays({
        "n_params": [1e8, 1e9, 1e10], "n_tokens": [1e9, 1e10, 1e11], "loss": [4.0, 3.0, 2.0], **changes,
    })  # fmt: skip


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# ---------------------------------------------------------------- readers


def same(a: Runs, b: Runs) -> bool:
    return a.names == b.names and a.digest() == b.digest() and len(a) == len(b)


def test_all_readers_give_the_same_table(tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(PLAIN | {"note": ["a", None, "b", "none"], "done": [True, False, True, True]})
    expected = read_runs({name: list(column) for name, column in frame.items()})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv.gz", index=False)
    frame.to_csv(tmp_path / "c.tsv", index=False, sep="\t")
    frame.to_json(tmp_path / "d.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "e.ndjson", orient="records", lines=True)
    frame.to_parquet(tmp_path / "f.parquet")
    for path in sorted(tmp_path.iterdir()):
        assert same(read_runs(path), expected), path.name
        assert same(read_runs(str(path)), expected)
    assert same(read_runs(frame), expected)
    assert same(read_runs(polars.from_pandas(frame)), expected)
    assert same(read_runs(polars.from_pandas(frame).to_arrow()), expected)
    assert same(read_runs(expected), expected)
    assert expected.column("done").tolist() == [1, 0, 1, 1]
    assert expected.column("note").tolist() == ["a", "", "b", "none"]
    assert np.isnan(expected.column("loss")[3])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(allow_infinity=False),
            st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=6),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_csv_json_and_mapping_round_trip(tmp_path_factory, rows):
    """Any numbers and words come back the same from a file as from memory."""
    import csv

    folder = tmp_path_factory.mktemp("round")
    table = {"x": [x for x, _ in rows], "word": [f"w{w}" for _, w in rows]}
    with (folder / "a.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([list(table), *zip(*table.values(), strict=True)])
    lines = [json.dumps(dict(zip(table, row, strict=True))) for row in zip(*table.values(), strict=True)]
    write(folder / "b.jsonl", "\n".join(lines))
    memory = read_runs(table)
    assert same(read_runs(folder / "a.csv"), memory)
    assert same(read_runs(folder / "b.jsonl"), memory)


def test_reading_a_csv_imports_neither_pandas_nor_jax(tmp_path):
    path = write(tmp_path / "runs.csv", "N,D,loss\n1e8,1e9,3\n")
    code = (
        "import sys; from bayeslaw.runs.table import read_runs; r = read_runs(sys.argv[1]); r.summary();"
        "r.where('loss > 1');"
        "print([m for m in ('pandas', 'polars', 'jax', 'scipy.stats') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603
    assert done.stdout.strip() == "[]"


def test_missing_json_keys_are_empty_cells(tmp_path):
    runs = read_runs(write(tmp_path / "a.jsonl", '{"a": 1}\n\n{"b": "x"}\n'))
    assert np.isnan(runs.column("a")[1])
    assert runs.column("b").tolist() == ["", "x"]
    assert runs.rows.tolist() == [1, 3]


def test_a_named_index_of_pandas_is_a_column():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(PLAIN).set_index("n_params")
    assert read_runs(frame).column("n_params").tolist() == PLAIN["n_params"]


def test_words_and_dates_stay_text(tmp_path):
    runs = read_runs(write(tmp_path / "a.csv", "day,label,number\n2024-01-02,2024_01,NA\n2024-02-02,2024_02,-1.5E3\n"))
    assert runs.is_text("day")
    assert runs.is_text("label")
    assert runs.column("number").tolist()[1] == -1500


BAD_FILES = {
    "empty.csv": (b"", RunsError, "empty"),
    "blank.csv": (b"\n\n", RunsError, "empty"),
    "header.csv": (b"n_params,loss\n", RunsError, "no runs below the header"),
    "ragged.csv": (b"a,b\n1,2\n\n1,2,3\n", RunsError, "row 4 has 3 cells, but the header has 2"),
    "quoted.csv": (b'a,b\n"x\ny",2\n1\n', RunsError, "row 4 has 1 cells"),
    "twice.csv": (b"a,b,a\n1,2,3\n", RunsError, "2 columns are called 'a'"),
    "quote.csv": (b'a,b\n"x,2\n', RunsError, "row 2 is not CSV"),
    "cyrillic.csv": ("a\nшаги\n".encode("cp1251"), FileError, "not text in UTF-8"),
    "binary.csv": (bytes(range(128)), FileError, "binary data"),
    "title.csv": (b"My runs\na,b\n1,2\n", RunsError, "row 1 has 1 cell, 'My runs', and the rows below it have 2: it"),
    "garbage.parquet": (b"PAR1 no", FileError, "not a readable Parquet file; write it again, or save the table as CSV"),
    "garbage.csv.gz": (b"no gzip", FileError, "cannot read"),
    "cut.csv.gz": (gzip.compress(b"a,b\n1,2\n" * 50)[:-12], FileError, "cannot read"),
    "list.jsonl": (b"[1, 2]\n", RunsError, "row 1 is not a JSON object"),
    "broken.jsonl": (b'{"a": 1}\n{"a": \n', RunsError, "row 2 is not JSON"),
    "deep.jsonl": (b"[" * 100_000, RunsError, "row 1 is not JSON"),
    "deeper.jsonl": (b'{"a":' * 90 + b"1" + b"}" * 90, RunsError, "row 1 is nested deeper than 40 levels"),
    "number.json": (b"3", RunsError, "row 1 is not a JSON object"),
    "twice.jsonl": (b'{"a": 1, "a": 2}', RunsError, "gives 'a' twice"),
    "scalar.jsonl": (b'{"a": 1' + b"0" * 5000 + b"}", RunsError, "not JSON"),
    "runs.xlsx": (b"PK", FileError, "not a readable workbook"),
    "runs.docx": (b"PK", FileError, "not in '.docx'"),
    "runs": (b"a\n1\n", FileError, "ends in .csv"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_sentence(tmp_path, name):
    content, error, words = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    if name.endswith("xlsx"):
        pytest.importorskip("python_calamine")
    with pytest.raises(error) as caught:
        read_runs(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file_folder_and_odd_path(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        read_runs(tmp_path / "nowhere.csv")
    with pytest.raises(FileError, match="this is a folder"):
        read_runs(tmp_path)
    with pytest.raises(FileError, match="cannot read"):
        read_runs("a\0b.csv")


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "LARGEST_FILE", 100)
    with pytest.raises(FileError, match="holds more than"):
        read_runs(write(tmp_path / "a.csv", "a\n" + "1\n" * 100))
    with gzip.open(tmp_path / "b.csv.gz", "wb") as handle:
        handle.write(b"a\n" + b"1\n" * 1000)
    assert (tmp_path / "b.csv.gz").stat().st_size < 100
    with pytest.raises(FileError, match="holds more than"):
        read_runs(tmp_path / "b.csv.gz")


@pytest.mark.parametrize(
    "source", [3, None, [1, 2], {"a": "abc"}, {"a": 3}, {"a": [[1], [2]]}, {"a": {"b": 1}}, {}, {"a": []}]
)
def test_what_is_not_a_table_is_refused(source):
    with pytest.raises(RunsError):
        read_runs(source)


def test_unequal_columns_are_refused():
    with pytest.raises(RunsError, match="a 2, b 1"):
        read_runs({"a": [1, 2], "b": [1]})


quiet = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quiet
@given(st.binary(max_size=300), st.sampled_from([".csv", ".csv.gz", ".tsv", ".jsonl", ".parquet", ".txt"]))
def test_random_bytes_never_escape_as_another_error(tmp_path, content, suffix):
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(content)
    check_reading(path)


@quiet
@given(st.text(max_size=200), st.sampled_from([".csv", ".tsv", ".jsonl"]))
def test_random_text_never_escapes_as_another_error(tmp_path, content, suffix):
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    check_reading(path)


cells = st.one_of(
    st.floats().map(str), st.integers().map(str),
    st.sampled_from(["", "NA", "1e999", "-0", "c4", '"', "1,5", "0", "1e-320"]),
    st.text(max_size=4),
)  # fmt: skip
header = st.sampled_from(
    ["n_params", "N", "n_tokens", "D", "loss", "val_loss", "run", "step", "flops", "family", "weight"]
)


@quiet
@given(st.lists(header, min_size=1, max_size=6).flatmap(
    lambda names: st.tuples(st.just(names), st.lists(st.tuples(*[cells] * len(names)), max_size=5))
))  # fmt: skip
def test_random_tables_never_escape_as_another_error(tmp_path, table):
    names, rows = table
    path = tmp_path / "fuzz.csv"
    path.write_bytes("\n".join([",".join(row) for row in [names, *rows]]).encode("utf-8", "surrogatepass"))
    check_reading(path)


def check_reading(path: Path) -> None:
    """Reading, and all that one does next, gives an answer or an error of this package."""
    try:
        runs = read_runs(path)
    except BayeslawError:
        return
    runs.digest()
    str(runs.summary(LAW))
    json.dumps(runs.summary().as_dict(), allow_nan=False)
    questions = [
        lambda: observations.inputs(runs, LAW),
        lambda: observations.outcome(runs, LAW),
        lambda: runs.where("loss > 1"),
        lambda: observations.weights(runs),
    ]
    for question in questions:
        with contextlib.suppress(BayeslawError):
            question()


# ---------------------------------------------------------------- names and units


@pytest.mark.parametrize(("alias", "name"), [
    ("N", "n_params"), ("Params", "n_params"), ("model size", "n_params"), ("Model-Size", "n_params"),
    ("D", "n_tokens"),
    ("TOKENS", "n_tokens"), ("train_tokens", "n_tokens"), ("C", "flops"), ("FLOPs", "flops"), ("compute", "flops"),
    ("val_loss", "loss"), ("Validation Loss", "loss"), ("eval_loss", "loss"), ("LR", "learning_rate"),
])  # fmt: skip
def test_common_names_are_recognised(alias, name):
    assert standard_name(alias) == name
    assert read_runs({alias: [1.0]}).names == (name,)


@pytest.mark.parametrize("name", ["d", "n", "c", "n_params_no_embed", "loss_c4", "train_loss", "steps", "source"])
def test_other_names_are_left_alone(name):
    assert read_runs({name: [1.0]}).names == (name,)


def test_no_alias_stands_for_two_columns():
    words = [word.lower() for row in STANDARD.values() for word in (row.name, *row.aliases)]
    assert len(words) == len(set(words))


def test_an_exact_name_wins_and_two_aliases_are_refused():
    assert read_runs({"n_params": [1], "N": [2]}).column("n_params").tolist() == [1]
    with pytest.raises(RunsError, match="columns 'N' and 'params' could each be 'n_params'; say which"):
        read_runs({"N": [1], "params": [2]}).column("n_params")
    chosen = read_runs({"N": [1], "params": [2]}, columns={"n_params": "params"})
    assert chosen.column("n_params").tolist() == [2]
    assert chosen.data["N"].tolist() == [1]


def test_columns_maps_names_and_may_replace_or_copy():
    table = {"N (M)": [1, 2], "loss": [3, 4], "loss_c4": [5, 6]}
    runs = read_runs(table, columns={"n_params": "N (M)", "loss": "loss_c4"}, units={"n_params": "million"})
    assert runs.names == ("n_params", "loss")
    assert runs.column("n_params").tolist() == [1e6, 2e6]
    assert runs.column("loss").tolist() == [5, 6]
    both = read_runs({"x": [1]}, columns={"a": "x", "b": "x"})
    assert both.column("a").tolist() == both.column("b").tolist() == [1]
    with pytest.raises(RunsError, match=r"'N \(m\)', which is not there; did you mean 'N \(M\)'"):
        read_runs(table, columns={"n_params": "N (m)"})


@pytest.mark.parametrize(("unit", "factor"), [
    (1e6, 1e6), ("thousand", 1e3), ("Million", 1e6), ("billions", 1e9), ("trillion", 1e12), ("1e9", 1e9),
])  # fmt: skip
def test_units_multiply(unit, factor):
    assert read_runs({"N": [2.0]}, units={"n_params": unit}).column("n_params").tolist() == [2 * factor]
    assert read_runs({"N": [2.0]}, units={"N": unit}).column("n_params").tolist() == [2 * factor]


@pytest.mark.parametrize("unit", ["bilion", 0, -1, float("nan"), float("inf"), None])
def test_bad_units_are_refused(unit):
    with pytest.raises(RunsError, match="expected a positive number"):
        read_runs({"N": [2.0]}, units={"n_params": unit})


def test_units_of_text_of_nothing_and_twice_are_refused():
    with pytest.raises(RunsError, match="holds text"):
        read_runs({"a": ["x"]}, units={"a": 2})
    with pytest.raises(RunsError, match="did you mean 'loss'"):
        read_runs({"loss": [1]}, units={"los": 2})
    with pytest.raises(RunsError, match="given twice"):
        read_runs({"N": [1]}, units={"n_params": 1e6, "N": 1e6})


# ---------------------------------------------------------------- the table


def test_levels_are_sorted_and_index_the_rows():
    runs = Runs.from_arrays({"family": ["b", "a", "b"], "flops": [1e20, 1e19, 1e20], "fine": [1.0, 1.0000001, 1.0]})
    assert runs.levels("family")[0] == ("a", "b")
    assert runs.levels("family")[1].tolist() == [1, 0, 1]
    assert runs.levels("flops")[0] == ("1e+19", "1e+20")
    assert runs.levels("fine")[0] == ("1.0", "1.0000001")
    with pytest.raises(RunsError, match="did you mean 'family'"):
        runs.levels("familly")


def test_an_empty_cell_is_no_group():
    runs = read_runs(PLAIN)
    with pytest.raises(RunsError, match=r"'family' groups the runs, but is empty in row 4; .*family is known"):
        runs.levels("family")
    assert runs.where("family is known").levels("family")[0] == ("c4", "pile")


@pytest.mark.parametrize(("condition", "mask"), [
    ("n_params >= 3e8", lambda d: d["n_params"] >= 3e8),
    ("N >= 3e8", lambda d: d["n_params"] >= 3e8),
    ("family == 'c4'", lambda d: d["family"] == "c4"),
    ('family != "c4" and not n_tokens < 1e10', lambda d: (d["family"] != "c4") & (d["n_tokens"] >= 1e10)),
    ("1e8 < n_params <= 2.5e9", lambda d: (d["n_params"] > 1e8) & (d["n_params"] <= 2.5e9)),
    ("n_tokens / n_params > 50 or loss > 3", lambda d: (d["n_tokens"] / d["n_params"] > 50) | (d["loss"] > 3)),
    ("log10(n_params) > 8.2 or family == ''", lambda d: (np.log10(d["n_params"]) > 8.2) | (d["family"] == "")),
    ("loss == loss", lambda d: ~np.isnan(d["loss"])),
    ("loss > 0", lambda d: d["loss"] > 0),
    ("loss is known", lambda d: ~np.isnan(d["loss"])),
    ("family is known and N > 1e8", lambda d: (d["family"] != "") & (d["n_params"] > 1e8)),
    ("loss is not known or not family is known", lambda d: np.isnan(d["loss"]) | (d["family"] == "")),
    ("family >= 'd'", lambda d: d["family"].astype(str) >= "d"),
    ("n_params > 1e8 and log(n_params - 1e8) > 1", lambda d: d["n_params"] > 1e8),
    ("n_params <= 1e8 or log(n_params - 1e8) > 1", lambda d: d["n_params"] > 0),
    ("1 / loss > 0", lambda d: ~np.isnan(d["loss"])),
])  # fmt: skip
def test_where_is_the_mask_of_numpy(condition, mask):
    runs = read_runs(PLAIN)
    expected = np.asarray(mask(runs.data), dtype=bool)
    chosen = runs.where(condition)
    assert chosen.rows.tolist() == runs.rows[expected].tolist()
    assert chosen.column("n_params").tolist() == runs.column("n_params")[expected].tolist()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=10), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(-5, 5),
)  # fmt: skip
def test_where_agrees_with_numpy_on_any_comparison(values, sign, bound):
    runs = Runs.from_arrays({"x": values})
    x = runs.column("x")
    mask = {"<": x < bound, "<=": x <= bound, ">": x > bound, ">=": x >= bound, "==": x == bound, "!=": x != bound}[
        sign
    ]
    if mask.any():
        assert runs.where(f"x {sign} {bound}").rows.tolist() == runs.rows[mask].tolist()
    else:
        with pytest.raises(RunsError, match="no run of"):
            runs.where(f"x {sign} {bound}")


@pytest.mark.parametrize(("condition", "words"), [
    ("famly == 'c4'", "did you mean 'family'"),
    ("family < 3", "compares family (text) with 3 (a number)"),
    ("n_params == 'c4'", "compares n_params (a number) with 'c4' (text)"),
    ("family + 1 > 2", "'+' takes numbers, not text"),
    ("sqrt(family) > 2", "'sqrt' takes numbers, not text"),
    ("n_params", "it is not a comparison"),
    ("family", "it is not a comparison"),
    ("n_params > 1 and n_tokens", "'n_tokens' is not one"),
    ("not family", "'family' is not one"),
    ("(n_params > 1) == (n_tokens > 1)", "not other comparisons"),
    ("1 < 2", "both constants"),
    ("family == 'zz'", "no run of 4 meets"),
    ("n_params / 0 > 1", "it compares what is not a finite number in rows 1, 2, 3 and 1 more"),
    ("log(n_params - 1e8) > 1", "not a finite number in rows 1, 4;"),
    ("not n_params / (loss - 3.1) > 1", "not a finite number in row 1;"),
    ("famly is known", "did you mean 'family'"),
    ("(family is known) == (loss is known)", "not other comparisons"),
    (None, "a condition is a text such as"),
])  # fmt: skip
def test_a_condition_that_cannot_be_used_says_why(condition, words):
    with pytest.raises(RunsError) as caught:
        read_runs(PLAIN).where(condition)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "x.",
        "n_params >",
        "__import__('os')",
        "family in 'c4'",
        "n_params[0] > 1",
        "loss is loss",
        "loss + 1 is known",
        "loss is known is known",
    ],
)
def test_a_condition_that_cannot_be_read_is_a_law_error(condition):
    with pytest.raises(LawError):
        read_runs(PLAIN).where(condition)


def test_runs_cannot_be_changed():
    runs = read_runs(PLAIN)
    with pytest.raises(ValueError, match="read-only"):
        runs.column("loss")[0] = 1
    with pytest.raises(AttributeError):
        runs.source = "x"


def test_a_frame_has_the_same_columns():
    pandas = pytest.importorskip("pandas")
    runs = read_runs(PLAIN)
    frame = runs.frame()
    assert isinstance(frame, pandas.DataFrame)
    assert same(read_runs(frame), runs)


def test_digest_is_of_the_contents():
    runs = read_runs(PLAIN)
    turned = Runs.from_arrays(dict(reversed(PLAIN.items())), source="elsewhere")
    assert runs.digest() == turned.digest()
    assert len(runs.digest()) == 64
    assert runs.digest() != runs.take([1, 0, 2, 3]).digest()
    assert runs.digest() != Runs.from_arrays({**PLAIN, "loss": [3.1, 2.2, 2.8, 1]}).digest()
    assert Runs.from_arrays({"a": ["x", "yz"]}).digest() != Runs.from_arrays({"a": ["xy", "z"]}).digest()
    # A literal, so that a saved fit recognises its runs in a later version.
    assert Runs.from_arrays({"a": [0.0, 1.5], "b": ["x", ""]}).digest() == DIGEST


DIGEST = "3a242a8e5b0e81ba9a04ca834e81c3c56df1373f0f4e9ed071d0f0aad54c578a"


def test_take_keeps_the_row_numbers(tmp_path):
    runs = read_runs(write(tmp_path / "a.csv", "a\n1\n\n2\n3\n"))
    assert runs.rows.tolist() == [2, 4, 5]
    assert runs.take([2, 0]).rows.tolist() == [5, 2]
    assert runs.take(runs.column("a") > 1).rows.tolist() == [4, 5]
    assert len(runs.take([])) == 0


# ---------------------------------------------------------------- what a law asks


def test_inputs_and_outcome_are_the_columns():
    runs = good()
    found = observations.inputs(runs, LAW)
    assert list(found) == ["N", "D"]
    assert found["N"].tolist() == [1e8, 1e9, 1e10]
    assert found["N"].dtype == np.float64
    assert observations.outcome(runs, LAW).tolist() == [4, 3, 2]


@pytest.mark.parametrize(("changes", "words"), [
    ({"n_params": [0.07, 1.5, 7]},
     "column 'n_params' reaches 7, but law 'two_powers' expects a count of parameters between 1e5 and 1e14; "
     "is it in billions or in trillions? Pass units={'n_params': 1e9} or units={'n_params': 1e12}."),
    ({"n_params": [70, 160, 400]}, "is it in millions or in billions? Pass units={'n_params': 1e6} or units"),
    ({"n_tokens": [0.01, 0.3, 1.2]}, "column 'n_tokens' reaches 1.2"),
    ({"n_tokens": [5, 20, 300]}, "is it in millions, in billions or in trillions? Pass units={'n_tokens': 1e6}, "),
    ({"n_params": [7, 1e9, 1e10]}, "column 'n_params' is 7 in row 1"),
    ({"n_params": [1e8, -1e9, 1e10]}, "column 'n_params' is -1e+09 in row 2"),
    ({"n_params": [1e8, 1e9, 0]}, "column 'n_params' is 0 in row 3"),
    ({"n_params": [1e8, float("nan"), 1e10]}, "column 'n_params' is empty in row 2"),
    ({"n_params": [1e8, 1e9, float("inf")]}, "column 'n_params' is inf in row 3"),
    ({"n_params": [1e8, 1e9, float("inf")]}, "correct it, or leave such rows out"),
    ({"n_params": [1e8, True, 1e10]}, "row 2 of column 'n_params' is 'True', but law 'two_powers' expects a count of"),
    ({"n_params": [True, False, True]}, "row 1 of column 'n_params' is 'True', but law 'two_powers' expects a count"),
    ({"n_params": ["true", "", "false"]}, "row 1 of column 'n_params' is 'true', but law 'two_powers' expects"),
    ({"n_params": ["1e8", "8x7B", "2B"]}, "row 2 of column 'n_params' is '8x7B'"),
])  # fmt: skip
def test_a_wrong_input_says_what_where_and_what_to_do(changes, words):
    with pytest.raises(RunsError) as caught:
        observations.inputs(good(**changes), LAW)
    assert words in str(caught.value)
    assert str(caught.value).startswith("runs: ")


def test_the_remedy_for_a_unit_works():
    table = {"n_params": [0.07, 1.5, 7], "n_tokens": [1e9] * 3}
    assert observations.inputs(read_runs(table, units={"n_params": 1e9}), LAW)["N"].max() == 7e9


@pytest.mark.parametrize(("given", "words"), [
    ("billions", "it was multiplied by 1e9 as units say: leave 'n_params' out of units."),
    (1e12, "it was multiplied by 1e12 as units say: pass units={'n_params': 1e9}, units={'n_params': 1e6} or "
     "units={'n_params': 1000} instead."),
])  # fmt: skip
def test_the_remedy_for_a_unit_counts_from_the_one_that_was_given(given, words):
    sizes = [7e7, 1.5e9, 7e9] if given == "billions" else [700, 1500, 7000]
    table = {"N": sizes, "n_tokens": [1e9] * 3}
    runs = read_runs(table, units={"n_params": given})
    for each in (runs, runs.where("n_tokens > 1")):
        with pytest.raises(RunsError) as caught:
            observations.inputs(each, LAW)
        assert words in str(caught.value)
        assert "column 'N' (n_params) reaches" in str(caught.value)


def test_a_factor_that_overflows_is_no_unit(recwarn):
    with pytest.raises(RunsError, match="correct it"):
        observations.inputs(good(n_params=[1e300] * 3), LAW)
    assert not recwarn.list


def test_losses_that_look_like_perplexities_are_named_as_such():
    with pytest.raises(RunsError, match="If it is a perplexity, take its log, which is the loss: columns="):
        observations.outcome(good(loss=[30.0, 20.0, 8.0]), LAW)
    with pytest.raises(RunsError, match=r"between 0\.3 and 15; correct it, or"):
        observations.outcome(good(loss=[99.0, 3.0, 2.0]), LAW)


def test_a_few_runs_just_beyond_the_range_are_allowed():
    assert observations.inputs(good(n_params=[5e4, 1e9, 1e10]), LAW)["N"][0] == 5e4
    notes = good(n_params=[5e4, 1e9, 1e10]).summary(LAW).notes
    assert "outside-range" in [n.code for n in notes]


def test_a_missing_column_says_what_there_is():
    with pytest.raises(RunsError) as caught:
        observations.outcome(Runs.from_arrays({"nparams_": [1e9], "lost": [3]}), LAW)
    assert "did you mean 'lost'" in str(caught.value)
    assert "columns={'loss': 'lost'}" in str(caught.value)
    with pytest.raises(RunsError, match="law 'two_powers' needs columns 'n_params', 'n_tokens' and 'loss', which are"):
        observations.check_columns(Runs.from_arrays({"other": [1]}), LAW)
    with pytest.raises(RunsError, match="input 'D' of law 'two_powers' needs column 'n_tokens'"):
        observations.inputs(Runs.from_arrays({"n_params": [1e9]}), LAW)


def test_a_standard_column_is_not_taken_for_another():
    with pytest.raises(RunsError, match="needs column 'flops', which is not there; the file has"):
        Runs.from_arrays({"n_params": [1e9], "loss": [3]}).column("flops")


def test_words_are_near_whatever_their_case():
    assert did_you_mean("n", ["D", "N"]) == "; did you mean 'N'"
    assert did_you_mean("RPJ", ["c4", "rpj"]) == "; did you mean 'rpj'"
    assert did_you_mean("z", ["D", "N"]) == ""


def test_a_law_may_name_its_column_by_an_alias():
    law = Law.parse(LAW.text.replace('"n_params"', '"N"'), "alias")
    assert observations.inputs(read_runs({"params": [1e9], "tokens": [1e9]}), law)["N"].tolist() == [1e9]


@pytest.mark.parametrize(("values", "words"), [
    ([4.0, 3.0, -1.0], "is -1 in row 3, but the LogNormal likelihood"),
    ([4.0, 0.0, 1.0], "is 0 in row 2"),
    ([4.0, float("nan"), 1.0], "is empty in row 2"),
    ([4.0, 99.0, 1.0], "is 99 in row 2"),
    (["a", "b", "c"], "row 1 of column 'loss' is 'a'"),
])  # fmt: skip
def test_a_wrong_outcome_says_what_where_and_what_to_do(values, words):
    with pytest.raises(RunsError) as caught:
        observations.outcome(good(loss=values), LAW)
    assert words in str(caught.value)


def test_shares_lie_between_zero_and_one():
    assert observations.outcome(good(error=[0.1, 0.5, 0.9]), SHARES).tolist() == [0.1, 0.5, 0.9]
    with pytest.raises(RunsError, match="in percent"):
        observations.outcome(good(error=[10, 50, 90]), SHARES)
    for bad in (0.0, 1.0, -0.1):
        with pytest.raises(RunsError, match="shares above 0"):
            observations.outcome(good(error=[0.1, bad, 0.5]), SHARES)


def test_shares_of_all_or_none_come_with_a_remedy():
    runs = good(error=[0.0, 0.4, 1.0])
    with pytest.raises(RunsError, match=r"is 0 in rows 1, 3, .* shares above 0 .*a Binomial likelihood") as caught:
        observations.outcome(runs, SHARES)
    condition = str(caught.value).split('where("')[1].split('")')[0]
    assert observations.outcome(runs.where(condition), SHARES).tolist() == [0.4]


def test_counts_are_whole_and_within_their_trials():
    assert observations.outcome(good(n_correct=[0, 3, 10], n_trials=[10, 10, 10]), COUNTS).tolist() == [0, 3, 10]
    with pytest.raises(RunsError, match=r"is 0\.5 in row 2"):
        observations.outcome(good(n_correct=[0, 0.5, 1], n_trials=[10] * 3), COUNTS)
    with pytest.raises(RunsError, match="is -1 in row 1"):
        observations.outcome(good(n_correct=[-1, 0, 1], n_trials=[10] * 3), COUNTS)
    with pytest.raises(RunsError, match="11 successes in 10 trials in row 3"):
        observations.outcome(good(n_correct=[0, 1, 11], n_trials=[10] * 3), COUNTS)


def test_a_formula_wins_where_its_sources_are_there_else_the_column():
    assert observations.inputs(good(flops=[1e18] * 3), SHARES)["C"].tolist() == [6e17, 6e19, 6e21]
    only = Runs.from_arrays({"flops": [1e18, 1e19], "error": [0.1, 0.2]})
    assert observations.inputs(only, SHARES) == {"C": pytest.approx([1e18, 1e19])}
    with pytest.raises(RunsError, match="needs columns 'n_params' and 'n_tokens', which are not there"):
        observations.inputs(Runs.from_arrays({"error": [0.1]}), SHARES)


def test_schedules_are_summed_run_by_run_in_the_order_of_steps():
    table = {
        "run": ["b", "a", "a", "b", "a"], "step": [20, 10, 30, 10, 20],
        "learning_rate": [2, 1, 0, 2, 1], "loss": [3.0] * 5,
    }  # fmt: skip
    lr_sum = SCHEDULES["lr_sum"][0]
    a = lr_sum(np.array([1.0, 1, 0]), np.array([10.0, 20, 30]))
    b = lr_sum(np.array([2.0, 2]), np.array([10.0, 20]))
    expected = [b[1], a[0], a[2], b[0], a[1]]
    assert observations.inputs(Runs.from_arrays(table), SCHEDULE)["S"].tolist() == expected
    texts = {"family": table["run"], "schedule": ["cosine"] * 5, **table}
    del texts["run"]
    assert observations.inputs(Runs.from_arrays(texts), SCHEDULE)["S"].tolist() == expected
    texts["family"] = ["one"] * 5
    with pytest.raises(RunsError, match="are the same step of one run"):
        observations.inputs(Runs.from_arrays(texts), SCHEDULE)


CURVES = {
    "run": ["a"] * 4 + ["b"] * 3, "step": [10, 20, 30, 40, 10, 20, 40],
    "learning_rate": [4, 3, 2, 1, 9, 9, 0], "loss": [3.5, 3.3, 3.2, 3.1, 3.6, 3.4, 3.0],
}  # fmt: skip


@pytest.mark.parametrize("condition", ["step > 20", "step == 40 or run == 'b'", "loss < 3.3", "run == 'b'"])
def test_schedules_are_summed_over_records_that_were_left_out(condition):
    """The rate of a step was trained at, whether or not its loss is fitted."""
    whole = Runs.from_arrays(CURVES)
    kept = rows_where(whole, condition)
    expected = observations.inputs(whole, SCHEDULE)["S"][kept]
    chosen = whole.where(condition)
    assert observations.inputs(chosen, SCHEDULE)["S"].tolist() == expected.tolist()
    fewer = observations.inputs(chosen.where("step > 10"), SCHEDULE)
    assert fewer["S"].tolist() == expected[chosen.column("step") > 10].tolist()


def test_hiding_keeps_the_records_that_were_left_out():
    """A rate of 1e-3 to step 1000, then let down to nothing at step 2200; rows from step 1500 on.

    By hand: 1000 steps at 1e-3, then 500 whose rate falls by 1/1200 of 1e-3 each, so S = 1 + .3956, and M is the sum of
    what is left of those drops after each step.
    """
    steps = np.array([1000.0, 1500.0, 2000.0])
    table = {"step": steps, "learning_rate": 1e-3 * (1 - (steps - 1000) / 1200), "loss": [3.2, 3.1, 3.0]}
    kept = Runs.from_arrays(table).where("step >= 1500")
    law = catalogue.law("lr_annealing")
    hidden = kept.hiding(np.array([False, True]))
    assert hidden.column("weight").tolist() == [1.0, 0.0]
    for runs in (kept, hidden, hidden.where("step < 1800"), hidden.take([0])):
        found = observations.inputs(runs, law)
        drop, gap = 1e-3 / 1200, np.arange(1, 501)
        assert found["S"][0] == pytest.approx(1.0 + (1e-3 - drop * gap).sum(), rel=1e-12)
        assert found["M"][0] == pytest.approx(drop * np.cumsum(0.999 ** (gap - 1)).sum(), rel=1e-9)
        assert (found["S"][0].round(3), found["M"][0].round(3)) == (1.396, 0.089)


def test_hiding_keeps_the_names_of_the_file():
    hidden = read_runs({"N_million": [1.0, -2.0]}, columns={"n_params": "N_million"}).hiding(np.array([True, False]))
    assert called(hidden, "n_params") == "column 'N_million' (n_params)"


def test_sums_out_of_range_are_refused_before_anything_is_fitted():
    """A rate that falls, and then rises above where it was, has undone more than had been annealed."""
    curve = {"step": [1000, 2000, 3000], "learning_rate": [3e-3, 1e-3, 9e-3], "loss": [3.5, 3.3, 3.2]}
    runs, annealing = Runs.from_arrays(curve), catalogue.law("lr_annealing")
    with pytest.raises(RunsError) as caught:
        observations.inputs(runs, annealing)
    assert str(caught.value).startswith(
        "runs: input 'M' (summed along each run from 'learning_rate' and 'step') is -1.41115 in row 3, but law "
        "'lr_annealing' expects values in rate*step between -0.3 and 1; correct 'learning_rate' and 'step', or leave "
    )
    assert any("'M' (summed" in note.text for note in runs.summary(annealing).notes)


def test_columns_are_not_compared_each_with_each():
    """A file of 200,000 columns would take minutes: comparisons of names grow with their number, not its square."""

    class Name(str):
        __slots__ = ()
        compared = 0

        def strip(self, *_):
            return self

        def __eq__(self, other):
            Name.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    width = 400
    names = [Name(f"metric {i}") for i in range(width)]
    wide = table([(name, np.array([1.0, 2.0])) for name in names], np.array([2, 3]), "wide")
    read = read_runs(wide, columns={"loss": "metric 7"})
    assert len(read.names) == width
    assert Name.compared <= 10 * width


def test_sums_that_are_columns_are_read():
    told = Runs.from_arrays({**CURVES, "S": np.arange(7.0)})
    assert observations.inputs(told, SCHEDULE)["S"].tolist() == list(range(7))


@pytest.mark.parametrize("rate", [None, -1.0])
def test_records_left_out_because_of_a_fault_count_no_more(rate):
    """A rate that is not one, or a second record of a step, is what leaving out is the remedy for."""
    faulty = {**CURVES, "learning_rate": [4, 3, rate, 1, 9, 9, 0]}
    chosen = Runs.from_arrays(faulty).where("learning_rate >= 0")
    without = Runs.from_arrays({name: [v for i, v in enumerate(values) if i != 2] for name, values in CURVES.items()})
    assert observations.inputs(chosen, SCHEDULE)["S"].tolist() == observations.inputs(without, SCHEDULE)["S"].tolist()
    twice = Runs.from_arrays({name: [*values, values[0]] for name, values in CURVES.items()} | {"copy": [0] * 7 + [1]})
    with pytest.raises(RunsError, match="same step"):
        observations.inputs(twice, SCHEDULE)
    once, again = (observations.inputs(each, SCHEDULE) for each in (Runs.from_arrays(CURVES), twice.where("copy == 0")))
    assert (once["S"] == again["S"]).all()


def test_a_duplicated_run_id_is_refused_unless_it_has_steps():
    with pytest.raises(RunsError, match="a duplicated run id: 'x' of column 'run_id' is in rows 1 and 3"):
        observations.inputs(good(run_id=["x", "y", "x"]), LAW)
    with pytest.raises(RunsError, match=r"a duplicated run id: 'x' of column 'run_id' \(run\) is in rows 1 and 2"):
        observations.inputs(read_runs({"run_id": ["x", "x"], "N": [1e8, 1e9], "D": [1e9, 1e9]}), LAW)
    with pytest.raises(RunsError, match="a duplicated run id: '7'"):
        observations.inputs(good(run=[7, 8, 7]), LAW)
    observations.inputs(good(run_id=["x", "y", "x"], step=[1, 2, 3]), LAW)
    observations.inputs(good(run_id=["x", "y", "z"]), LAW)
    observations.inputs(good(run_id=["", "y", ""]), LAW)


def test_weights_and_standard_errors():
    assert observations.weights(good()).tolist() == [1, 1, 1]
    assert observations.weights(good(weight=[1, 2, 0.5])).tolist() == [1, 2, 0.5]
    assert observations.weights(good(weight=[1, 0, 0.5])).tolist() == [1, 0, 0.5]
    assert observations.weights(good().hiding(np.array([False, True, False]))).tolist() == [1, 0, 1]
    with pytest.raises(RunsError, match="'weight' is -1 in row 2, but a run counts for 0 or more"):
        observations.weights(good(weight=[1, -1, 0.5]))
    assert observations.standard_error(good(), LAW) is None
    assert observations.standard_error(good(se=[0.1] * 3), LAW).tolist() == [0.1] * 3
    assert observations.standard_error(good(se=[0.1] * 3, loss_se=[0.2] * 3), LAW).tolist() == [0.2] * 3
    with pytest.raises(RunsError, match="a standard error is positive"):
        observations.standard_error(good(loss_se=[0.1, -1, 0.1]), LAW)


def test_fewer_runs_than_parameters_are_refused():
    with pytest.raises(RunsError, match="3 runs cannot determine the 6 free parameters of law 'two_powers'"):
        check_enough(good(), LAW)
    with pytest.raises(RunsError, match=r"hold 3 parameters at .*: law\.with_priors\(E=\"Constant"):
        check_enough(good(), LAW)
    check_enough(good().take([0, 1, 2, 0, 1, 2]), LAW)


@pytest.mark.parametrize("name", [
    "chinchilla_epoch", "gadre_overtraining", "loss_to_loss", "porian_isoflop", "steplaw_dense", "datablations",
])  # fmt: skip
def test_public_sweeps_fit_a_law_as_they_are(shared_data, name):
    runs = read_runs(shared_data / f"{name}.csv")
    assert observations.inputs(runs, LAW)["N"].shape == observations.outcome(runs, LAW).shape == (len(runs),)


def test_every_public_table_can_be_read(shared_data):
    for path in sorted(shared_data.glob("*.csv")):
        assert len(read_runs(path)) == len(read_runs(path).rows) > 0


def test_a_condition_knows_the_compute_that_parameters_and_tokens_make():
    """Also by its other names; a column of its own comes first, and without tokens there is none."""
    table = {"N": [1e8, 1e9, np.nan], "D": [2e9, 2e10, 2e10], "loss": [3.5, 3.0, 2.9]}
    runs = read_runs(table)
    assert runs.where("flops < 2e19").rows.tolist() == runs.where("C < 2e19").rows.tolist() == [1]
    assert not runs.where("flops < 2e19").has("flops")
    assert read_runs({**table, "flops": [1e20, 1e19, 1e18]}).where("flops < 2e19").rows.tolist() == [2, 3]
    with pytest.raises(RunsError, match="needs column 'flops', which is not there"):
        read_runs({"N": [1e8, 1e9], "loss": [3.5, 3.0]}).where("flops < 2e19")


def test_an_example_is_read_by_its_name():
    runs = example("gadre")
    assert len(runs) == 104
    assert len(runs.where("fit_role == 'loss_fit'")) == 15
    with pytest.raises(RunsError, match=r"no example 'gadr'; did you mean 'gadre'; there is: gadre"):
        example("gadr")
