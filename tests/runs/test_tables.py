"""Tables as people have them: separators, marks, sizes, units in headers, nested objects; and no wrong guess."""

import codecs
import json
import sys
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayeslaw.cli import commands
from bayeslaw.errors import FileError, LawError, RunsError
from bayeslaw.language import catalogue
from bayeslaw.runs import observations
from bayeslaw.runs.headers import without_holder, without_unit
from bayeslaw.runs.reading import delimited
from bayeslaw.runs.reading.numerals import COMMA, POINT, UNKNOWN, decimal_mark, number
from bayeslaw.runs.table import read_runs
from tests.runs.test_runs import check_reading

PLAIN = "n_params,n_tokens,loss\n1900000,20000000,3.91\n1900000,90000000,3.22\n5600000,20000000,3.54\n"
READ = {"n_params": [1.9e6, 1.9e6, 5.6e6], "n_tokens": [2e7, 9e7, 2e7], "loss": [3.91, 3.22, 3.54]}
RECORDS = [dict(zip(READ, row, strict=True)) for row in zip(*READ.values(), strict=True)]
NESTED = [
    {"config": {"n_params": n}, "summary": {"tokens": d, "val/loss": x}, "tags": ["a", {"b": 1}]}
    for n, d, x in zip(*READ.values(), strict=True)
]

