"""A fit in ArviZ's groups: each variable is what its name says, ArviZ's own tools take it, and PyMC names it alike."""

from dataclasses import replace

import arviz_stats
import jax
import numpy as np
import pytest
import xarray
from scipy.stats import kstest, norm, t

import bayeslaw as bl
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base import devices
from bayeslaw.inference.model.plan_model import log_prior, plan_model
from tests.posteriors import about, from_priors
from tests.simulate import simulated_runs

LAW = bl.law("power_law")
TRUTH = {"E": 1.8, "A": 0.4, "alpha": 0.35, "sigma": 0.005, "nu": 20.0}
SIZE = {"draws": 250, "chains": 2}


@pytest.fixture(scope="module")
def runs() -> bl.Runs:
    """Two corpora and two tokenizers, of whose four combinations one does not occur."""
    runs = simulated_runs(LAW, np.random.default_rng(7), 30, families=3, parameters=TRUTH)
    pairs = {"family 1": ("web", "bpe"), "family 2": ("web", "byte"), "family 3": ("code", "bpe")}
    corpus, tokenizer = zip(*(pairs[f] for f in runs.data["family"]), strict=True)
    return bl.Runs.from_arrays({**runs.data, "corpus": corpus, "tokenizer": tokenizer})


@pytest.fixture(scope="module")
def families(runs) -> bl.Posterior:
    return about(LAW, runs, TRUTH, "family", noise=TRUTH["sigma"], **SIZE)


@pytest.fixture(scope="module")
def tree(families) -> xarray.DataTree:
    return families.to_datatree()


@pytest.fixture(scope="module")
def columns(runs) -> bl.Posterior:
    """Pooled in every way."""
    pool = {"E": "corpus/tokenizer", "A": "corpus+tokenizer", "alpha": "none:corpus"}
    return from_priors(LAW, runs, None, pool)


@pytest.fixture(scope="module")
def pooled(columns) -> xarray.DataTree:
    return columns.to_datatree()


def test_arviz_gets_its_groups(tree, families):
    assert set(tree.children) == {
        "posterior", "posterior_predictive", "log_likelihood", "log_prior", "sample_stats", "unconstrained_posterior",
        "prior", "prior_predictive", "observed_data", "constant_data",
    }  # fmt: skip
    posterior = tree["posterior"]
    assert posterior["E"].dims == ("chain", "draw")
    for name in ("E_deviation_family", "E_family", "half_family"):
        assert posterior[name].dims == ("chain", "draw", "family")
        assert tuple(posterior[name].coords["family"].values) == families.families
    for place in ("log_likelihood/loss", "posterior_predictive/loss", "prior_predictive/loss"):
        assert tree[place].dims == ("chain", "draw", "run")
    for place in ("observed_data/loss", "constant_data/C", "constant_data/family_index", "constant_data/family_label"):
        assert tree[place].dims == ("run",)
    np.testing.assert_array_equal(tree["observed_data/loss"].coords["run"], families.runs.rows)
    assert tree["sample_stats/diverging"].dtype == bool
    for group in ("prior", "unconstrained_posterior"):
        assert set(tree[group].data_vars) <= set(posterior.data_vars)


def test_it_says_what_each_variable_is_and_what_was_fitted(tree):
    assert tree["posterior/E"].attrs == {"long_name": "loss that no scale removes", "units": "nat/token"}
    assert tree["posterior/E_family"].attrs == tree["prior/E"].attrs == tree["posterior/E"].attrs
    assert tree["posterior/half"].attrs == {"long_name": "2**(1 / alpha)"}
    assert tree["observed_data/loss"].attrs["units"] == "nat/token"
    assert tree["constant_data/C"].attrs == {"long_name": LAW.inputs["C"].meaning, "units": "FLOP"}
    assert "log" in tree["posterior/E_spread_family"].attrs["long_name"]
    assert tree.attrs["law_text"] == LAW.text


def test_runs_know_their_families(tree, runs):
    constant = tree["constant_data"]
    assert constant["family_label"].values.tolist() == list(runs.data["family"])
    assert (tree["posterior"].coords["family"][constant["family_index"]] == constant["family_label"]).all()


def test_a_parameter_of_a_family_is_its_population_and_its_deviation(tree, families):
    for name in ("E", "alpha"):
        for family, draws in families.by_family(name).items():
            found = tree[f"posterior/{name}_family"].sel(family=family)
            np.testing.assert_allclose(found.values.ravel(), draws, rtol=1e-12)
    alpha = tree["posterior/alpha_family"]
    np.testing.assert_allclose(tree["posterior/half_family"], 2.0 ** (1.0 / alpha), rtol=1e-12)
    np.testing.assert_allclose(tree["posterior/half"], 2.0 ** (1.0 / tree["posterior/alpha"]), rtol=1e-12)


