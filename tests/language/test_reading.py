"""Reading law files: what a law must say, where a mistake is found, and laws edited and read again."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayeslaw.errors import BayeslawError, FileError, LawError
from bayeslaw.language.catalogue import bibliography, law, laws, read_law
from bayeslaw.language.check import check_law
from bayeslaw.language.files import LARGEST_FILE, entries
from bayeslaw.language.formula.expression import parse
from bayeslaw.language.law import Law, Root
from bayeslaw.language.values import parse_call
from tests.waiting import WAITING

# The same examples every time: a test that fails by luck teaches nothing.
FIXED = settings(derandomize=True, database=None, deadline=None)

TEXT = """\
title = "Small"
formula = "E + A * (N/N0)**-alpha"

[output]
loss = { likelihood = "LogNormal(mean, sigma)", units = "nat/token", range = [0.1, 20], meaning = "loss" }

[input]
N = { column = "n_params", units = "parameter", reference = 1e9, range = [1e6, 1e12], meaning = "parameters" }

[parameter]
E     = { prior = "LogNormal(log(1.8), 0.3)", pool = "family", spread = "HalfNormal(0.2)", meaning = "floor" }
A     = { prior = "LogNormal(0, 1)", meaning = "reducible loss" }
alpha = { prior = "LogNormal(-1, 0.3)", meaning = "exponent" }
sigma = { prior = "HalfNormal(0.02)", meaning = "scatter" }

[derived]
A_raw = "A * N0**alpha"

[published]
formula = "E + A_raw * N**-alpha"
inverse = { A = "A_raw * N0**-alpha" }
values.someone2020law = { E = 1.7, A_raw = 406.4, alpha = 0.34 }
source.someone2020law = "table 1"
"""


def read(text: str) -> Law:
    return Law.parse(text, "small")


# ---------------------------------------------------------------------- what is read


def test_a_law_holds_what_its_file_says() -> None:
    """Every part of the file arrives in the law."""
    small = read(TEXT)
    assert small.title == "Small"
    assert small.references == {"N0": 1e9}
    assert small.free_parameters == ("E", "A", "alpha", "sigma")
    assert small.parameters["E"].pool == "family"
    assert small.parameters["A"].pool is None
    assert small.parameters["E"].spread.arguments == (0.2,)
    assert small.inputs["N"].range == (1e6, 1e12)
    assert str(small.output.likelihood) == "LogNormal(mean, sigma)"
    assert small.parameters["E"].prior.median() == pytest.approx(1.8)
    assert small.mean({"N": 1e9}, {"E": 2.0, "A": 0.5, "alpha": 0.3}) == 2.5
    assert small.derive({"A": 1.0, "alpha": 1.0}) == {"A_raw": 1e9}
    assert small.published_parameters("someone2020law")["A"] == pytest.approx(406.4 * 1e9**-0.34)


def test_laws_are_equal_when_their_texts_are() -> None:
    """Equality and hash go by name and text."""
    assert read(TEXT) == read(TEXT)
    assert hash(read(TEXT)) == hash(read(TEXT))
    assert read(TEXT) != read(TEXT + "\n")
    assert read(TEXT) != Law.parse(TEXT, "other")


def test_a_law_is_frozen() -> None:
    """Nothing of a law can be changed in place."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        read(TEXT).title = "Other"  # type: ignore[misc]


def test_draws_come_from_the_priors() -> None:
    """Prior draws have the medians of their priors, within five standard errors of a median."""
    small = read(TEXT)
    draws = small.draw_prior(np.random.default_rng(1), 4000)
    for name, parameter in small.parameters.items():
        above = np.mean(draws[name] > parameter.prior.median())
        assert abs(above - 0.5) < 5 * 0.5 / np.sqrt(4000)


def test_inputs_are_computed_from_others() -> None:
    """A computed input follows from those above it; what is given is left alone."""
    text = TEXT.replace("[parameter]", 'C = { formula = "6 * N * 20 * N", reference = 1e20 }\n[parameter]').replace(
        'formula = "E + A * (N/N0)**-alpha"', 'formula = "E + A * (C/C0)**-alpha"'
    )
    small = read(text)
    assert small.free_inputs == ("N",)
    assert small.mean_inputs == {"C"}
    assert small.with_computed_inputs({"N": 1e9}) == {"N": 1e9, "C": 1.2e20}
    assert small.with_computed_inputs({"N": 1e9, "C": 5.0})["C"] == 5.0
    assert small.with_computed_inputs({}) == {}


