"""What runs cost: a formula of the law language over their inputs, or a price list."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.where.points import points_at
from bayeslaw.decisions.cost import Cost
from bayeslaw.errors import LawError, QuestionError

LAWS = [bl.law("chinchilla")]
POINTS = points_at(LAWS, {"N": [1e9, 7e9], "D": [2e10, "1.4T"]})
FLOPS = 6.0 * np.array([1e9 * 2e10, 7e9 * 1.4e12])


@pytest.mark.parametrize(
    ("text", "costs"),
    [("2.5e-18 * flops", 2.5e-18 * FLOPS), ("2.5e-18 * C", 2.5e-18 * FLOPS), ("5", [5.0, 5.0]), (3, [3.0, 3.0]),
     ("1e-6 * n_params + 1e-9 * D", [1e3 + 20.0, 7e3 + 1400.0]), ("0 * N", [0.0, 0.0])],
)  # fmt: skip
def test_a_cost_is_a_formula_of_inputs_and_of_compute(text, costs):
    np.testing.assert_allclose(Cost.read(text).of(LAWS, POINTS), costs)


def test_compute_is_an_input_of_a_law_that_reads_it():
    laws = [bl.law("power_law")]
    np.testing.assert_allclose(Cost.read("1e-18 * flops").of(laws, points_at(laws, {"C": [1e20, 1e22]})), [1e2, 1e4])


def test_a_price_list_has_a_price_for_each_name():
    prices = Cost.read({"small": 10, "large": 2e6})
    np.testing.assert_allclose(prices.of(LAWS, POINTS, ["large", "small"]), [2e6, 10.0])
    with pytest.raises(QuestionError, match=r"^cost: 'huge' has no price, only small, large; give one for each"):
        prices.of(LAWS, POINTS, ["small", "huge"])


@pytest.mark.parametrize(
    ("text", "said"),
    [("2 * flopz", "^cost '2 \\* flopz': unknown name 'flopz'; did you mean 'flops'; known: n_params"),
     ("N - 2e9", "^cost 'N - 2e9': run 1 would cost -1e9; a cost is a finite number and not below zero"),
     ("1 / (N - 1e9)", "run 1 would cost inf")],
)  # fmt: skip
def test_a_cost_that_cannot_be_is_refused_in_one_sentence(text, said):
    with pytest.raises(QuestionError, match=said):
        Cost.read(text).of(LAWS, POINTS)


@pytest.mark.parametrize("text", ["__import__('os')", "N.real", "N if D else 0", "lambda: 1", "[N]"])
def test_a_cost_is_never_executed(text):
    with pytest.raises(LawError, match=r"^cost:1:\d+: .*(is not part of the law language|unknown function)"):
        Cost.read(text)
