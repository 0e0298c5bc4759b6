"""Fits that were saved by an earlier version give the answers that they gave then.

To the bit on a processor whose arithmetic has the same bits, to rounding on others.  An answer that is meant to change
is made again by ``tests/saved/make.py --answers``, and the change of numbers is then in the commit.
"""

import numpy as np
import pytest

from tests.saved import answers

SAME_MACHINE, KEPT = answers.read()


@pytest.fixture(scope="module")
def found():
    return answers.answers()


def test_every_question_is_answered(found):
    assert set(found) == set(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_an_answer_of_before_is_that_of_now(found, name):
    if answers.arithmetic() == SAME_MACHINE:
        assert found[name] == KEPT[name]
    else:
        np.testing.assert_allclose(found[name], KEPT[name], rtol=1e-9)