def test_an_input_without_a_reference_reserves_no_other_name() -> None:
    """A parameter e0 beside an input e."""
    text = TEXT.replace("[input]", '[input]\ne = { units = "epoch", range = [1, 9], meaning = "epochs" }')
    small = read(text.replace("E + A", "e0 * e + A").replace("\nE ", "\ne0 ").partition("[derived]")[0])
    assert small.mean({"N": 1e9, "e": 2.0}, {"e0": 1.5, "A": 0.5, "alpha": 0.3}) == 3.5


def test_a_root_is_solved_to_rounding() -> None:
    """An implicit term is the root of its equation, between bounds that may be formulas."""
    text = TEXT.replace(
        "[output]",
        '[terms]\ns = { root = "s**3 / 3 + s**3 * (2 / 3) + A*s - N/N0", between = [0, "2 + N/N0"] }\n\n[output]',
    ).replace('formula = "E + A * (N/N0)**-alpha"', 'formula = "E + s * alpha"')
    cubic = read(text)
    assert isinstance(cubic.terms["s"], Root)
    # Its slope has constants that a text would fold too, so that all formulas read back to the same trees.
    assert next(one for one in check_law(cubic) if one.name == "writes out").passed
    N = np.array([1e6, 1e9, 1e12])
    s = cubic.with_terms({"N": N}, {"E": 1.0, "A": 0.7, "alpha": 0.3})["s"]
    np.testing.assert_allclose(s**3 + 0.7 * s, N / 1e9, rtol=1e-12)


# ---------------------------------------------------------------------- mistakes and their places


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(N/N0)**", "(‸M/N0)**", "unknown name 'M' in the formula"),
        ("A * (N/", "‸Aa * (N/", "did you mean 'A'"),
        ('**-alpha"', '**-alpha +‸ "', "cannot read this formula"),
        ('"LogNormal(0, 1)"', '"‸LogNormel(0, 1)"', "did you mean 'LogNormal'"),
        ("LogNormal(0, 1)", "‸LogNormal(0)", "LogNormal takes 2 numbers (log_median, log_sd), not 1"),
        ("LogNormal(0, 1)", "‸LogNormal(0, -1)", "the log_sd of LogNormal must be positive"),
        ("LogNormal(0, 1)", "‸LogNormal(0, E)", "must be numbers"),
        ("LogNormal(0, 1)", "LogNormal(0, 9**‸9**9**9)", "not a finite number"),
        ("HalfNormal(0.2)", "‸Normal(0, 0.2)", "must be positive"),
        ('pool = "family"', 'pol = "‸family"', "unknown key 'pol' in [parameter] E; did you mean 'pool'"),
        ("LogNormal(mean, sigma)", "LogNormal(mean, ‸sgma)", "unknown name 'sgma' in the likelihood; did you mean"),
        ("LogNormal(mean, sigma)", "LogNormal(mean, sigma * ‸m)", "unknown name 'm' in the likelihood"),
        ("LogNormal(mean, sigma)", "‸LogNormal(E, sigma)", "must use 'mean'"),
        ("LogNormal(mean, sigma)", "‸LogNormal(mean)", "LogNormal takes 2 arguments"),
        ("LogNormal(mean, sigma)", "‸LogNormal mean", "expected a call such as"),
        ("range = [0.1, 20]", "range = ‸[20, 0.1]", "must rise"),
        ("range = [0.1, 20]", "range = ‸[0.1]", "two numbers"),
        ("reference = 1e9", "reference = ‸-1", "must be positive"),
        ("reference = 1e9", "reference = ‸nan", "finite number"),
        ("[derived]", "‸[derive]", "unknown key 'derive'; did you mean 'derived'"),
        ('"A * N0**alpha"', '"A * N0**‸alpa"', "did you mean 'alpha'"),
        ('A_raw = "A * N0**alpha"', 'E = "‸A"', "cannot name a derived quantity"),
        ('formula = "E + A_raw', 'formula = "E + ‸A_rew', "did you mean 'A_raw'"),
        ('A = "A_raw * N0', 'A = "A_raw * ‸M0', "unknown name 'M0'"),
        ("inverse = { A =", "inverse = ‸{ B =", "inverse gives 'B', which is not a parameter"),
        ("A_raw = 406.4", "A_row = ‸406.4", "neither a parameter nor derived; did you mean 'A_raw'"),
        ("A_raw = 406.4", 'A_raw = "‸406.4"', "must be a finite number"),
        ('source.someone2020law = "', 'source.noone = "‸', "for keys of values"),
        ('title = "Small"\n', "‸", "a law needs 'title"),
        ("[input]", "‸[inputs]", "unknown key 'inputs'; did you mean 'input'"),
        ("sigma = { prior", "mean = ‸{ prior", "parameter 'mean' has the name"),
        ("sigma = { prior", "exp = ‸{ prior", "'exp' is a word of the law language"),
        ("sigma = { prior", "lambda = ‸{ prior", "'lambda' is a word of the law language"),
        ("N = { column", "log = ‸{ column", "'log' is a word of the law language"),
        ('A_raw = "A * N0**alpha"', 'sqrt = "‸A"', "'sqrt' is a word of the law language"),
        ('A_raw = "A * N0**alpha"', 'A_raw = "‸b * A"\nb = "A"', "only names that stand above them, and 'b' does not"),
        ("sigma = { prior", "sigma = ‸3 # { prior", "must be a table"),
        ("[parameter]\n", '[parameter]\nidle = ‸{ prior = "LogNormal(0, 1)" }\n', "'idle' is used neither"),
    ],
)
def test_a_mistake_is_found_where_it_is(old: str, new: str, message: str) -> None:
    """File, line and column of a mistake (marked ‸ here), what is wrong with it and the nearest right word."""
    assert old in TEXT
    marked = TEXT.replace(old, new, 1)
    before = marked[: marked.index("‸")]
    with pytest.raises(LawError) as caught:
        Law.parse(marked.replace("‸", ""), "small", "laws/small.toml")
    assert message in str(caught.value)
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    assert str(caught.value).startswith(f"laws/small.toml:{line}:{column}: ")


