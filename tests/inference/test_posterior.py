"""What a fit leaves: draws by family, a summary, and a file that gives the same answers."""

import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import arviz_stats
import h5netcdf
import numpy as np
import pytest
import xarray

import bayeslaw as bl
from bayeslaw.errors import FileError, InputError, LawError, QuestionError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.runs import observations
from bayeslaw.runs.stand_ins import NEW, POPULATION
from tests.posteriors import about
from tests.simulate import simulated_runs

LAW, POWER = bl.law("chinchilla"), bl.law("power_law")
TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.005, "nu": 20.0}
SIZE = {"draws": 300, "chains": 2}
SMALL = {**SIZE, "warmup": 200, "patience": False}
# Few draws are enough to see that answers are the same; whether they can be trusted is not asked here.
ANYWAY = {"allow_unconverged": True}
AT = {"N": [1e9, 7e10], "D": [2e10, 1.4e12]}


def small_fit(runs: bl.Runs, **more) -> bl.Posterior:
    return bl.fit(LAW, runs, **{**SMALL, **more})


@pytest.fixture(scope="module")
def three_families() -> bl.Runs:
    return simulated_runs(LAW, np.random.default_rng(5), 42, families=3, parameters=TRUTH)


@pytest.fixture(scope="module")
def hierarchy(three_families) -> bl.Posterior:
    return about(LAW, three_families, TRUTH, "family", noise=TRUTH["sigma"], **SIZE)


@pytest.fixture(scope="module")
def flat() -> bl.Posterior:
    return about(LAW, simulated_runs(LAW, np.random.default_rng(6), 14, parameters=TRUTH), TRUTH, noise=0.005, **SIZE)


@pytest.fixture(scope="module")
def two_columns() -> bl.Posterior:
    """Two corpora and two tokenizers, of whose four combinations one does not occur, pooled in every way."""
    runs = simulated_runs(POWER, np.random.default_rng(7), 42, families=3)
    pairs = {"family 1": ("web", "bpe"), "family 2": ("web", "byte"), "family 3": ("code", "bpe")}
    corpus, tokenizer = zip(*(pairs[f] for f in runs.data["family"]), strict=True)
    columns = {name: values for name, values in runs.data.items() if name != "family"}
    runs = bl.Runs.from_arrays({**columns, "corpus": corpus, "tokenizer": tokenizer}, "two columns")
    pool = {"E": "corpus/tokenizer", "A": "corpus+tokenizer", "alpha": "none:corpus"}
    return about(POWER, runs, {}, pool=pool, noise=0.01, **SIZE)


@pytest.fixture(scope="module")
def saved(hierarchy, tmp_path_factory) -> Path:
    return hierarchy.save(tmp_path_factory.mktemp("fits") / "fit.nc")


# --- the file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["hierarchy", "flat"])
def test_a_file_gives_the_same_answers_to_the_bit(which, request, tmp_path):
    posterior = request.getfixturevalue(which)
    again = bl.load(posterior.save(tmp_path / "fit.nc"))
    for family in [None, POPULATION] + (["family 2"] if posterior.family else []):
        ours, theirs = (bl.forecast(p, AT, family=family, **ANYWAY) for p in (posterior, again))
        np.testing.assert_array_equal(ours.draws, theirs.draws)
        np.testing.assert_array_equal(ours.mean_draws, theirs.mean_draws)
        assert ours.as_dict() == theirs.as_dict()
    assert str(again.summary()) == str(posterior.summary())
    assert again.summary().as_dict() == posterior.summary().as_dict()
    assert again.law == posterior.law
    assert (again.family, again.pool, again.seed) == (posterior.family, posterior.pool, posterior.seed)
    assert (again.versions, again.flat_names) == (posterior.versions, posterior.flat_names)
    assert again.runs.digest() == posterior.runs.digest()
    assert again.runs.rows.tolist() == posterior.runs.rows.tolist()
    assert again.values.keys() == posterior.values.keys()
    assert again.stats.keys() == posterior.stats.keys()
    for name in posterior.stats:
        np.testing.assert_array_equal(again.stats[name], posterior.stats[name])
        assert again.stats[name].dtype == posterior.stats[name].dtype


