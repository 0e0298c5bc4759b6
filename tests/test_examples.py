"""Examples in the prose: every command and call that is shown exists, and those on the bundled runs are run."""

import ast
import dataclasses
import inspect
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BUNDLED = Path(bl.__file__).parent / "data"


def blocks(page: Path, *languages: str) -> list[str]:
    """What stands between the fences of a page, of some languages."""
    fences = re.findall(r"(?ms)^```(\w+)[^\n]*\n(.*?)^```$", page.read_text(encoding="utf-8"))
    return [text for language, text in fences if language in languages]


def commands_of(page: Path) -> Iterator[list[str]]:
    """Arguments of every `bayeslaw` in the blocks of a page, in their order."""
    for text in blocks(page, "sh", "console"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if "bayeslaw" in words:
                yield words[words.index("bayeslaw") + 1 :]


def commands_in_sentences(page: Path) -> Iterator[list[str]]:
    prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    yield from (shlex.split(found)[1:] for found in re.findall(r"`(bayeslaw\s[^`]+)`", prose))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_prose_have_these_names_and_options(page):
    for name, *arguments in [*commands_of(page), *commands_in_sentences(page)]:
        if name == "--help":
            continue
        known = {option for each in commands.commands[name].params for option in each.opts} | {"--help"}
        asked = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
        assert asked <= known, f"bayeslaw {name} {' '.join(arguments)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_calls_in_prose_name_public_things_and_their_arguments(page):
    prose = [*blocks(page, "python"), *re.findall(r"`(bl\.\w+\([^`]*\))`", page.read_text(encoding="utf-8"))]
    for text in prose:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "bl":
                assert node.attr in bl.__all__, text
            if isinstance(node, ast.Call) and re.fullmatch(r"bl\.\w+", ast.unparse(node.func)):
                known = set(inspect.signature(getattr(bl, node.func.attr)).parameters)
                if "fields" in known:  # verbs that fit take the fields of these two by their own names too
                    known |= {field.name for record in (bl.Sampling, bl.Work) for field in dataclasses.fields(record)}
                assert {keyword.arg for keyword in node.keywords} <= known, text


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A folder in which the bundled runs lie where they do in a clone."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "bayeslaw").mkdir()
    (folder / "bayeslaw" / "data").symlink_to(BUNDLED)
    return folder


def run_example(text: str) -> None:
    Path("example.py").write_text(text, encoding="utf-8")
    runpy.run_path("example.py")


@pytest.mark.slow
def test_the_readme_begins_with_a_forecast(clone, monkeypatch, capsys):
    monkeypatch.chdir(clone)
    run_example(blocks(ROOT / "README.md", "python")[0])
    assert "rpj" in capsys.readouterr().out


@pytest.mark.slow
def test_the_way_from_a_table_to_a_decision(clone, monkeypatch):
    monkeypatch.chdir(clone)
    page = ROOT / "docs" / "start.md"
    for arguments in commands_of(page):
        done = CliRunner().invoke(commands, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    for text in blocks(page, "python"):
        run_example(text)
