"""Priors that were learned from public sweeps."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import LawError
from bayeslaw.language.public_priors import field_priors, with_priors
from tests.simulate import simulated_runs

LEARNED = ("chinchilla", "coupled", "over_training", "kaplan")


@pytest.mark.parametrize("name", LEARNED)
def test_they_are_priors_of_the_law_that_its_own_do_not_exclude(name):
    law = bl.law(name)
    field = with_priors(law, "field")
    assert field.name == law.name
    rng = np.random.default_rng(0)
    for parameter, text in field_priors(name).items():
        assert field.parameters[parameter].prior.text == text
        median = np.median(field.parameters[parameter].prior.draw(rng, 4000))
        low, high = np.quantile(law.parameters[parameter].prior.draw(rng, 4000), [0.025, 0.975])
        assert low < median < high, parameter


def test_a_fit_takes_them_by_name():
    runs = simulated_runs(bl.law("kaplan"), np.random.default_rng(0), 80)  # of few runs, a step costs ten times as much
    field = bl.fit("kaplan", runs, priors="field", draws=50, patience=False)
    assert {name: field.law.parameters[name].prior.text for name in field_priors("kaplan")} == field_priors("kaplan")
    own = bl.fit("kaplan", runs, priors={"sigma": "HalfNormal(0.3)"}, draws=50, patience=False)
    assert own.law.parameters["sigma"].prior.text == "HalfNormal(0.3)"


@pytest.mark.parametrize(
    ("name", "priors", "message"),
    [
        ("m4", "field", "no published-sweep priors for law 'm4', only for chinchilla, coupled, over_training, kaplan"),
        ("kaplan", "fields", "there are none called 'fields'; did you mean 'field'"),
        ("kaplan", {"sgma": "HalfNormal(1)"}, "no parameter 'sgma'; did you mean 'sigma'"),
    ],
)
def test_what_there_is_not_is_refused(name, priors, message):
    with pytest.raises(LawError, match=message):
        with_priors(bl.law(name), priors)