# The same three runs, as different hands have written them.
SAME = {
    "plain.csv": PLAIN,
    "tabs.csv": PLAIN.replace(",", "\t"),
    "bars.txt": PLAIN.replace(",", "|"),
    "commas.tsv": PLAIN,
    "decimal-comma.csv": PLAIN.replace(",", ";").replace(".", ","),
    "decimal-comma-and-points.csv": "n_params;n_tokens;loss\n1.900.000;20.000.000;3,91\n1.900.000;90.000.000;3,22\n"
                                    "5.600.000;20.000.000;3,54\n",
    "decimal-comma-and-spaces.csv": "n_params;n_tokens;loss\n1 900 000;2e7;3,91\n1 900 000;9e7;3,22\n"
                                    "5 600 000;2e7;3,54",
    "decimal-comma-tabs.tsv": PLAIN.replace(",", "\t").replace(".", ","),
    "quoted.csv": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split()),
    "thousands.csv": 'n_params,n_tokens,loss\n"1,900,000","20,000,000",3.91\n"1,900,000","90,000,000",3.22\n'
                     '"5,600,000","20,000,000",3.54\n',
    "underscores.csv": PLAIN.replace("00000,", "_00000,").replace("1900000", "1_900_000").replace("_00000", "00000"),
    "apostrophes.csv": PLAIN.replace("1900000", "1'900'000").replace("5600000", "5’600’000"),
    "emphasis.csv": PLAIN.replace("3.22", "**3.22**").replace("3.54", "`3.54`"),
    "sizes.csv": "params,tokens,loss\n1.9M,20M,3.91\n1.9 M,0.09B,3.22\n5.6m,20M tokens,3.54\n",
    "sizes-and-commas.csv": "params;tokens;loss\n1,9M;20M;3,91\n1,9M;90M;3,22\n5,6M;20M;3,54\n",
    "powers.csv": PLAIN.replace("20000000", "2×10^7").replace("90000000", "9 x 10^7"),
    "units.csv": "Model Size (M),Tokens (1E6),Val Loss (nats)\n1.9,20,3.91\n1.9,90,3.22\n5.6,20,3.54\n",
    "two-headers.csv": "config,config,summary\nn_params,n_tokens,val_loss\n" + PLAIN.split("\n", 1)[1],
    "merged-headers.csv": "config,,summary\nn_params,n_tokens,val_loss\n" + PLAIN.split("\n", 1)[1],
    "slashes.csv": PLAIN.replace("n_params,n_tokens,loss", "config/n_params,summary.tokens_seen,val/loss"),
    "labels.csv": "model_size,total_params,tokens,loss\n2M,1900000,2e7,3.91\n2M,1900000,9e7,3.22\n6M,5600000,2e7,3.54",
    "index.csv": ",n_params,n_tokens,loss\n" + "\n".join(f"{i},{r}" for i, r in enumerate(PLAIN.split()[1:])),
    "unnamed.csv": "Unnamed: 0,n_params,n_tokens,loss\n1,1.9e6,2e7,3.91\n2,1.9e6,9e7,3.22\n3,5.6e6,2e7,3.54\n",
    "last-empty.csv": PLAIN.replace("\n", ",\n"),
    "old-mac.csv": PLAIN.replace("\n", "\r"),
    "windows.csv": PLAIN.replace("\n", "\r\n"),
    "blank-lines.csv": PLAIN.replace("\n", "\n\n  \n"),
    "lines.jsonl": "\n".join(map(json.dumps, RECORDS)),
    "array.json": json.dumps(RECORDS, indent=1),
    "array-in-lines.jsonl": json.dumps(RECORDS),
    "columns.json": json.dumps(READ),
    "columns-by-row.json": json.dumps({name: {str(i): x for i, x in enumerate(xs)} for name, xs in READ.items()}),
    "within.json": json.dumps({"made": "today", "runs": RECORDS}),
    "nested.jsonl": "\n".join(map(json.dumps, NESTED)),
    "told-separator.csv": "sep=;\n" + PLAIN.replace(",", ";").replace(".", ","),
    "markdown.txt": "| n_params | n_tokens | loss |\n|---|:--:|--:|\n"
                    + "".join(f"| {' | '.join(row.split(','))} |\n" for row in PLAIN.split()[1:]),
    "aligned.txt": PLAIN.replace(",", "   ").replace("\n", " \n"),
    "empty-rows.csv": PLAIN + ",,\n , ,\n",
    "units-below.csv": "N,D,loss\n(M),M tokens,nats/token\n1.9,20,3.91\n1.9,90,3.22\n5.6,20,3.54\n",
    "units-below-names.csv": "run,N,D,loss\n,millions,[1e6],-\na,1.9,20,3.91\nb,1.9,90,3.22\nc,5.6,20,3.54\n",
    "three-headers.csv": "config,config,summary\nmodel,data,val\nn_params,n_tokens,loss\n" + PLAIN.split("\n", 1)[1],
    "split.json": json.dumps({"columns": [*READ], "index": [0, 1, 2], "data": [*zip(*READ.values(), strict=True)]}),
    "rows.json": json.dumps([[*READ], *zip(*READ.values(), strict=True)]),
    "by-name.json": json.dumps({f"run {i}": record for i, record in enumerate(RECORDS)}),
    "settings.json": json.dumps([{name: {"desc": None, "value": x} for name, x in each.items()} for each in RECORDS]),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_the_same_runs_are_read_however_they_are_written(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SAME[name].encode())
    runs = read_runs(path)
    for column, values in READ.items():
        assert runs.column(column).tolist() == pytest.approx(values, rel=1e-15), column


@pytest.mark.parametrize(("encoding", "mark"), [
    ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE),
    ("utf-16-le", b""), ("utf-16-be", b""),
])  # fmt: skip
def test_encodings(tmp_path, encoding, mark):
    path = tmp_path / "a.csv"
    path.write_bytes(mark + PLAIN.replace(",", "\t").encode(encoding))
    assert read_runs(path).column("loss").tolist() == READ["loss"]


