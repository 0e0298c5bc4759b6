"""A law of one scale runs along another: the same curve of the ratio to a reference, with weaker priors."""

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.errors import LawError
from bayeslaw.language.law import Law
from tests.posteriors import about
from tests.simulate import simulated_runs

POWER = bl.law("power_law")
TRUTH = {"E": 1.8, "A": 0.6, "alpha": 0.3, "sigma": 0.005, "nu": 20.0}


@pytest.mark.parametrize("name", ["power_law", "m4", "optimum_power", "passuntil_curved"])
def test_it_is_the_same_curve_of_the_ratio_to_the_reference(name):
    law = bl.law(name)
    other = bl.law(name, along="n_tokens")
    (old,) = law.mean_inputs
    ratio = np.geomspace(1e-2, 1e3, 9)
    drawn = {each: values[:, None] for each, values in law.draw_prior(np.random.default_rng(0), 5).items()}
    expected = law.mean({old: ratio * law.inputs[old].reference}, drawn)
    np.testing.assert_allclose(other.mean({"D": ratio * 2e10}, drawn), expected, rtol=1e-10)
    assert Law.parse(other.text, other.name) == other
    assert other.name == f"{name}@n_tokens"
    assert other.inputs["D"] == bl.law("chinchilla").inputs["D"]


def test_priors_of_what_depends_on_the_scale_are_twice_as_wide():
    other = bl.law("power_law", along="n_params")
    for name in ("E", "sigma", "nu"):
        assert other.parameters[name].prior == POWER.parameters[name].prior
    for name in ("A", "alpha"):
        old, new = POWER.parameters[name].prior, other.parameters[name].prior
        assert new.arguments == pytest.approx((old.arguments[0], 2 * old.arguments[1]))
    # Kaplan's exponent of parameters and Chinchilla's lie well inside.
    tails = other.parameters["alpha"].prior.scipy().cdf([0.076, 0.34])
    assert 0.1 < tails[0] < tails[1] < 0.9
    assert other.parameters["A"].meaning == "loss at N0 that more scale removes"


def test_what_belongs_to_the_old_scale_is_left_out():
    other = bl.law("power_law", along="n_params")
    assert other.published is None
    assert list(other.derived) == ["half"]
    # The one is derived from the other, which is a number of parameters at the old reference.
    assert "N_half" not in bl.law("passuntil", along="n_tokens").derived


def test_there_and_back_is_the_same_formula():
    other = bl.law("power_law", along="n_params")
    back = other.along(POWER.inputs["C"])
    assert back.formula == POWER.formula
    assert back.name == "power_law@flops"
    assert POWER.along(POWER.inputs["C"]) is POWER


def test_a_scale_that_no_law_knows_takes_a_usual_value():
    law = bl.law("power_law", along="gpu_hours = 1K")
    assert law == bl.law("power_law@gpu_hours=1000")
    assert (law.inputs["x"].column, law.references) == ("gpu_hours", {"x0": 1000.0})
    assert bl.law("power_law@n_params") == bl.law("power_law", along="n_params")


@pytest.mark.parametrize(
    ("name", "along", "message"),
    [
        ("chinchilla", "n_params", "law 'chinchilla' is of N, D; only a law of one scale"),
        ("bnsl", "n_params", "law 'bnsl' cannot run along another scale, since 'd' is a number of examples"),
        ("densing", "n_params", "law 'densing' cannot run along another scale, since 'doubling' is a number of days"),
        ("power_law", "loss", "law 'power_law' predicts 'loss'"),
        ("power_law", "n_parms", "no law has a scale 'n_parms'; did you mean 'n_params'; known are "),
        ("power_law", "gpu_hours", 'give a usual value: along="gpu_hours=1e3"'),
        ("power_law", "gpu_hours=many", "'many' is not a number; give a usual value of gpu_hours"),
        ("power_law", "gpu_hours=0", "along gpu_hours: its reference scale is missing; give a usual value, above 0"),
        ("power_lwa@n_params", None, "there is no law 'power_lwa'; did you mean 'power_law'"),
    ],
)
def test_what_cannot_run_along_is_refused(name, along, message):
    with pytest.raises(LawError) as caught:
        bl.law(name, along=along)
    assert message in str(caught.value)


def test_a_name_that_the_law_has_already_is_refused():
    law = Law.parse(POWER.text.replace("alpha", "N"), "taken")
    with pytest.raises(LawError, match="along n_params: law 'taken' has a 'N' already; give the input another name"):
        law.along(bl.law("chinchilla").inputs["N"])


def test_questions_are_asked_of_the_new_scale(tmp_path):
    law = bl.law("power_law", along="n_params")
    posterior = about(law, simulated_runs(law, np.random.default_rng(3), 40, parameters=TRUTH), TRUTH, noise=0.005)
    again = bl.load(posterior.save(tmp_path / "fit.nc"))
    assert (again.law, again.law.name) == (law, "power_law@n_params")
    (point,) = bl.forecast(again, {"N": 7e10}, drift=False).points
    assert point.mean.lower < law.mean({"N": 7e10}, TRUTH) < point.mean.upper
    assert "70B" in point.place


def test_the_command_line_takes_it(tmp_path):
    table = tmp_path / "runs.csv"
    table.write_text("N,loss\n" + "".join(f"{n},{1.8 + 40 * n**-0.2:.2f}\n" for n in (1e7, 3e7, 1e8, 3e8, 1e9, 3e9)))
    done = CliRunner().invoke(commands, ["runs", str(table), "--law", "power_law", "--along", "n_params"])
    assert done.exit_code == 0, done.output
    assert "--law power_law --along n_params --out fit.nc" in done.stdout
    for command in (["runs", str(table)], ["fit", str(table)]):
        done = CliRunner().invoke(commands, [*command, "--along", "n_params"])
        assert (done.exit_code, done.stdout) == (2, "")
        assert "--along n_params: which law is to run along it? Name it, as --law power_law." in done.stderr