def test_every_way_of_pooling_has_its_values(columns, pooled):
    posterior = pooled["posterior"]
    assert posterior["alpha"].dims == ("chain", "draw", "corpus")
    assert posterior["E_deviation_corpus:tokenizer"].dims == ("chain", "draw", "corpus:tokenizer")
    # What has no value for the population has no derived quantity there either.
    assert "half" not in posterior
    assert "alpha_corpus" not in posterior
    assert posterior["half_corpus"].dims == ("chain", "draw", "corpus")
    combined = [f"{name}_corpus:tokenizer" for name in ("E", "A", "C_c")]
    assert set(combined) <= set(posterior.data_vars)
    for label in posterior.coords["corpus:tokenizer"].values:
        corpus, tokenizer = label.split(":")
        there = columns.parameters({"corpus": corpus, "tokenizer": tokenizer})
        expected = {**there, **LAW.derive(there)}
        for name in combined:
            found = posterior[name].sel({"corpus:tokenizer": label}).values.ravel()
            np.testing.assert_allclose(found, expected[name.partition("_corpus")[0]], rtol=1e-10)
    assert list(posterior.coords["corpus:tokenizer"].values) == ["code:bpe", "web:bpe", "web:byte"]


def test_the_log_prior_is_that_of_the_sampled_density_without_deviations(columns, pooled):
    """With the deviations about their spreads, and Jacobians of the logs that are sampled."""
    plan, at = columns.plan, {"chain": 1, "draw": 7}
    spreads = {deviation: f"{name}_spread_{grouping}" for name, grouping, deviation in plan.structure.effects}
    values, own = pooled["posterior"].isel(at), pooled["log_prior"].isel(at)
    assert set(own.data_vars) == {name for name, prior, _ in plan.structure.sites if prior is not None}
    total = sum(float(own[name].sum()) for name in own.data_vars)
    total += sum(norm.logpdf(values[name], 0.0, float(values[spread])).sum() for name, spread in spreads.items())
    total += sum(float(np.log(values[name]).sum()) for name in own.data_vars)
    sites, flat = plan_model(plan.structure).site, columns.flat[1, 7]
    with devices.float64():
        expected = float(jax.jit(lambda x: log_prior(plan.structure, lambda name: x[sites[name].stretch]))(flat))
    assert total == pytest.approx(expected, rel=1e-10)


def test_coordinates_are_those_of_the_sampler(tree, families):
    each = tree["unconstrained_posterior"].data_vars.values()
    stacked = np.concatenate([one.values.reshape(*families.flat.shape[:2], -1) for one in each], axis=-1)
    np.testing.assert_array_equal(stacked, families.flat)
    np.testing.assert_allclose(np.exp(tree["unconstrained_posterior/alpha"]), tree["posterior/alpha"], rtol=1e-12)