@pytest.mark.parametrize("text", ["größe", "5€ “fast” – ½", "ñandú"])
def test_a_european_spreadsheet_is_read(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{text};n_params;loss\n{text};1,5e6;3,91\n{text};2,5e6;3,22\n".encode("cp1252"))
    runs = read_runs(path)
    assert runs.names == (text, "n_params", "loss")
    assert runs.column(text).tolist() == [text, text]
    assert runs.column("n_params").tolist() == [1.5e6, 2.5e6]


@pytest.mark.parametrize("raw", [
    "损失,n_params\n1,2\n".encode("gbk"), "модель,n_params\n1,2\n".encode("cp1251"),
    "größe,n_params\n1,2\n".encode() + b"\xff,3\n",
])  # fmt: skip
def test_text_in_another_encoding_is_refused_with_its_row(tmp_path, raw):
    path = tmp_path / "a.csv"
    path.write_bytes(raw)
    with pytest.raises(FileError, match=r"not text in UTF-8 \(row [13]\); save the table as CSV in UTF-8"):
        read_runs(path)


@pytest.mark.parametrize("title", ["Runs of 2024", "Runs of 2024,,", "# made by a script"])
def test_a_title_is_refused_in_one_sentence(tmp_path, title):
    path = tmp_path / "a.csv"
    path.write_text(f"{title}\n{PLAIN}")
    with pytest.raises(RunsError, match=r"row 1 has 1 cell.* below it have 3: it seems to be a title"):
        read_runs(path)


def test_one_column_beside_an_index_is_no_title(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",loss\n0,3.1\n1,3.2\n")
    assert read_runs(path).column("loss").tolist() == [3.1, 3.2]


@pytest.mark.parametrize(("cell", "value"), [
    ("89.4%", 0.894), ("33.7 %", 0.337), ("~34%", 0.34), ("**3.36**", 3.36), ("−2.5", -2.5), ("1.4×10^21", 1.4e21),
    ("10^20", 1e20), ("2,048", 2048.0), ("1,234.5", 1234.5), ("Infinity", np.inf), ("-inf", -np.inf), ("+3.", 3.0),
    ("2024_01", None), ("8x7B", None), ("33.7±0.4", None), ("1.3B", None), ("1,5", None), ("0x10", None), ("", None),
    ("1-2", None), ("1,23,456", None),
])  # fmt: skip
def test_a_number_is_what_a_cell_says(cell, value):
    assert number(cell) == value


@pytest.mark.parametrize(("cell", "value"), [
    ("125M", 1.25e8), ("0.41M", 4.1e5), ("1.3 B", 1.3e9), ("300k", 3e5), ("2T tokens", 2e12), ("7b", 7e9),
    ("1.3 billion", 1.3e9), ("125 params", 125.0), ("8x7B", None), ("B", None), ("1.3X", None), ("12", 12.0),
])  # fmt: skip
def test_sizes(cell, value):
    assert number(cell, sizes=True) == value


@pytest.mark.parametrize(("cells", "mark"), [
    (["3,91", "3"], COMMA), (["3,912", "4,001"], UNKNOWN), (["3.91"], POINT), (["1,234,567"], POINT),
    (["0,123"], COMMA), (["1.234,5"], COMMA), (["1.234.567"], COMMA), (["1,234.5"], POINT), (["3,91", "3.92"], UNKNOWN),
    (["c4", "3,91"], None), (["1,3B"], COMMA), ([",5"], COMMA), (["33,7%"], COMMA),
])  # fmt: skip
def test_a_decimal_mark_is_proven_and_not_guessed(cells, mark):
    assert decimal_mark(cells) == mark


def test_a_comma_that_may_be_either_is_refused_where_a_number_is_needed(tmp_path):
    """A wrong guess would be a thousand times off."""
    path = tmp_path / "a.csv"
    path.write_text("n_params;loss\n1000;3,912\n2000;3,220\n")
    with pytest.raises(
        RunsError, match=r"row 2 of column 'loss' is '3,912', but .*it may be 3912 or 3.912, and no other cell"
    ):
        observations.outcome(read_runs(path), catalogue.law("chinchilla"))
    path.write_text("n_params;loss;lr\n1000;3,912;0,1\n2000;3,220;0,2\n")
    assert read_runs(path).column("loss").tolist() == [3.912, 3.220]


def workbook(path, rows):
    """The least file that is a workbook: text in place, no styles."""

    def cell(value):
        return f"<c><v>{value}</v></c>" if isinstance(value, float) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    root = "http://schemas.openxmlformats.org"
    main, office, package = f"{root}/spreadsheetml/2006/main", f"{root}/officeDocument/2006", f"{root}/package/2006"
    kind, relations = "application/vnd.openxmlformats-officedocument.spreadsheetml", f"{package}/relationships"

    def relation(what, target):
        one = f'<Relationship Id="r1" Type="{office}/relationships/{what}" Target="{target}"/>'
        return f'<Relationships xmlns="{relations}">{one}</Relationships>'

    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}/relationships"><sheets>'
        '<sheet name="runs" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relation("worksheet", "sheet.xml"),
        "xl/sheet.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)


