"""What must agree between files: pinned versions for pip and for uv."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def _normal(requirement: str) -> str:
    """The name that a requirement is about, as package indexes spell it."""
    found = NAME.match(requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_uv_and_pip_use_the_same_versions(project, pins):
    assert project["tool"]["uv"]["constraint-dependencies"] == pins, "copy the lines of constraints.txt to [tool.uv]"


def test_constraints_are_plain_pins(pins):
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9.-]+==[0-9][A-Za-z0-9.]*", line)] == []


def test_everything_the_project_names_is_pinned(project, pins):
    requirements = [*project["project"]["dependencies"]]
    for group in (project["project"]["optional-dependencies"], project["dependency-groups"]):
        requirements += [each for listed in group.values() for each in listed if isinstance(each, str)]
    pinned = {_normal(line) for line in pins}
    assert [r for r in requirements if _normal(r) not in pinned | {"bayeslaw"}] == []
