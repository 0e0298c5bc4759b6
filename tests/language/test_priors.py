"""Every prior of the language is one distribution, whichever of its functions is asked."""

import numpy as np
import pytest
from scipy.stats import kstest

from bayeslaw.language.formula.functions import LINKS
from bayeslaw.language.formula.priors import PRIORS, PriorFamily
from bayeslaw.language.law import Prior
from tests.words import typical

every_prior = pytest.mark.parametrize("family", PRIORS.values(), ids=PRIORS)


@every_prior
def test_quantiles_are_those_of_scipy(family: PriorFamily) -> None:
    arguments, u = typical(family), np.linspace(0.001, 0.999, 99)
    np.testing.assert_allclose(family.quantile(u, *arguments), family.scipy(*arguments).ppf(u), rtol=1e-9)


@every_prior
def test_draws_follow_the_distribution_of_scipy(family: PriorFamily) -> None:
    arguments = typical(family)
    drawn = family.draw(np.random.default_rng(1), 4000, *arguments)
    assert kstest(drawn, family.scipy(*arguments).cdf).pvalue > 0.001


@every_prior
def test_the_scale_of_its_bell_takes_all_of_its_values(family: PriorFamily) -> None:
    quantiles = family.quantile(np.array([0.01, 0.5, 0.99]), *typical(family))
    assert np.isfinite(LINKS[family.bell_on](quantiles)).all()


@every_prior
def test_a_wider_prior_is_wider_where_it_is_a_bell(family: PriorFamily) -> None:
    name = next(name for name, row in PRIORS.items() if row is family)
    prior = Prior(name, typical(family), "")
    low, high = (
        LINKS[family.bell_on](family.quantile(np.array([0.16, 0.84]), *each.arguments))
        for each in (prior, prior.widened(1.5))
    )
    assert np.diff(high) > 1.2 * np.diff(low)


def test_a_median_is_a_quantile() -> None:
    assert Prior("LogNormal", (np.log(1.8), 0.3), "").median() == pytest.approx(1.8)
    assert Prior("HalfCauchy", (2.0,), "").median() == pytest.approx(2.0)
    assert Prior("Constant", (0.7,), "").median() == 0.7