def test_a_workbook_is_read_like_any_table(tmp_path):
    pytest.importorskip("python_calamine")
    rows = [list(row) for row in zip(*READ.values(), strict=True)]
    body = [[float(i), n / 1e6, d, f"{x:.2f}"] for i, (n, d, x) in enumerate(rows)]
    workbook(tmp_path / "a.xlsx", [["", "Params (M)", "n_tokens", "val/loss"], *body])
    runs = read_runs(tmp_path / "a.xlsx")
    assert runs.names == tuple(READ)
    assert runs.rows.tolist() == [2, 3, 4]
    for column, values in READ.items():
        assert runs.column(column).tolist() == pytest.approx(values)


def test_a_workbook_without_its_reader_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    workbook(tmp_path / "a.xlsx", [["a"], [1.0]])
    with pytest.raises(FileError, match=r"pip install 'bayeslaw\[excel\]'"):
        read_runs(tmp_path / "a.xlsx")


def test_labels_stay_labels(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,family,day,loss\n7B,1.3B,2024-01-02,3\n13B,350M,2024-02-02,-\n")
    runs = read_runs(path)
    assert runs.column("name").tolist() == ["7B", "13B"]
    assert runs.column("family").tolist() == ["1.3B", "350M"]
    assert runs.column("day").tolist() == ["2024-01-02", "2024-02-02"]
    assert np.isnan(runs.column("loss")[1])
    assert read_runs(path, columns={"n_params": "name"}).column("n_params").tolist() == [7e9, 13e9]


@pytest.mark.parametrize(("header", "read"), [
    ("FLOPs (1E21)", ("FLOPs", 1e21)), ("Model Size (B)", ("Model Size", 1e9)), ("tokens [B]", ("tokens", 1e9)),
    ("Compute (PF-days)", ("Compute", 8.64e19)), ("C (EFLOPs)", ("C", 1e18)), ("N (10^6)", ("N", 1e6)),
    ("Params (in millions)", ("Params", 1e6)), ("loss (nats)", ("loss", 1.0)), ("error (%)", ("error", 0.01)),
    ("D (billion tokens)", ("D", 1e9)), ("loss (bits)", None), ("loss (C4)", None), ("C (FLOP/s)", None),
    ("loss", None), ("(B)", None),
])  # fmt: skip
def test_the_unit_of_a_header(header, read):
    assert without_unit(header) == read


def test_what_holds_a_column_is_no_part_of_its_name_but_what_it_is_of_is():
    assert without_holder("config.model.n_layers") == "n_layers"
    assert without_holder("summary.val/loss") == "val/loss"
    assert without_holder("train/loss") == "train/loss"
    assert read_runs({"train/loss": [1.0], "teacher.n_params": [2.0]}).names == ("train/loss", "teacher.n_params")


HEADED = "Model,FLOPs (1E21),error\na,0.14,0.7\nb,24.0,0.42\nc,6100,0.15\n"


@pytest.mark.parametrize(("header", "column", "factor"), [
    ("params_M", "n_params", 1e6), ("n_params_millions", "n_params", 1e6), ("Params in M", "n_params", 1e6),
    ("config.params_b", "n_params", 1e9), ("tokens_B", "n_tokens", 1e9), ("train tokens in billions", "n_tokens", 1e9),
    ("D (B tokens)", "n_tokens", 1e9), ("total_gflops", "flops", 1e9), ("flops_e21", "flops", 1e21),
    ("train_flops_1e18", "flops", 1e18), ("petaflop_days", "flops", 8.64e19), ("compute_pfdays", "flops", 8.64e19),
    ("PF-days", "flops", 8.64e19), ("total_flops", "flops", 1.0), ("tokens_seen", "n_tokens", 1.0),
])  # fmt: skip
def test_a_unit_at_the_end_of_a_count_is_its_unit(header, column, factor):
    runs = read_runs({header: [2.0, 3.0]})
    assert runs.names == (column,)
    assert runs.column(column).tolist() == [2.0 * factor, 3.0 * factor]
    assert read_runs({header: [2.0, 3.0]}, units={column: 10.0}).column(column).tolist() == [20.0, 30.0]


@pytest.mark.parametrize("header", ["TFLOPs", "tflops_per_gpu", "loss_b", "lr_1e3", "run_k", "N_B", "num_flops_ratio"])
def test_what_may_be_something_else_is_no_unit(header):
    assert read_runs({header: [2.0]}).names == (header,)


def test_the_unit_of_a_name_that_the_caller_gives_is_read():
    assert read_runs({"TFLOPs": [2.0]}, {"flops": "TFLOPs"}).column("flops").tolist() == [2e12]
    assert read_runs({"Data [T]": [2.0]}, {"n_tokens": "Data [T]"}).column("n_tokens").tolist() == [2e12]
    assert read_runs({"loss_b": [2.0]}, {"loss": "loss_b"}).column("loss").tolist() == [2.0]


def test_a_wrong_unit_of_a_name_is_answered_by_the_option_that_undoes_it():
    runs = read_runs({"params_b": [2e9, 3e9, 4e9], "n_tokens": [1e9, 2e9, 3e9]})
    with pytest.raises(RunsError, match=r"multiplied by 1e9 as its header says: pass units=\{'n_params': 1\} instead"):
        observations.inputs(runs, catalogue.law("chinchilla"))


def test_a_unit_of_a_header_is_kept_unless_the_caller_gives_another(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADED)
    given = {"flops": "FLOPs (1E21)"}
    for columns in (None, given):
        runs = read_runs(path, columns=columns)
        assert runs.column("flops").tolist() == pytest.approx([1.4e20, 2.4e22, 6.1e24])
        # By the file's own name, the file's own numbers.
        assert runs.where("FLOPs (1E21) > 5").rows.tolist() == [3, 4]
        assert runs.where("flops > 5e21").rows.tolist() == [3, 4]
    for name in ("flops", "FLOPs (1E21)"):
        assert read_runs(path, units={name: 1e18}).column("flops").tolist() == pytest.approx([1.4e17, 2.4e19, 6.1e21])


ODD = {
    "val/loss": [6.3, 4.6, 3.5], "lr schedule": ["constant", "cosine", "cosine"], "1e18": [1, 2, 3],
    "acc (%)": [1, 2, 3], "it's": [3, 2, 1], "größe-a": [1, 1, 2],
}  # fmt: skip


@pytest.mark.parametrize(("condition", "rows"), [
    ("val/loss < 5", [2, 3]), ("loss < 5", [2, 3]), ("lr schedule == 'cosine'", [2, 3]),
    ("[lr schedule] == 'cosine'", [2, 3]),
    ("[1e18] >= 2 and acc (%) < 3", [2]), ("[it's] == 3", [1]), ("größe-a == 2 or val/loss > 6", [1, 3]),
    ("lr schedule == 'lr schedule' or loss > 6", [1]), ("10 * val/loss < 40", [3]),
])  # fmt: skip
def test_names_need_not_be_single_words(condition, rows):
    assert read_runs(ODD).where(condition).rows.tolist() == rows


def test_a_fault_is_shown_where_it_is_beside_names_of_several_words():
    with pytest.raises(LawError) as caught:
        read_runs(ODD).where("größe-a == 2 and lr schedul == 'cosine'")
    said = str(caught.value).split("\n")
    assert said[1].strip() == "größe-a == 2 and lr schedul == 'cosine'"
    assert "in square brackets, such as [lr schedule]" in said[3]
    with pytest.raises(LawError, match="condition:1:14: unknown function"):
        read_runs(ODD).where("val/loss < 1*foo(3)")


@pytest.mark.parametrize(("table", "columns", "name", "values"), [
    ({"score": [0.25, 0.75]}, {"error": "1 - score"}, "error", [0.75, 0.25]),
    ({"score": ["25%", "75%"]}, {"error": "1 - score"}, "error", [0.75, 0.25]),
    ({"perplexity": [1.0, np.e]}, {"loss": "log(perplexity)"}, "loss", [0.0, 1.0]),
    ({"N": [1e6, 2e6], "D": [3.0, 4.0]}, {"flops": "6*n_params*n_tokens"}, "flops", [1.8e7, 4.8e7]),
    ({"val/loss": [1.0, 2.0]}, {"loss": "val/loss * 2"}, "loss", [2.0, 4.0]),
    ({"val/loss": [1.0, 2.0]}, {"loss": "val/loss"}, "loss", [1.0, 2.0]),
    ({"loss": [1.0, 2.0]}, {"loss": "2 * loss"}, "loss", [2.0, 4.0]),
    ({"loss": [1.0, 2.0]}, {"n_tokens": "1e9"}, "n_tokens", [1e9, 1e9]),
    ({"a": ["1.3B", "350M"]}, {"n_params": "a"}, "n_params", [1.3e9, 3.5e8]),
])  # fmt: skip
def test_a_column_may_be_a_formula_of_others(table, columns, name, values):
    assert read_runs(table, columns=columns).column(name).tolist() == pytest.approx(values)


def test_units_reach_the_columns_of_a_formula_first():
    runs = read_runs({"N": [1.0], "D": [2.0]}, {"flops": "6*N*D"}, {"n_params": 1e6, "flops": 10})
    assert runs.column("flops").tolist() == [1.2e8]


@pytest.mark.parametrize(("formula", "words"), [
    ("scor", "which is not there; did you mean 'score'"), ("1 - scor", "which is not there; did you mean 'score'"),
    ("log(1 + scr) * 4", "needs column 'scr', which is not there; did you mean 'score'"),
    ("1 - name", "column 'name' holds text, 'x' in row 1"), ("__import__('os')", "which is not there"),
    ("score.__class__", "which is not there"), ("score[0]", "which is not there"), ("1 -", "which is not there"),
])  # fmt: skip
def test_a_formula_that_is_none_is_refused(formula, words):
    with pytest.raises(RunsError) as caught:
        read_runs({"score": [0.1, 0.2], "name": ["x", "y"]}, {"error": formula})
    assert words in str(caught.value)


def test_two_columns_for_one_name_are_a_question_only_where_it_is_needed():
    both = {
        "run_name": ["a", "a"],
        "run_id": ["x", "y"],
        "n_params": [1e6, 2e6],
        "n_tokens": [1e8, 1e8],
        "loss": [3, 2],
    }
    runs = read_runs(both)
    assert not runs.has("run")
    assert "say which" not in str(runs.summary("chinchilla"))
    with pytest.raises(RunsError, match="columns 'run_name' and 'run_id' could each be 'run'; say which"):
        runs.column("run")
    assert read_runs({**both, "run_name": ["a", "b"]}).column("run").tolist() == ["a", "b"]
    assert read_runs({"N": [1, 2], "params": [1, 2]}).column("n_params").tolist() == [1, 2]


@pytest.mark.parametrize("columns", [
    {"step": [1.0, 2.0], "70M": [3.0, 2.9], "1.4B": [2.0, 1.9]},
    {"a - loss": [3.0, 2.9], "b - loss": [2.0, 1.9], "b - loss__MIN": [2.0, 1.9]},
])  # fmt: skip
@pytest.mark.parametrize("law", ["chinchilla", None])
def test_of_a_chart_nothing_else_is_said(columns, law, tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in [[*columns], *zip(*columns.values(), strict=True)]))
    done = CliRunner().invoke(commands, ["runs", str(path), "--json", *(["--law", law] if law else [])])
    (note,) = json.loads(done.output)["notes"]
    assert "the table is wide, one column a run (2 of them:" in note["text"]