def test_the_prior_is_drawn_from_the_law_and_not_from_the_runs(tree):
    prior = tree["prior"].isel(chain=0)
    for name in ("E", "alpha", "nu"):
        assert kstest(prior[name], LAW.parameters[name].prior.scipy().cdf).pvalue > 1e-3, name
    assert kstest(prior["E_deviation_family"][:, 0] / prior["E_spread_family"], norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize("group", ["prior", "posterior"])
def test_predictions_scatter_about_the_law_as_its_noise_does(tree, runs, group):
    values, constant = tree[group], tree["constant_data"]
    own = {name: values[f"{name}_family"].sel(family=constant["family_label"]) for name in ("E", "A", "alpha")}
    mean = own["E"] + own["A"] * (constant["C"] / 1e20) ** -own["alpha"]
    score = (np.log(tree[f"{group}_predictive/loss"]) - np.log(mean)) / values["sigma"]
    ranks = t.cdf(score.transpose("chain", "draw", "run"), values["nu"].values[..., None])
    # One run a draw, since the runs of one draw share its tail.
    assert kstest(ranks[..., 3].ravel(), "uniform").pvalue > 1e-3


def test_runs_that_count_twice_do_and_hidden_ones_do_not(runs, families, tree):
    weight = np.arange(30) % 3.0
    weighted = bl.Runs.from_arrays({**runs.data, "weight": weight})
    same = replace(families, plan=replace(families.plan, runs=weighted)).to_datatree()
    np.testing.assert_allclose(same["log_likelihood/loss"], tree["log_likelihood/loss"] * weight, rtol=1e-12)
    np.testing.assert_array_equal(same["constant_data/loss_weight"], weight)


def test_a_tree_is_a_file_that_xarray_reads(pooled, tmp_path):
    pooled.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    with xarray.open_datatree(tmp_path / "tree.nc", engine="h5netcdf") as again:
        assert set(again.children) == set(pooled.children)
        xarray.testing.assert_equal(again["posterior"].to_dataset(), pooled["posterior"].to_dataset())


def test_a_variable_may_have_another_name(families, tree):
    other = families.to_datatree({"alpha": "exponent"})
    np.testing.assert_array_equal(other["posterior/exponent"], tree["posterior/alpha"])
    assert all("alpha" not in group for group in other.children.values())
    with pytest.raises(QuestionError, match="rename: the tree has no 'alhpa'; did you mean 'alpha'"):
        families.to_datatree({"alhpa": "exponent"})
    with pytest.raises(QuestionError, match="rename alpha: the tree has a 'E' already; choose another name"):
        families.to_datatree({"alpha": "E"})


# --- what others do with it -------------------------------------------------------------------------------------

# Draws of a normal approximation, which importance weights do not like.
ROUGH = "ignore:Estimated shape parameter of Pareto distribution"


@pytest.mark.filterwarnings(ROUGH)
def test_arviz_draws_it(families):
    plots = pytest.importorskip("arviz_plots", reason="comes with PyMC: install bayeslaw[pymc]")
    from matplotlib import pyplot

    # Its pictures of sensitivity have a dimension `alpha` of their own.
    tree = families.to_datatree({"alpha": "exponent"})
    drawn = [
        plots.plot_prior_posterior(tree, var_names=["exponent", "alpha_family"]),
        plots.plot_forest(tree, var_names=["E_family", "half_family"]),
        plots.plot_energy(tree),
        plots.plot_ppc_dist(tree, group="prior_predictive", num_samples=10),
        plots.plot_ppc_pit(tree),
        plots.plot_psense_dist(tree, var_names=["E", "exponent"]),
    ]
    assert all(each.viz["figure"].item() is not None for each in drawn)
    pyplot.close("all")


@pytest.mark.filterwarnings(ROUGH)
def test_arviz_checks_its_sensitivity_to_priors(runs, families):
    """A prior at odds with the runs is found, and one that is wide is not."""
    wide = arviz_stats.psense(families.to_datatree(), var_names=["E"], group="prior")
    tight = about(
        LAW.with_priors(E="LogNormal(log(1.8), 0.02)"), runs, TRUTH, "family", noise=TRUTH["sigma"], **SIZE
    ).to_datatree()
    narrow = arviz_stats.psense(tight, var_names=["E"], group="prior")
    assert float(wide["E"]) < 0.05 < float(narrow["E"])


@pytest.mark.filterwarnings("ignore:Numba will use object mode")
def test_pymc_names_variables_and_dimensions_alike(runs, families, tree):
    """And draws the same prior predictions."""
    pm = pytest.importorskip("pymc", reason="to_pymc needs PyMC: install bayeslaw[pymc]")
    from pytensor.compile.mode import Mode

    as_written = {"mode": Mode(linker="py", optimizer=None)}
    with bl.to_pymc(LAW, runs, "family") as model:
        theirs = pm.sample_prior_predictive(120, random_seed=1, compile_kwargs=as_written)
    only_theirs = {"prior": "mean", "constant_data": "loss_data"}
    for group in ("prior", "prior_predictive", "observed_data", "constant_data"):
        shared = set(theirs[group].data_vars) - {only_theirs.get(group)}
        ours = tree[group]
        assert shared <= set(ours.data_vars), group
        for name in shared:
            assert theirs[group][name].dims == ours[name].dims, name
            for dim in set(ours[name].dims) - {"chain", "draw"}:
                np.testing.assert_array_equal(theirs[group].coords[dim], ours.coords[dim])
    np.testing.assert_array_equal(theirs["constant_data/C"], tree["constant_data/C"])
    np.testing.assert_array_equal(theirs["constant_data/family_index"], tree["constant_data/family_index"])
    for run in (0, 13, 29):
        one, other = (each["prior_predictive/loss"].isel(run=run).values.ravel() for each in (theirs, tree))
        assert kstest(one, other).pvalue > 1e-3
    # Other runs, one of which is far beyond these.
    with model:
        pm.set_data({"C": [1e20, 1e25], "family_index": [0, 2], "loss_data": [2.0, 2.0]}, coords={"run": ["a", "b"]})
        further = pm.sample_prior_predictive(20, random_seed=2, compile_kwargs=as_written, var_names=["mean"])
    assert further["prior/mean"].dims == ("chain", "draw", "run")
    assert further["prior"].coords["run"].values.tolist() == ["a", "b"]
    assert float(further["prior/mean"].sel(run="b").mean()) < float(further["prior/mean"].sel(run="a").mean())
