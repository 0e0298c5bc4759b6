"""Numbers, tables and JSON as they are written everywhere."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayeslaw.page import as_html, as_text
from bayeslaw.words import (
    a_chance,
    chance,
    cut,
    exact,
    in_columns,
    multiple,
    numbers,
    plain,
    sentence,
    short,
    size,
    strict_json,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [(70e9, "70B"), (1.4e12, "1.4T"), (999.6e6, "1B"), (1e3, "1K"), (512, "512"), (2e15, "2e15"), (0.5, "0.5")],
)
def test_counts_are_written_as_the_field_writes_them(value, words):
    assert size(value, "parameter") == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(5.76e23, "5.76e23"), (1e5, "1e5"), (20000, "20000"), (0.05, "0.05"), (1.23e-5, "1.23e-5"), (0.0, "0"),
     (-1.5e10, "-1.5e10"), (math.inf, "inf")],
)  # fmt: skip
def test_all_else_has_few_digits(value, words):
    assert short(value) == size(value, "FLOP") == words


@pytest.mark.parametrize(("value", "words"), [(2170.3, "2,170x"), (1.114, "1.11x"), (0.052, "0.052x"), (3e12, "3e12x")])
def test_multiples_have_thousands_separators(value, words):
    assert multiple(value) == words


def test_an_interval_has_the_decimals_that_its_width_tells():
    assert numbers([1.9, 1.7368, 2.0761]) == ["1.900", "1.737", "2.076"]
    assert numbers([0.0002791, 2.698e-6, 0.002465]) == ["0.00028", "0.00000", "0.00247"]
    assert numbers([12345.6, 11000, 14000]) == ["12,346", "11,000", "14,000"]
    assert numbers([9.1e10, 7e10, 1.2e11], "parameter") == ["91.0B", "70.0B", "120.0B"]
    assert numbers([1.2e9, 3e7, 5e11], "token") == ["1.2B", "30M", "500B"]
    assert numbers([2.0, 2.0, 2.0]) == ["2", "2", "2"]


@given(st.lists(st.floats(1e-4, 1e20), min_size=3, max_size=3), st.sampled_from(["", "token"]))
def test_numbers_that_are_written_are_those_that_were_meant(values, units):
    """To three digits of their own, or to the third digit of what lies between them."""
    letters = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
    for value, words in zip(values, numbers(values, units), strict=True):
        number = words.replace(",", "")
        read = float(number.rstrip("KMBT")) * letters.get(number[-1], 1.0)
        assert abs(read - value) <= max(0.00501 * value, 0.00501 * (max(values) - min(values)))


@given(st.floats(1e-30, 1e30))
def test_a_number_to_be_typed_again_keeps_its_value(value):
    assert float(exact(value)) == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.138, "a 14 % chance"), (0.08, "an 8 % chance"), (0.11, "an 11 % chance"), (0.85, "an 85 % chance"),
     (0.0, "less than a 1 % chance"), (1.0, "more than a 99 % chance")],
)  # fmt: skip
def test_a_chance_has_its_article(probability, words):
    assert a_chance(probability) == words


@given(st.floats(0.0, 1.0))
def test_what_is_not_certain_is_not_called_so(probability):
    assert chance(probability) not in ("0 %", "100 %")


def test_columns_are_aligned_words_to_the_left_and_numbers_to_the_right():
    rows = [("law", "weight", "note"), ("chinchilla", "0.95", ""), ("kaplan", "-10.05", "far")]
    assert in_columns(rows).splitlines() == [
        "  law         weight  note",
        "  chinchilla    0.95",
        "  kaplan      -10.05  far",
    ]


def test_json_knows_no_number_that_is_none():
    found = {"a": math.nan, 0.5: [math.inf, 1.0, ("x", None)]}
    assert plain(found) == {"a": None, "0.5": [None, 1.0, ["x", None]]}
    assert json.loads(strict_json(found)) == plain(found)


def test_a_text_is_cut_at_its_limit():
    assert cut("x" * 60) == "x" * 60
    assert cut("x" * 61) == "x" * 57 + "..."
    assert sentence("one thing") == sentence("One thing.") == "One thing."


def test_a_page_says_the_same_as_text_and_as_html():
    page = ["Both < one.", [("law", "weight"), ("<b>", "0.5")], "The end."]
    assert as_text(page) == "Both < one.\n  law  weight\n  <b>     0.5\nThe end."
    html = as_html(page)
    assert "<p>Both &lt; one.</p>" in html
    assert '<td style="text-align: left">&lt;b&gt;</td><td style="text-align: right">0.5</td>' in html
    assert "<b>" not in html
