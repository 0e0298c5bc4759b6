"""Numbers as people write them, and what a reader calls an argument."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.where.points import points_at
from bayeslaw.ask.where.scale import axis_of
from bayeslaw.cli.options import read_points
from bayeslaw.errors import QuestionError, RunsError
from bayeslaw.runs import observations
from bayeslaw.words import at_a_terminal, number_in


@pytest.mark.parametrize(
    ("text", "value"),
    [("70B", 7e10), ("1.4T", 1.4e12), ("125M", 1.25e8), ("300K", 3e5), ("7e10", 7e10), ("1e9", 1e9), ("-3", -3.0),
     (".5M", 5e5), ("1e3K", 1e6)],
)  # fmt: skip
def test_a_letter_multiplies(text, value):
    assert number_in(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["70b", "7m", "8x7B", "1,3B", "70BB", "B", "", "nan", "inf", "1e999", "7 B", "0x10", "1_0"]
)
def test_what_is_no_number_is_none(text):
    assert number_in(text) is None


def test_sizes_are_read_the_same_at_a_terminal_and_in_python():
    law = bl.law("chinchilla")
    assert read_points(["N=70B,D=1.4T"]) == {"N": [7e10], "D": [1.4e12]}
    found = observations.inputs(points_at([law], {"N": ["70B", "7e9"], "D": "1.4T"}), law)
    np.testing.assert_allclose(found["N"], [7e10, 7e9])
    np.testing.assert_allclose(found["D"], [1.4e12, 1.4e12])


def test_what_cannot_be_read_is_answered_by_what_can():
    with pytest.raises(QuestionError, match=r"^--at N=70b: '70b' is not a number; write N=7e10, or N=70B\.$"):
        read_points(["N=70b"])
    with pytest.raises(QuestionError, match=r"^at: '70b' of 'N' is not a number; write 7e10, or '70B'\.$"):
        points_at([bl.law("chinchilla")], {"N": "70b", "D": 1e12})


def test_an_argument_is_called_what_its_reader_calls_it():
    law = bl.law("chinchilla")
    with pytest.raises(QuestionError, match=r"^at: law 'chinchilla' needs 'D'"):
        points_at([law], {"N": 1e9})
    with at_a_terminal(), pytest.raises(QuestionError, match=r"^--at: law 'chinchilla' needs 'D'"):
        points_at([law], {"N": 1e9})
    with pytest.raises(QuestionError, match=r"^at: .*did you mean 'n_params'"):
        points_at([law], {"n_param": 1e9, "D": 1e12})


def test_a_remedy_is_worded_for_its_reader_alone():
    runs = bl.read_runs({"params": [1e8, 1e9], "parameters": [1e8, 2e9]})
    with pytest.raises(RunsError, match=r"say which: columns=\{'n_params': 'params'\}\.$"):
        runs.column("n_params")
    with at_a_terminal(), pytest.raises(RunsError, match=r"say which: --columns n_params=params\.$"):
        runs.column("n_params")


def test_compute_is_called_c_wherever_parameters_and_tokens_are_known():
    law = bl.law("chinchilla")
    assert axis_of(law, "C") == axis_of(law, "flops") == axis_of(law, "compute")
    assert axis_of(law, "C").scale == ("N", "D")
    assert axis_of(bl.law("power_law"), "C").scale is None