def test_a_chart_is_no_table_of_runs():
    chart = {"Step": [1.0], **{f"80M - x{i} - test/loss{end}": [3.0] for i in "ab" for end in ("", "__MIN", "__MAX")}}
    with pytest.raises(RunsError, match=r"the table is wide, one column a run \(2 of them: 80M - xa, 80M - xb\), but"):
        observations.check_columns(read_runs(chart), catalogue.law("chinchilla"))


def test_an_option_may_name_several_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADED)
    options = [
        "--law",
        "power_law",
        "--columns",
        "flops=FLOPs (1E21),loss=minimum(error, 9)",
        "--where",
        "FLOPs (1E21) > 5",
    ]
    done = CliRunner().invoke(commands, ["runs", str(path), *options, "--json"])
    assert done.exit_code == 0, done.output
    ranges = {each["name"]: each for each in json.loads(done.output)["ranges"]}
    assert ranges["flops"]["high"] == 6.1e24
    assert ranges["loss"]["low"] == 0.15


def test_rows_are_counted_as_an_editor_counts_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n\n"x\ny",2\n  \n"say ""hi""",3\nz,4')
    runs = read_runs(path)
    assert runs.rows.tolist() == [3, 6, 7]
    assert runs.column("a").tolist() == ["x\ny", 'say "hi"', "z"]


