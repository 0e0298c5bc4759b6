"""The what-if of a page: its draws and formulas give what a forecast gives."""

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import distance, distance_along
from bayeslaw.language.formula.expression import Call, Name, Node, Number
from bayeslaw.language.formula.functions import FUNCTIONS, LINKS, UNLINKS
from bayeslaw.reporting import what_if
from bayeslaw.reporting.parts import parts_of
from bayeslaw.reporting.question import Question

SAVED = Path(__file__).parents[1] / "saved"
SCRIPT = Path(what_if.__file__).with_name("page.js").read_text(encoding="utf-8")
AT = {"N": 6.9e9, "D": 1.38e11}
NAMES = [law.name for law in bl.laws()]


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(float)


def node(tree: Any) -> Node:
    """A formula from its data."""
    if isinstance(tree, float | int):
        return Number(float(tree))
    return Name(tree) if isinstance(tree, str) else Call(tree[0], tuple(map(node, tree[1:])))


def page_of(asked: Average, at: dict[str, float], family: Any = None) -> dict[str, Any] | None:
    question = Question.read(asked, at, None, family, 2.4, None)
    return what_if.what_if(parts_of(asked, question, None, None, 0.9, True, False))


@pytest.fixture(scope="module")
def average() -> Average:
    """A law in families and one without drift of its own, with unequal weights."""
    return Average.of(bl.load(SAVED / "chinchilla.nc"))


@pytest.mark.parametrize("name", [each for each in NAMES if what_if.can_walk(bl.law(each))])
def test_a_formula_comes_back_from_its_data(name):
    law = bl.law(name)
    assert node(what_if.tree(law.formula)) == law.formula


def test_most_laws_of_losses_can_be_walked():
    losses = {each for each in NAMES if bl.law(each).output.column == "loss"}
    assert {each for each in losses if what_if.can_walk(bl.law(each))} >= losses - {"lr_annealing", "m4", "bnsl"}


def test_the_script_knows_every_word_that_it_may_meet():
    words = SCRIPT[SCRIPT.index("const WORDS") : SCRIPT.index("const LINKS")]
    known = set(re.findall(r'(?:^|[{,]\s*)"?([a-z0-9]+|[-+*/]{1,2})"?(?=\s*[:,])', words, re.MULTILINE))
    assert set(FUNCTIONS) - what_if.UNKNOWN_WORDS <= known


def test_nothing_of_the_script_is_compiled_from_text():
    assert not re.search(r"\beval\b|new Function|innerHTML|document\.write|setTimeout\(\s*[\"']", SCRIPT)


@pytest.mark.parametrize("family", ["new", "rpj"])
def test_its_draws_are_those_of_a_forecast_anywhere(average, family):
    (posterior,) = average.posteriors.values()
    page = page_of(average, AT, family)
    assert page is not None
    assert page["draws"] == page["of"] == posterior.size
    (law,) = page["laws"]
    draws = {name: unpacked(each[0])[:, None] for name, each in law["draws"].items()}
    for at in ({"N": 1e9, "D": 2e10}, {"N": 7e10, "D": 1.4e12}, {"N": 1e8, "D": 1e13}):
        expected = bl.forecast(posterior, at, family)
        inputs = {name: np.array([value]) for name, value in at.items()}
        along, whole = distance_along(posterior, inputs), distance(posterior, inputs)
        slopes = unpacked(law["drift"]["slopes"])[:, None]
        link, unlink = LINKS[law["link"]], UNLINKS[law["link"]]
        mean = posterior.law.mean(inputs, {name: draws[name] for name in posterior.law.parameters})
        mean = link(mean) + slopes * along + (slopes - law["drift"]["direction"]) * (whole - along)
        run = unlink(mean + draws["sigma"] * draws["luck"])
        np.testing.assert_allclose(run, expected.draws, rtol=1e-5)
        np.testing.assert_allclose(unlink(mean), expected.mean_draws, rtol=1e-5)


def test_the_first_family_is_the_runs_own_and_others_follow(average):
    assert page_of(average, AT, "rpj")["families"][:2] == ["rpj", "new"]
    assert page_of(average, AT)["families"][0] == "new"


def test_what_is_measured_from_is_what_the_drift_is_measured_from(average):
    page = page_of(average, AT)
    far = page["laws"][0]["drift"]["far"]
    fitted = average.lead.plan.fitted
    assert far["C"] == pytest.approx((6 * fitted["N"] * fitted["D"]).max())
    assert far["N"] == [fitted["N"].min(), fitted["N"].max()]


def test_of_too_many_draws_some_are_left_out_evenly(average, monkeypatch):
    monkeypatch.setattr(what_if, "MOST_NUMBERS", 10_000)
    page = page_of(average, AT)
    assert 200 < page["draws"] < page["of"]
    assert all(len(unpacked(text)) == page["draws"] for law in page["laws"] for text in law["draws"]["luck"])


def test_counts_have_no_what_if():
    asked = Average.of(bl.load(SAVED / "emergence.nc"))
    assert not what_if.can_walk(asked.lead.law)
