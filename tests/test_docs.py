"""The prose agrees with what it is about: generated parts are up to date, and files that are named exist."""

import re
import runpy
from pathlib import Path

import pytest

import bayeslaw as bl

ROOT = Path(__file__).parents[1]
PACKAGE = Path(bl.__file__).parent
PROSE = ("*.md", "benchmarks/*.md", "docs/**/*.md", "case_studies/*/*.md")
PAGES = [*(page for where in PROSE for page in sorted(ROOT.glob(where))), PACKAGE / "data" / "README.md"]
# A file below a folder, as code: `inference/fit.py`, `case_studies/densing/study.py`.
NAMED = re.compile(r"`(\w[\w./-]*/[\w.-]+\.(?:py|toml|json|csv|md|png))`")


def test_what_is_generated_in_prose_is_up_to_date():
    assert runpy.run_path(str(ROOT / "docs" / "tables.py"))["main"](check=True) == 0


def test_a_stale_table_is_found(tmp_path, capsys):
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    page = tmp_path / "README.md"
    page.write_text("Before.\n<!-- begin claim -->\nOurs covered everything.\n<!-- end claim -->\n", encoding="utf-8")
    assert tables["update"](page, check=True)
    assert "everything" in page.read_text(encoding="utf-8")
    assert tables["update"](page, check=False)
    assert tables["claim"]() in page.read_text(encoding="utf-8")
    assert not tables["update"](page, check=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_files_that_a_page_names_exist(page):
    named = NAMED.findall(page.read_text(encoding="utf-8"))
    places = (PACKAGE, PACKAGE.parent, ROOT, page.parent)
    missing = [path for path in named if not any((place / path).exists() for place in places)]
    assert missing == []


def test_a_law_speaks_for_itself_by_the_comment_at_its_top():
    text = bl.law("densing").text
    assert bl.law("densing").summary.startswith("Density of a network: how many parameters")
    assert bl.law("densing").summary.endswith("known to be at most or at least a value.")
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert bl.Law.parse(bare).summary == bl.law("densing").title


def test_every_note_on_a_table_is_explained():
    places = [*(PACKAGE / "runs" / "notes").glob("*.py"), PACKAGE / "runs" / "summary.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places)
    codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)",\s+(?:"(?:serious|warning|info)"|severity)', text))
    codes |= {"dominated", "diverged"}  # one note, by how much worse a run is
    page = (ROOT / "docs" / "notes.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^\| `([a-z-]+)` \|", page)) == codes
