"""Laws found by what papers call them, built on other laws, and written as variants in one file."""

from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import LawError
from bayeslaw.language.catalogue import laws, read_law
from bayeslaw.language.files import entries
from bayeslaw.language.law import Law
from tests.posteriors import from_priors

TEXT = """\
# Loss of a quantised model.
title = "Penalty"
reference = "hoffmann2022training"
topics = ["quantisation"]
status = "proposed"
aliases = ["The Bit Law", "Bits Matter"]
base = { chinchilla = { N = "N * share" } }
formula = "chinchilla + lost"

[terms]
lost = "r * chinchilla * (P/P0)**-gamma"

[input]
P = { column = "bits", units = "bit", reference = 4, range = [2, 16], meaning = "bits of a weight" }

[parameter]
r     = { prior = "HalfNormal(0.01)", units = "nat/token", meaning = "share of the loss added at P0" }
gamma = { prior = "LogNormal(0, 0.3)", meaning = "how fast bits help" }
share = { prior = "Beta(8, 2)", meaning = "share of the parameters that count" }
sigma = { prior = "HalfNormal(0.1)", meaning = "relative scatter" }

[variant.penalty_of_activations]
about = "Loss of a model with quantised activations."
status = "published"

[variant.penalty_of_activations.input.P]
column = "activation_bits"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "penalty.toml").write_text(TEXT)
    monkeypatch.setenv("BAYESLAW_LAWS", str(tmp_path))
    return tmp_path


def test_a_law_built_on_another_has_its_value_as_a_term(folder: Path) -> None:
    """Inputs and parameters are those of the base where the law has none of its own; the text stands alone."""
    law, base = bl.law("penalty"), bl.law("chinchilla")
    at = {"E": 1.8, "A": 0.4, "B": 0.5, "alpha": 0.35, "beta": 0.3}
    there = {"N": np.array([1e8, 1e10]), "D": 1e11}
    loss = base.mean({**there, "N": 0.8 * there["N"]}, at)
    ours = law.mean({**there, "P": 8.0}, at | {"r": 0.02, "gamma": 2.0, "share": 0.8})
    np.testing.assert_allclose(ours, loss * (1 + 0.02 / 4), rtol=1e-14)
    assert list(law.terms) == ["chinchilla", "lost"]
    assert law.parameters["alpha"] == base.parameters["alpha"]
    assert law.parameters["sigma"].prior.arguments == (0.1,)
    assert law.output == base.output
    assert "base" not in law.text
    (folder / "penalty.toml").unlink()
    assert Law.parse(law.text, "penalty") == law


def test_what_a_base_no_longer_needs_is_left_out(folder: Path) -> None:
    """A law of a score takes the base's formula, and neither its noise nor an input that it replaces."""
    output = '[output]\nscore = { likelihood = "Beta(mean/(1 + mean), sigma)" }\n[input]'
    law = Law.parse(TEXT.replace("[input]", output), "score")
    assert "nu" not in law.parameters
    assert law.output.column == "score"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("chinchilla = {", "chinchila = {", "did you mean 'chinchilla'"),
        ('{ N = "', '{ M = "', "has no input 'M'"),
        ('base = { chinchilla = { N = "N * share" } }', "base = 3", 'base = "chinchilla"'),
        ('base = { chinchilla = { N = "N * share" } }', 'base = "penalty"', "cannot be its own base"),
        ("lost = ", "chinchilla = ", "has a term 'chinchilla' already"),
        ('"proposed"', '"propsed"', "did you mean 'proposed'"),
        ('["The Bit Law", "Bits Matter"]', '"Bits"', "aliases must be a list of texts"),
    ],
)
def test_mistakes_are_shown_with_their_line(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(LawError, match=r"penalty\.toml:") as caught:
        Law.parse(TEXT.replace(old, new), "penalty", "penalty.toml")
    assert says in str(caught.value)


def test_a_base_in_a_circle_is_refused(folder: Path) -> None:
    other = TEXT.replace('{ chinchilla = { N = "N * share" } }', '"penalty"').replace("chinchilla", "penalty")
    (folder / "round.toml").write_text(other.partition("[variant")[0])
    (folder / "penalty.toml").write_text(TEXT.replace('{ chinchilla = { N = "N * share" } }', '"round"'))
    with pytest.raises(LawError, match="in a circle"):
        bl.law("penalty")


def test_a_law_is_found_by_what_papers_call_it(folder: Path) -> None:
    """Case, spaces and signs do not matter; a name that is nearly right has the right one."""
    for called in ("The Bit Law", "the bit-law", "PENALTY"):
        assert bl.law(called).name == "penalty"
    with pytest.raises(LawError, match="did you mean 'Bits Matter'"):
        bl.law("Bits Mattter")


def test_a_variant_is_a_law_of_its_own(folder: Path) -> None:
    law, variant = bl.law("penalty"), bl.law("penalty_of_activations")
    assert variant.formula == law.formula
    assert variant.inputs["P"].column == "activation_bits"
    assert variant.summary == "Loss of a model with quantised activations."
    assert variant.aliases == ()
    assert not variant.notes
    assert {"penalty", "penalty_of_activations"} <= {one.name for one in laws()}
    (folder / "other.toml").write_text(TEXT)
    with pytest.raises(LawError, match="rename the variant"):
        entries()


def test_laws_are_found_by_words_about_them(folder: Path) -> None:
    assert [one.name for one in laws(search="quantised model proposed")] == ["penalty"]
    assert "repeated_data" in {one.name for one in laws(search="Muennighoff")}
    with pytest.raises(LawError, match="no law is about 'quantisd'"):
        laws(search="quantisd")


def test_a_broken_file_says_so_only_when_it_is_asked_for(folder: Path) -> None:
    (folder / "broken.toml").write_text("title = ")
    assert bl.law("The Bit Law").name == "penalty"
    with pytest.raises(LawError, match="not TOML"):
        bl.law("broken")


def test_answers_of_a_law_that_is_not_published_say_so(folder: Path) -> None:
    (note,) = read_law(folder / "penalty.toml").notes
    assert note.code == "law-status"
    assert "proposed: the paper reports a trend" in note.text
    assert not bl.law("chinchilla").notes
    law, rng = read_law(folder / "penalty.toml"), np.random.default_rng(1)
    columns = {"n_params": np.geomspace(1e8, 1e10, 12), "n_tokens": np.geomspace(1e9, 1e12, 12)[::-1]}
    runs = bl.read_runs({**columns, "bits": np.tile([2.0, 4.0, 8.0], 4), "loss": rng.uniform(2.0, 4.0, 12)})
    fit, at = from_priors(law, runs), {"N": 1e9, "D": 1e11, "P": 4.0}
    assert note in fit.plan.notes
    answers = (bl.forecast(fit, at, allow_unconverged=True), bl.risk(fit, at, above=3.0, allow_unconverged=True),
               fit.summary(), bl.prior_predictive(law, runs))  # fmt: skip
    assert all(note in answer.notes for answer in answers)
