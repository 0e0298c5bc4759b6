"""The page of a report: what it says, that it needs nothing else, and that names stay text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.errors import FileError
from tests.posteriors import about
from tests.reporting.hidden import backtest
from tests.simulate import simulated_runs

LAW = bl.law("chinchilla")
TRUTH = {name: each.prior.median() for name, each in LAW.parameters.items()}
AT = {"N": 7e9, "D": 1.4e11}
# Names that HTML must not believe.
EVIL = "<script>alert('x')</script>"
QUOTED = "co\"r'p<u>s"
PLAN = {"target": "loss below 2.4", "cost": "2e-18 * flops", "utility": "1e6 * met - cost", "go": 0.8, "stop": 0.2,
        "option": {"<em>small</em>": {"N": 1e9, "D": 2e10}, "large": {"N": 7e9, "D": 1.4e11}}}  # fmt: skip


@pytest.fixture(autouse=True)
def without_libraries(monkeypatch):
    """Pages without a megabyte of somebody else's script."""
    monkeypatch.setattr("bayeslaw.reporting.page._libraries", lambda: "window.vegaEmbed = null;")


@pytest.fixture(scope="module")
def fit() -> bl.Posterior:
    """A fit of one family, about what its runs were made from."""
    runs = simulated_runs(LAW, np.random.default_rng(0), 40, None, TRUTH)
    return about(LAW, runs, TRUTH, noise=0.01)


@pytest.fixture(scope="module")
def families() -> bl.Posterior:
    """A fit of three families, with names from hell."""
    runs = simulated_runs(LAW, np.random.default_rng(0), 40, 3, TRUTH)
    data = {name: runs.column(name) for name in ("n_params", "n_tokens", "loss")}
    named = np.array([EVIL if name == "family 1" else name for name in runs.column("family")], dtype=object)
    law = replace(LAW, title="A <b>law</b> & more")
    return about(law, bl.Runs.from_arrays({**data, QUOTED: named}, "<i>runs</i>.csv"), TRUTH, QUOTED, noise=0.01)


class Read(HTMLParser):
    """What a browser without JavaScript sees of a page: elements, and text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self.inside = ""
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in self.raw:
            self.inside = tag
            self.raw[tag].append("")

    def handle_endtag(self, tag):
        if tag in self.raw:
            self.inside = ""

    def handle_data(self, data):
        if self.inside:
            self.raw[self.inside][-1] += data
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def whole(families) -> bl.Posterior:
    """A page with everything on it: an average in families, a plan, a back-test and runs that were held out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayeslaw.reporting.page._libraries", lambda: "window.vegaEmbed = null;")
        asked = Average({"one": families, "<u>other</u>": families}, {"one": 0.6, "<u>other</u>": 0.4})
        held = families.runs.take(np.arange(12))
        return bl.report(asked, AT, plan=PLAN, runs=held, backtest=backtest(29, 30), family=EVIL)


@pytest.fixture(scope="module")
def page(whole) -> Read:
    return Read(whole.html)


def test_the_numbers_of_the_verdict_are_there_without_a_script(whole, page):
    assert re.sub(r"\s+", " ", whole.verdict) in page.text
    point = whole.forecast.points[0]
    assert point.new_run.words() in page.text
    assert sum(tag == "svg" for tag, _ in page.tags) == sum(tag == "figure" for tag, _ in page.tags) == 8
    for each in whole.card:
        assert f"{each.state} {each.name}" in page.text
        assert each.text in page.text
    assert {each.name for each in whole.card} == {
        "convergence", "residuals", "prior against posterior", "enough runs", "the table", "distance", "back-test",
        "runs held out",
    }  # fmt: skip


def test_names_stay_text(page):
    assert EVIL in page.text
    assert QUOTED in page.text
    assert "<em>small</em>" in page.text
    assert "A <b>law</b> & more" in page.text
    assert "<i>runs</i>.csv" in page.text
    assert {"em", "u", "i"}.isdisjoint({tag for tag, _ in page.tags})
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_a_page_needs_nothing_from_outside_and_runs_only_what_its_policy_lists(page):
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv"))
    allowed = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert "unsafe" not in policy
    scripts = [text for (tag, a), text in zip([each for each in page.tags if each[0] == "script"], page.raw["script"],
                                              strict=True) if "type" not in a]  # fmt: skip
    assert [f"'sha256-{digest(text)}'" for text in scripts] == allowed["script-src"].split()
    assert [f"'sha256-{digest(text)}'" for text in page.raw["style"]] == allowed["style-src"].split()
    assert not any({"src", "href", "style", "action"} & set(attributes) for _, attributes in page.tags)
    assert "url(" not in page.raw["style"][0]


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_data_of_a_page_is_json_in_which_no_name_can_end_an_element(page):
    kept = [text for text in page.raw["script"] if text.startswith("{")]
    assert len(kept) == 9  # eight pictures, and the what-if
    for text in kept:
        assert "<" not in text
        json.loads(text)
    assert any(EVIL in json.dumps(json.loads(text)["families"]) for text in kept if "families" in json.loads(text))


def test_a_report_is_the_same_again_and_is_written_whole_or_not_at_all(fit, tmp_path):
    out = tmp_path / "report.html"
    made = bl.report(fit, AT, above=2.4, out=out)
    assert out.read_text(encoding="utf-8") == made.html == bl.report(fit, AT, above=2.4).html
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileError, match=r"is a folder"):
        made.save(tmp_path)
    assert made.as_dict()["risk"]["points"][0]["probability"] == bl.risk(fit, AT, above=2.4).points[0].probability