def test_a_mistake_in_the_long_spelling_is_found_too() -> None:
    """A sub-table of its own ([parameter.E]) gives the same places as a table in braces."""
    text = TEXT.replace('A     = { prior = "LogNormal(0, 1)", meaning = "reducible loss" }\n', "")
    text = text.replace("[derived]", '[parameter.A]\nmeaning = "reducible loss"\nprior = "LogNorm(0, 1)"\n\n[derived]')
    with pytest.raises(LawError, match=r"^small.toml:17:10: unknown word 'LogNorm'; did you mean 'LogNormal'"):
        read(text)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ('N = "A"', "cannot name a term"),
        ('exp = "A"', "'exp' is a word of the law language, so nothing can be called so"),
        ('t = "u"', "unknown name 'u' in term 't'"),
        ('t = "A + u"\nu = "t"', "formulas of [terms] may use only names that stand above them, and 'u' does not"),
        ('t = "A + t"', "'t' in term 't': formulas of [terms] may use only names that stand above them"),
        ('t = { root = "t - A" }', "an implicit term is"),
        ('t = { root = "t - A", between = [0] }', "an implicit term is"),
        ('t = { root = "A - N", between = [0, 1] }', "does not contain 't'"),
        ('t = { root = "t - A", between = [-inf, 1] }', "a bound of 't' must be a finite number"),
        ('t = { root = "t - A", between = ["t", 1] }', "unknown name 't' in a bound of 't'"),
        ('t = { rot = "t - A", between = [0, 1] }', "unknown key 'rot' in [terms] t; did you mean 'root'"),
    ],
)
def test_mistakes_in_terms_are_refused(term: str, message: str) -> None:
    """Terms may use what stands above them, and a root needs an equation of itself and two bounds."""
    with pytest.raises(LawError) as caught:
        read(TEXT.replace("[output]", f"[terms]\n{term}\n[output]"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("6 * M", "unknown name 'M' in the formula of input 'C' (it may use inputs above it)"),
        ("lr_sum(N)", "'lr_sum' takes 2 arguments, not 1"),
        ("lr_sum(N, 2 * N)", "'lr_sum' takes inputs named above"),
        ("lr_sums(N, N)", "unknown function 'lr_sums'"),
    ],
)
def test_mistakes_in_computed_inputs_are_refused(formula: str, message: str) -> None:
    """An input may be a formula of inputs above it, or one sum over a schedule."""
    with pytest.raises(LawError) as caught:
        read(TEXT.replace("[parameter]", f'C = {{ formula = "{formula}" }}\n[parameter]'))
    assert message in str(caught.value)