WITHOUT_A_CATALOGUE = """
import sys
import bayeslaw as bl
from bayeslaw.language import catalogue, files

def refuse(*_):
    raise AssertionError("a saved fit asked for a law file")

files.entries = files.folders = files.read_text = catalogue.law = catalogue.read_law = refuse
posterior = bl.load(sys.argv[1])
found = bl.forecast(posterior, {"N": [1e9, 7e10], "D": [2e10, 1.4e12]}, family="family 2", allow_unconverged=True)
sys.stdout.write("".join(float(x).hex() + "\\n" for x in found.draws.ravel()))
"""


def test_another_process_without_a_catalogue_gives_the_same_forecast(hierarchy, saved):
    """The file holds the law's own text: no folder of laws is looked into."""
    environment = {name: value for name, value in os.environ.items() if name != "BAYESLAW_LAWS"}
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", WITHOUT_A_CATALOGUE, str(saved)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    theirs = [float.fromhex(line) for line in done.stdout.split()]
    ours = bl.forecast(hierarchy, AT, family="family 2", **ANYWAY)
    np.testing.assert_array_equal(theirs, ours.draws.ravel())


def test_an_edited_law_is_saved_as_it_was_edited(flat, tmp_path):
    """No catalogue has this law, only the file."""
    law = LAW.with_likelihood("LogNormal(mean, sigma)").with_priors(alpha="LogNormal(log(0.4), 0.1)")
    values = {name: draws for name, draws in flat.values.items() if name != "nu"}
    posterior = replace(flat, plan=make_plan(law, flat.runs), values=values)
    again = bl.load(posterior.save(tmp_path / "fit.nc"))
    assert again.law == law
    assert again.law != LAW
    assert "nu" not in again.law.parameters


def test_xarray_reads_the_file(hierarchy, saved):
    with xarray.open_datatree(saved, engine="h5netcdf") as tree:
        groups = {"posterior", "unconstrained_posterior", "sample_stats", "observed_data", "constant_data"}
        assert set(tree.children) == groups
        deviations = tree["posterior/E_deviation_family"]
        assert deviations.dims == ("chain", "draw", "group_family")
        np.testing.assert_array_equal(deviations.values, hierarchy.values["E_deviation_family"])
        assert tree["posterior/E"].dims == ("chain", "draw")
        np.testing.assert_array_equal(tree["observed_data/loss"].values, hierarchy.runs.column("loss"))
        assert tree.attrs["law_text"] == LAW.text


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(saved, tmp_path, share):
    whole = saved.read_bytes()
    part = tmp_path / "part.nc"
    part.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FileError, match=r"part\.nc: not a fit of this package, or damaged"):
        bl.load(part)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("seed", range(8))
