"""Every likelihood of the language draws what it says that runs report."""

import numpy as np
import pytest

from bayeslaw.language.formula.functions import LINKS
from bayeslaw.language.formula.likelihoods import LIKELIHOODS, OUTCOMES, LikelihoodFamily
from tests.words import typical

every_likelihood = pytest.mark.parametrize("family", LIKELIHOODS.values(), ids=LIKELIHOODS)


@every_likelihood
def test_draws_are_outcomes_of_its_kind(family: LikelihoodFamily) -> None:
    drawn = family.draw(np.random.default_rng(1), *(np.full(1000, each) for each in typical(family)))
    assert drawn.shape == (1000,)
    assert OUTCOMES[family.outcome].holds(drawn).all()


@every_likelihood
def test_it_names_its_own_arguments_and_a_link_that_takes_its_location(family: LikelihoodFamily) -> None:
    assert {family.location, family.scale} <= {*family.arguments, None}
    assert np.isfinite(LINKS[family.link](dict(zip(family.arguments, typical(family), strict=True))[family.location]))


@pytest.mark.parametrize(
    ("kind", "possible"),
    [("real", [1, 1, 1, 1, 1, 1]), ("positive", [0, 0, 1, 1, 1, 1]), ("unit", [0, 0, 1, 0, 0, 0]),
     ("count", [0, 1, 0, 1, 0, 1])],
)  # fmt: skip
def test_each_kind_of_outcome_has_its_numbers(kind: str, possible: list[int]) -> None:
    numbers = np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0])
    assert OUTCOMES[kind].holds(numbers).tolist() == [bool(each) for each in possible]