def test_a_long_table_is_read_in_blocks_as_a_short_one(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = {
        "run": [f"r{i}" for i in rng.integers(0, 900, 3000)],
        "n_params": rng.integers(1, 10**9, 3000).tolist(),
        "loss": [x if x > 2.2 else float("nan") for x in rng.uniform(2, 4, 3000).tolist()],
    }
    lines = [",".join(str(cell) for cell in row) for row in zip(*table.values(), strict=True)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(table), *lines]))
    for block, words in ((1 << 24, 50_000), (2000, 50_000), (2000, 20)):
        monkeypatch.setattr(delimited, "BLOCK", block)
        monkeypatch.setattr(delimited, "MOST_WORDS", words)
        assert read_runs(path).digest() == read_runs(table).digest()


# Mutations of tables and exports: pieces that mean something to a reader, put where they do not belong.
PIECES = [
    ",", ";", "\t", "|", '"', "'", "\n", "\r", "\r\n", "\ufeff", "\0", " ", ".", "-", "%", "B", "×10^9", "**",
    "(B)", "(1E999)", "[", "]", "{", "}", ":", "null", "NaN", "Infinity", "1e999", "1,5", "1.000", "0x1", "_", "\u2028",
    "é", "config.", "/", "val/loss", "n_params", "run", "=", "\\",
]  # fmt: skip
mutations = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 12), st.sampled_from(PIECES) | st.text(max_size=3)), max_size=6
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SAME)), mutations)
def test_mutated_tables_never_escape_as_another_error(tmp_path, name, edits):
    text = SAME[name]
    for at, gone, piece in edits:
        at %= len(text) + 1
        text = text[:at] + piece + text[at + gone :]
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    check_reading(path)