def test_a_file_overwritten_in_many_places_is_refused(saved, tmp_path, seed):
    """Whatever the damage hits, only the package's own error comes out."""
    rng = np.random.default_rng(seed)
    content = np.frombuffer(saved.read_bytes(), dtype=np.uint8).copy()
    at = rng.choice(len(content), len(content) // 20, replace=False)
    content[at] = rng.integers(0, 256, len(at))
    damaged = tmp_path / "damaged.nc"
    damaged.write_bytes(content.tobytes())
    with pytest.raises(FileError, match=r"damaged\.nc: "):
        bl.load(damaged)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("seed", range(40))
def test_a_few_flipped_bits_raise_nothing_foreign(saved, tmp_path, seed):
    """Either it is a fault of the file, and never a crash, or it hit nothing that is read."""
    rng = np.random.default_rng(seed)
    content = np.frombuffer(saved.read_bytes(), dtype=np.uint8).copy()
    # Half of the files are hit in their head, where the structure is.
    reach = len(content) if seed % 2 else 4096
    at = rng.choice(reach, 8, replace=False)
    content[at] ^= np.uint8(1) << rng.integers(0, 8, 8).astype(np.uint8)
    damaged = tmp_path / "damaged.nc"
    damaged.write_bytes(content.tobytes())
    with contextlib.suppress(FileError):
        found, whole = bl.load(damaged), bl.load(saved)
        np.testing.assert_array_equal(found.flat, whole.flat)
        assert found.law == whole.law
        assert all((found.runs.data[name] == values).all() for name, values in whole.runs.data.items())


@pytest.mark.parametrize("share", np.linspace(0.0, 0.99, 12))
def test_a_block_of_zeros_is_refused(saved, tmp_path, share):
    """As a full disk or a broken copy leaves; HDF5 itself reads on."""
    content = bytearray(saved.read_bytes())
    at = int(share * len(content))
    content[at : at + 4096] = bytes(len(content[at : at + 4096]))
    damaged = tmp_path / "damaged.nc"
    damaged.write_bytes(content)
    with pytest.raises(FileError, match="damaged"):
        bl.load(damaged)


def test_a_foreign_netcdf_file_is_refused(tmp_path):
    path = tmp_path / "weather.nc"
    xarray.Dataset({"rain": ("day", [1.0, 2.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(FileError, match="not a fit of this package"):
        bl.load(path)


def test_a_later_format_is_refused(saved, tmp_path):
    path = tmp_path / "later.nc"
    path.write_bytes(saved.read_bytes())
    with h5netcdf.File(path, "a") as file:
        file.attrs["format"] = "bayeslaw posterior 2"
    with pytest.raises(FileError, match="not a fit of this package"):
        bl.load(path)


def test_draws_that_are_not_finite_are_refused(saved, tmp_path):
    path = tmp_path / "hole.nc"
    path.write_bytes(saved.read_bytes())
    with h5netcdf.File(path, "a") as file:
        file["posterior"].variables["E"][0, 0] = np.nan
    with pytest.raises(FileError, match="damaged"):
        bl.load(path)


@pytest.mark.parametrize("content", [b"", b"family,N,D,loss\na,1e9,2e10,2.5\n", b"CDF\x01" + bytes(100)])
def test_another_kind_of_file_is_refused(tmp_path, content):
    path = tmp_path / "runs.nc"
    path.write_bytes(content)
    with pytest.raises(FileError, match="not a fit of this package"):
        bl.load(path)


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(FileError, match="there is no such file; `bayeslaw fit"):
        bl.load(tmp_path / "none.nc")
    with pytest.raises(FileError, match="is a folder; give the file of a fit"):
        bl.load(tmp_path)


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), RuntimeError("stopped"), KeyboardInterrupt()]
)
def test_a_save_that_fails_leaves_everything_as_it_was(flat, tmp_path, monkeypatch, fault):
    path = tmp_path / "fit.nc"
    path.write_text("the last fit")

    def half(temporary, content):
        with temporary.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise fault

    monkeypatch.setattr(Path, "write_bytes", half)
    expected = FileError if isinstance(fault, OSError) else type(fault)
    with pytest.raises(expected):
        flat.save(path)
    assert path.read_text() == "the last fit"
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


def test_a_save_replaces_an_earlier_one(flat, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_text("the last fit")
    assert flat.save(path) == path
    assert bl.load(path).law == LAW
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


def test_a_place_that_cannot_be_written_is_named(flat, tmp_path):
    with pytest.raises(FileError, match=r"missing/fit\.nc: cannot write here .*choose another path"):
        flat.save(tmp_path / "missing" / "fit.nc")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write here"):
        flat.save(tmp_path / "file" / "fit.nc")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileError, match="folder"):
        flat.save(folder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_a_link_stays_one_and_a_device_is_left_alone(flat, tmp_path):
    target, link, pipe = tmp_path / "keep" / "fit.nc", tmp_path / "link.nc", tmp_path / "pipe"
    target.parent.mkdir()
    link.symlink_to(target)
    flat.save(link)
    assert link.is_symlink()
    assert bl.load(target).law == LAW
    os.mkfifo(pipe)
    with pytest.raises(FileError, match="pipe: is a device or a pipe and not a file"):
        flat.save(pipe)
    assert pipe.is_fifo()


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="everything is writable to the superuser")
def test_a_folder_without_permission_is_named(flat, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(FileError, match="cannot write here"):
        flat.save(folder / "fit.nc")


# --- draws by family --------------------------------------------------------------------------------------------


def test_a_known_family_is_its_population_and_its_deviation(hierarchy):
    found = hierarchy.parameters({"family": "family 2"})
    at = hierarchy.families.index("family 2")
    assert found.keys() == LAW.parameters.keys()
    for name in ("E", "A", "B", "alpha", "beta"):
        deviation = hierarchy.draws(f"{name}_deviation_family")[:, at]
        np.testing.assert_allclose(found[name], hierarchy.draws(name) * np.exp(deviation), rtol=1e-12)
    for name in ("sigma", "nu"):
        np.testing.assert_array_equal(found[name], hierarchy.draws(name))


def test_the_population_has_no_deviation(hierarchy):
    found = hierarchy.parameters({"family": POPULATION})
    for name in LAW.parameters:
        np.testing.assert_allclose(found[name], hierarchy.draws(name), rtol=1e-12)


def test_a_new_family_scatters_with_the_spread(hierarchy):
    """Standardised by its spread, the shift of a new family is a standard normal, and another one each time."""
    rng = np.random.default_rng(1)
    shifts = []
    for _ in range(20):
        found = hierarchy.parameters(rng=rng)
        shifts.append(np.log(found["E"] / hierarchy.draws("E")) / hierarchy.draws("E_spread_family"))
    shifts = np.array(shifts)
    n = shifts.size
    assert abs(shifts.mean()) < 4 / np.sqrt(n)
    assert abs(shifts.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(np.corrcoef(shifts[0], shifts[1])[0, 1]) < 4 / np.sqrt(hierarchy.size)


def test_a_family_that_is_not_said_is_a_new_one(hierarchy):
    for ours, theirs in zip(
        hierarchy.parameters().values(), hierarchy.parameters({"family": NEW}).values(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_nested_groups_add_their_shifts(two_columns):
    """A new tokenizer of a known corpus keeps the corpus's shift and draws its own."""
    log_population, corpora = np.log(two_columns.draws("E")), two_columns.draws("E_deviation_corpus")
    pairs = two_columns.draws("E_deviation_corpus:tokenizer")
    corpus, pair = (two_columns.plan.groupings[name] for name in ("corpus", "corpus:tokenizer"))
    assert pair.levels == (("code", "bpe"), ("web", "bpe"), ("web", "byte"))
    known = two_columns.parameters({"corpus": "web", "tokenizer": "byte"})["E"]
    of_web = log_population + corpora[:, corpus.labels.index("web")]
    np.testing.assert_allclose(known, np.exp(of_web + pairs[:, 2]), rtol=1e-12)
    new_tokenizer = np.log(two_columns.parameters({"corpus": "web", "tokenizer": NEW})["E"]) - of_web
    standard = new_tokenizer / two_columns.draws("E_spread_corpus:tokenizer")
    assert abs(standard.mean()) < 4 / np.sqrt(two_columns.size)
    assert 0.8 < standard.std() < 1.2
    middle = two_columns.parameters({"corpus": "web", "tokenizer": POPULATION})["E"]
    np.testing.assert_allclose(middle, np.exp(of_web), rtol=1e-12)


def test_crossed_groups_know_a_combination_that_did_not_occur(two_columns):
    found = two_columns.parameters({"corpus": "code", "tokenizer": "byte"})
    shifts = [
        two_columns.draws(f"A_deviation_{column}")[:, two_columns.plan.groupings[column].labels.index(value)]
        for column, value in (("corpus", "code"), ("tokenizer", "byte"))
    ]
    np.testing.assert_allclose(found["A"], two_columns.draws("A") * np.exp(sum(shifts)), rtol=1e-12)


def test_a_parameter_without_pooling_is_its_own_or_its_prior(two_columns):
    at = two_columns.plan.groupings["corpus"].labels.index("code")
    known = two_columns.parameters({"corpus": "code", "tokenizer": "bpe"})["alpha"]
    np.testing.assert_array_equal(known, two_columns.draws("alpha")[:, at])
    unknown = np.log(two_columns.parameters({"corpus": NEW})["alpha"])
    assert abs(unknown.mean() - np.log(0.13)) < 4 * 0.4 / np.sqrt(two_columns.size)
    assert 0.34 < unknown.std() < 0.46


def test_every_way_of_pooling_is_saved(two_columns, tmp_path):
    again, where = bl.load(two_columns.save(tmp_path / "fit.nc")), {"corpus": "web", "tokenizer": NEW}
    for ours, theirs in zip(two_columns.parameters(where).values(), again.parameters(where).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_by_family_is_every_family_in_turn(hierarchy, flat):
    found = hierarchy.by_family("alpha")
    assert tuple(found) == hierarchy.families == ("family 1", "family 2", "family 3")
    for family, draws in found.items():
        np.testing.assert_array_equal(draws, hierarchy.parameters({"family": family})["alpha"])
    assert flat.families == ()
    np.testing.assert_array_equal(flat.by_family("alpha")[""], flat.draws("alpha"))
    with pytest.raises(QuestionError, match="no parameter 'alhpa'; did you mean 'alpha'"):
        hierarchy.by_family("alhpa")


def test_draws_lie_chain_after_chain(flat):
    np.testing.assert_array_equal(flat.draws("E")[: SMALL["draws"]], flat.values["E"][0])
    assert flat.draws("E").shape == (flat.size,) == (600,)
    with pytest.raises(QuestionError, match="has no 'sigm'; did you mean 'sigma'"):
        flat.draws("sigm")


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("familly 2", "no run was of family 'familly 2'; did you mean 'family 2'.*families: family 1, .*'new'"),
        ({"famly": "family 2"}, "did not pool over a column 'famly'; did you mean 'family'"),
        ({"family": "famly 3"}, "column 'family' has no 'famly 3'; did you mean 'family 3'.*or say 'new'"),
    ],
)
def test_an_unknown_family_is_refused(hierarchy, family, message):
    with pytest.raises(QuestionError, match=message):
        hierarchy.groups_of(family)


def test_a_fit_without_families_knows_none(flat):
    with pytest.raises(QuestionError, match="no families, so it knows no family 'new'"):
        flat.groups_of("new")
    with pytest.raises(QuestionError, match="no families, so it knows no family 'web'"):
        flat.groups_of("web")
    with pytest.raises(QuestionError, match="it pooled over nothing"):
        flat.groups_of({"corpus": "web"})
    assert flat.groups_of(None) == flat.groups_of(POPULATION) == {}


def test_families_are_said_in_several_ways(hierarchy, two_columns):
    assert hierarchy.groups_of("family 3") == {"family": "family 3"}
    assert hierarchy.groups_of(None) == {"family": NEW}
    assert hierarchy.groups_of(POPULATION) == {"family": POPULATION}
    assert two_columns.groups_of({"corpus": "web"}) == {"corpus": "web"}
    assert two_columns.groups_of(None) == {"corpus": NEW, "tokenizer": NEW}


def test_a_family_called_new_comes_before_the_word(hierarchy):
    """In brackets the words keep their meaning, and what is not said is a family that no run belonged to."""
    names = {"family 1": "a", "family 2": "new", "family 3": "population"}
    renamed = np.array([names[each] for each in hierarchy.runs.data["family"]], dtype=object)
    runs = bl.Runs.from_arrays({**hierarchy.runs.data, "family": renamed})
    called = replace(hierarchy, plan=make_plan(LAW, runs, "family"))

    def answered(posterior, family):
        found = bl.forecast(posterior, AT, family=family, **ANYWAY)
        return found.points[0].family, np.median(found.draws[:, 0])

    for theirs, ours in names.items():
        for one in (ours, {"family": ours}):
            assert answered(called, one) == (ours, answered(hierarchy, theirs)[1])
    for word in ("new", "population"):
        for one in (f"({word})", {"family": f"({word})"}):
            assert answered(called, one) == (f"({word})", answered(hierarchy, word)[1])
            assert answered(hierarchy, one) == answered(hierarchy, word)
    assert answered(called, None) == ("(new)", answered(hierarchy, "new")[1])
    # Runs of another family are of none that was fitted.
    elsewhere = bl.Runs.from_arrays({"n_params": [1e9], "n_tokens": [2e10], "family": ["d"]})
    assert bl.forecast(called, elsewhere, **ANYWAY).points[0].family == "(new)"
    with pytest.raises(QuestionError, match=r"families: a, new, population; say '\(new\)' for one drawn"):
        called.groups_of("b")
    with pytest.raises(QuestionError, match=r"known: a, new, population; or say '\(new\)' or '\(population\)'"):
        called.groups_of({"family": "b"})


# --- summary and ArviZ ------------------------------------------------------------------------------------------


def rows_of(posterior: bl.Posterior) -> dict[tuple[str, str], object]:
    return {(row.name, row.group): row for row in posterior.summary().rows}


def test_the_summary_is_of_the_draws(hierarchy):
    row = rows_of(hierarchy)["alpha", "family 2"]
    draws = hierarchy.by_family("alpha")["family 2"]
    found = [row.mean, row.sd, row.median, row.lower, row.upper]
    np.testing.assert_allclose(found, [draws.mean(), draws.std(), *np.quantile(draws, [0.5, 0.05, 0.95])])
    chains = draws.reshape(2, -1)
    assert row.rhat == pytest.approx(float(arviz_stats.rhat(chains)))
    assert row.ess_bulk == pytest.approx(float(arviz_stats.ess(chains)))


def test_the_summary_has_every_quantity(hierarchy, flat):
    pooled, families = ("E", "A", "B", "alpha", "beta"), ("", *hierarchy.families)
    expected = {(name, family) for name in pooled for family in families}
    expected |= {(f"{name}_spread_family", "") for name in pooled} | {("sigma", ""), ("nu", "")}
    assert set(rows_of(hierarchy)) == expected
    assert {name for name, _ in rows_of(flat)} == {*LAW.parameters, *LAW.derived}
    a = flat.draws("beta") / (flat.draws("alpha") + flat.draws("beta"))
    assert rows_of(flat)["a", ""].mean == pytest.approx(a.mean())
    assert rows_of(flat)["a", ""].contraction is None


def test_what_did_not_learn_says_so():
    """Sixteen runs at one N tell nothing of alpha, and next to nothing of the tail of their scatter."""
    rng, D = np.random.default_rng(8), np.geomspace(1e9, 1e12, 16)
    loss = (1.8 + 0.4 + 0.4 * (D / 2e10) ** -0.37) * np.exp(0.005 * rng.standard_normal(16))
    posterior = small_fit(bl.Runs.from_arrays({"n_params": [1e9] * 16, "n_tokens": D, "loss": loss}))
    for name in ("alpha", "nu"):
        row = rows_of(posterior)[name, ""]
        assert row.contraction < 0.1, name
        assert row.note == "the runs say nothing about it: this is the prior"
    assert "nothing" in next(line for line in str(posterior.summary()).splitlines() if line.startswith("  alpha "))
    assert rows_of(posterior)["beta", ""].note == ""


def test_what_learned_well_says_so(hierarchy):
    """A known scatter of half a percent, over four decades of scale, against priors of tens of percent."""
    rows = rows_of(hierarchy)
    assert 0.8 < rows["sigma", ""].contraction <= 1.0
    assert rows["sigma", ""].note == ""
    # By its definition: one minus the ratio of the central 68 %, on the scale where the prior is a bell curve.
    low, high = np.quantile(np.log(hierarchy.draws("alpha")), [0.158655, 0.841345])
    assert rows["alpha", ""].contraction == pytest.approx(1 - (high - low) / 2 / 0.3, abs=0.02)
    assert rows["E_spread_family", ""].contraction is not None


def test_the_pointwise_log_likelihood_is_that_of_the_noise(hierarchy):
    """A run under a draw: Student-t on the log, with the Jacobian of the log, by SciPy."""
    from scipy.stats import t

    found = hierarchy.to_datatree()["log_likelihood/loss"].values.reshape(hierarchy.size, -1)
    inputs = observations.inputs(hierarchy.runs, LAW)
    for run in (0, 1, 41):
        family = hierarchy.runs.column("family")[run]
        parameters = hierarchy.parameters({"family": family})
        mean = LAW.mean({name: values[run] for name, values in inputs.items()}, parameters)
        loss = hierarchy.runs.column("loss")[run]
        z = np.log(loss / mean) / parameters["sigma"]
        expected = t.logpdf(z, parameters["nu"]) - np.log(parameters["sigma"]) - np.log(loss)
        np.testing.assert_allclose(found[:, run], expected, rtol=1e-8)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto distribution")
def test_arviz_cross_validates(hierarchy):
    found = arviz_stats.loo(hierarchy.to_datatree(), pointwise=True)
    assert found.n_data_points == len(hierarchy.runs)
    assert np.isfinite(found.elpd)
    # Each run is predicted a little worse without itself than with it, and not by more than its own parameters.
    with_itself = hierarchy.to_datatree()["log_likelihood/loss"].values
    with_itself = np.log(np.exp(with_itself).mean(axis=(0, 1))).sum()
    assert 0 < with_itself - found.elpd < 3 * len(hierarchy.flat_names)


# --- seeds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"seed": -1}, "seed is -1; expected a whole number from 0"),
        ({"seed": "x"}, "seed is 'x'"),
        ({"draws": 0}, "draws is 0; expected a whole number from 4"),
        ({"warmup": 1.5}, "warmup is 1.5"),
        ({"chains": 0}, "chains is 0; expected a whole number from 1"),
        ({"target_accept": 2}, "target_accept is 2; expected a rate between 0 and 1"),
    ],
)
def test_a_fit_that_cannot_be_sampled_is_refused(flat, how, message):
    with pytest.raises(InputError, match=message):
        small_fit(flat.runs, **how)


@pytest.mark.parametrize("law", [3, None])
def test_what_is_no_law_is_refused(flat, law):
    with pytest.raises(LawError, match=f"a law is a name such as 'chinchilla', or a Law, not {law}"):
        bl.fit(law, flat.runs)


def test_the_same_seed_gives_the_same_draws(flat):
    first, again, other = (small_fit(flat.runs, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(again.flat, first.flat)
    for name in first.values:
        np.testing.assert_array_equal(again.values[name], first.values[name])
    assert not np.array_equal(other.flat, first.flat)
    assert other.seed == 1
    # Values are the flat draws within their bounds.
    for i, name in enumerate(first.flat_names):
        np.testing.assert_allclose(first.values[name], np.exp(first.flat[..., i]), rtol=1e-12)


def test_a_posterior_shows_what_it_is(hierarchy, flat):
    assert repr(hierarchy).startswith("Posterior(chinchilla, 42 runs, families by family, 2 x 300 draws, ")
    assert "families" not in repr(flat)