def test_parse_call_splits_at_outer_commas() -> None:
    """Arguments of a call are formulas of their own."""
    assert parse_call("Beta(mean, exp(log(a) + b))") == ("Beta", (parse("mean"), parse("exp(log(a) + b)")))
    with pytest.raises(LawError, match="an argument is missing"):
        parse_call("Beta(mean, )")


# ---------------------------------------------------------------------- hostile files


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "\x00",
        "a = " + "[" * 50_000,
        "a" * 1_000_000,
        "title = 3\nformula = 4",
        "title = 't'\nformula = ['E']\n[output]\n[input]\n[parameter]",
        TEXT.replace('"E + A * (N/N0)**-alpha"', '"' + "E + " * 10_000 + 'E"'),
        TEXT.replace('"E + A * (N/N0)**-alpha"', '"' + "exp(" * 45 + "E" + ")" * 45 + '"'),
        TEXT.replace('"E + A * (N/N0)**-alpha"', '"9**9**9**9"'),
        TEXT.replace("values.someone2020law = {", "values = 3 # "),
        TEXT.replace("values.someone2020law = { E = 1.7, A_raw = 406.4, alpha = 0.34 }", "values.someone2020law = 3"),
        TEXT.replace('inverse = { A = "A_raw * N0**-alpha" }', 'inverse = "A"'),
        TEXT.replace('source.someone2020law = "table 1"', "source.someone2020law = 1"),
        TEXT.replace('title = "Small"', 'title = "Small"\ntopics = 3'),
        TEXT.replace("[derived]", "[[derived]]"),
    ],
)
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    """Whatever is wrong with a law file, it is a law error, and soon."""
    start = time.perf_counter()
    with pytest.raises(LawError):
        read(text)
    assert time.perf_counter() - start < 2.0


PIECES = st.sampled_from(
    [
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        "=",
        ",",
        ".",
        "\n",
        "#",
        "(",
        ")",
        "0",
        "-",
        "inf",
        "nan",
        "true",
        "[terms]\n",
        "E",
        "N0",
        "mean",
        "**",
        "9e999",
        "1979-05-27",
        "\x00",
        "é",
        '"""',
        "[published]\n",
        "values",
        "root",
        "between",
        "log",
        " ",
    ]
)
EDITS = st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@given(EDITS)
@settings(FIXED, max_examples=400)
def test_any_damaged_law_is_read_or_refused(edits: list[tuple[int, int, str]]) -> None:
    """A law file with a few characters deleted or put in is still a law, or an error of this package."""
    text = TEXT
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    try:
        damaged = read(text)
    except BayeslawError:
        return
    assert damaged.text == text


@given(st.binary(max_size=300))
@settings(FIXED, max_examples=60)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """A file of arbitrary bytes is refused as a law, not by the machinery beneath."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "law.toml"
        path.write_bytes(raw)
        with pytest.raises(LawError):
            read_law(path)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """A missing file and a folder are file errors; a huge one is refused before it is read."""
    with pytest.raises(FileError, match="cannot read this law file"):
        read_law(tmp_path / "none.toml")
    with pytest.raises(FileError):
        read_law(tmp_path)
    (tmp_path / "huge.toml").write_text("#" * (LARGEST_FILE + 1))
    with pytest.raises(LawError, match="at most 100,000 are read"):
        read_law(tmp_path / "huge.toml")


# ---------------------------------------------------------------------- edited laws


def test_other_priors_make_another_law_that_reads_back() -> None:
    """with_priors changes the prior and nothing else, and the new law carries its own text."""
    small = read(TEXT)
    tight = small.with_priors(alpha="Normal(0.3, 0.01)")
    assert tight.parameters["alpha"].prior.text == "Normal(0.3, 0.01)"
    assert tight.parameters["A"] == small.parameters["A"]
    assert tight.formula == small.formula
    assert Law.parse(tight.text, "small") == tight
    with pytest.raises(LawError, match="no parameter 'alpa'; did you mean 'alpha'"):
        small.with_priors(alpa="Normal(0, 1)")


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ("LogNrmal(0, 1)", "prior of alpha:1:1: unknown word 'LogNrmal'; did you mean 'LogNormal'"),
        ("LogNormal(0, -1)", "prior of alpha:1:1: the log_sd of LogNormal must be positive"),
        ("HalfNormal(1e999)", "prior of alpha:1:12: this constant is not a finite number"),
        (3, "prior of alpha:1:1: expected a call such as Normal"),
    ],
)
def test_a_mistake_in_an_edit_stands_where_it_was_made(prior: str, message: str) -> None:
    """And not in a line of the edited text, which nobody wrote."""
    with pytest.raises(LawError) as caught:
        read(TEXT).with_priors(alpha=prior)
    assert str(caught.value).startswith(message)
    with pytest.raises(LawError, match=r"^prior of nu:1:1: unknown word 'Gama'"):
        read(TEXT).with_likelihood("StudentT(nu, mean, sigma)", nu="Gama(2, 0.1)")
    with pytest.raises(LawError, match=r"^spread of group_effect:1:1: HalfNormal takes 1 numbers"):
        read(TEXT).with_group_effect("budget", "HalfNormal(1, 2)")


def test_other_noise_drops_and_adds_parameters() -> None:
    """with_likelihood keeps the mean and takes the noise parameters that the new likelihood needs."""
    small = read(TEXT)
    other = small.with_likelihood("StudentT(nu, mean, scale)", nu="Gamma(2, 0.1)", scale="HalfNormal(0.1)")
    assert set(other.parameters) == {"E", "A", "alpha", "nu", "scale"}
    assert other.published == small.published


def test_noise_can_grow_and_groups_can_shift() -> None:
    """Growth multiplies the scale by a power of an input; a group effect moves the location on its link."""
    small = read(TEXT)
    grown = small.with_noise_growth("N")
    assert str(grown.output.likelihood) == "LogNormal(mean, sigma * (N / N0)**-noise_growth)"
    shifted = small.with_group_effect("budget")
    assert str(shifted.output.likelihood) == "LogNormal(mean * exp(group_effect), sigma)"
    assert shifted.parameters["group_effect"].pool == "partial:budget"
    assert shifted.free_parameters == small.free_parameters
    with pytest.raises(LawError, match="can grow by an input with a reference scale"):
        small.with_noise_growth("M")
    with pytest.raises(LawError, match="no scale that could grow"):
        law("passuntil").with_noise_growth("N")


# ---------------------------------------------------------------------- the catalogue


def test_the_catalogue_finds_laws_by_name_and_topic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Laws are found by file name, in the user's folders too, and a wrong name has the nearest right one."""
    assert {one.name for one in laws()} == set(entries())
    assert law("chinchilla") in laws("pretraining")
    with pytest.raises(LawError, match="did you mean 'chinchilla'"):
        law("chinchila")
    with pytest.raises(LawError, match="did you mean 'pretraining'"):
        laws("pretrainin")
    (tmp_path / "mine.toml").write_text(TEXT)
    monkeypatch.setenv("BAYESLAW_LAWS", str(tmp_path))
    assert law("mine").title == "Small"
    (tmp_path / "chinchilla.toml").write_text(TEXT)
    with pytest.raises(LawError, match="already a law 'chinchilla'"):
        entries()
    monkeypatch.setenv("BAYESLAW_LAWS", str(tmp_path / "nowhere"))
    with pytest.raises(LawError, match="which is not a folder"):
        entries()


def test_the_bibliography_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry has authors, title, year and arXiv number, and a law cites it, be it one that waits."""
    if WAITING.is_dir():
        monkeypatch.setenv("BAYESLAW_LAWS", str(WAITING))
    cited = {one.reference for one in laws()}
    cited |= {key for one in laws() if one.published for key in one.published.values}
    for key, entry in bibliography().items():
        assert set(entry) == {"authors", "title", "year", "arxiv"}, key
        assert key.startswith(entry["authors"].split(",")[0].split()[-1].lower()), key
        assert entry["year"] in key
        assert any(one == key or one.rpartition("_")[0] == key for one in cited), key
