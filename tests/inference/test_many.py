"""Many fits in one program: each is the fit that it would be alone, whatever is sampled beside it."""

from dataclasses import replace

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import FileError
from bayeslaw.inference.base.diagnostics import mean_ess
from bayeslaw.inference.choice import choice_for, next_choice, with_care
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.holdout import refits
from bayeslaw.inference.infer import infer
from bayeslaw.inference.many import fit_many, infer_many
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.sampler.layout import TOGETHER
from bayeslaw.inference.sampler.program import _compiled
from bayeslaw.inference.shards import Shards
from tests.linear import Exact, linear_law, linear_runs
from tests.simulate import simulated_runs

ERRORS = 4.5
POWER = bl.law("power_law").with_likelihood("LogNormal(mean, sigma)")


@pytest.fixture(scope="module")
def line() -> Plan:
    return make_plan(linear_law("line"), linear_runs())


def folds(plan: Plan, count: int) -> list[np.ndarray]:
    return [np.arange(len(plan.outcome)) % count == i for i in range(count)]


def test_each_fit_is_that_of_its_own_runs():
    """One more than fit into a program, so that the second time it runs nearly empty; against closed forms."""
    posterior = bl.fit(linear_law("line"), linear_runs())
    masks = folds(posterior.plan, TOGETHER + 1)
    exact = Exact("line", posterior.runs)
    for hidden, found in zip(masks, refits(posterior, masks), strict=True):
        assert (found.hidden == hidden).all()
        density = np.exp(found.log_likelihood)
        error = [d.std() / d.mean() / np.sqrt(mean_ess(d)) for d in np.moveaxis(density, -1, 0)]
        assert (np.abs(found.log_density - exact.log_densities(hidden)) < ERRORS * np.array(error)).all()


def test_posteriors_of_many_tables_are_those_of_single_fits():
    """Against closed forms, and with all that a saved fit needs."""
    law, table = linear_law("line"), linear_runs()
    tables = [table.take(hidden) for hidden in (np.arange(24) < 20, np.arange(24) >= 4)]
    plans = [make_plan(law, each) for each in tables]
    for posterior, runs in zip(fit_many(plans, seed=5, draws=500), tables, strict=True):
        exact = Exact("line", runs)
        precision = exact.design.T @ exact.design / 0.3**2 + np.linalg.inv(exact.prior)
        expected = np.linalg.solve(precision, exact.design.T @ exact.y / 0.3**2)
        error = posterior.flat.std(axis=(0, 1)) / np.sqrt([mean_ess(posterior.flat[..., k]) for k in range(2)])
        assert (np.abs(posterior.flat.mean(axis=(0, 1)) - expected) < ERRORS * error).all()
        assert posterior.seed == 5
        assert len(posterior.runs) == 20
        assert posterior.versions == bl.fit(law, runs, draws=20, patience=False).versions


def test_neighbours_make_no_difference(line):
    """To the bit: other plans in the same program, at another place of it, and none at all beside."""
    plans = [line.hiding(hidden) for hidden in folds(line, TOGETHER + 1)]
    how = {"draws": 50, "chains": 2}
    forwards = dict(infer_many(plans, range(TOGETHER + 1), **how))
    backwards = dict(infer_many(plans[::-1], range(TOGETHER, -1, -1), **how))
    for i, draws in forwards.items():
        np.testing.assert_array_equal(draws.flat, backwards[TOGETHER - i].flat)
        assert draws.seed == i


def test_other_outcomes_are_other_fits(line):
    """The mean of a linear law's posterior moves with its outcomes as the closed form says."""
    shifts = np.linspace(-1.0, 1.0, TOGETHER)
    plans = [line.with_outcome(line.outcome + shift) for shift in shifts]
    found = dict(infer_many(plans, [3] * TOGETHER, draws=500, chains=2))
    exact = Exact("line", line.runs)
    precision = exact.design.T @ exact.design / 0.3**2 + np.linalg.inv(exact.prior)
    for i, shift in enumerate(shifts):
        expected = np.linalg.solve(precision, exact.design.T @ (exact.y + shift) / 0.3**2)
        draws = found[i].flat
        error = draws.std(axis=(0, 1)) / np.sqrt([mean_ess(draws[..., k]) for k in range(2)])
        assert (np.abs(draws.mean(axis=(0, 1)) - expected) < ERRORS * error).all()


def test_what_was_stopped_goes_on_where_it_was(line, tmp_path):
    """To the bit what would have come without the stop, and nothing that was there is sampled again."""
    plans = [line.hiding(hidden) for hidden in folds(line, 2 * TOGETHER + 3)]
    seeds, how = range(len(plans)), {"draws": 50, "chains": 2}
    whole = dict(infer_many(plans, seeds, **how))
    shards, told = Shards(tmp_path / "fits"), []

    def impatient(done: int, total: int) -> None:
        if done >= 2 * TOGETHER:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(infer_many(plans, seeds, shards=shards, progress=impatient, **how))
    assert len(list(shards.folder.iterdir())) == 2 * TOGETHER
    stamps = {path: path.stat().st_mtime_ns for path in shards.folder.iterdir()}
    found = dict(
        infer_many(plans, seeds, shards=shards, progress=lambda done, total: told.append((done, total)), **how)
    )
    assert told[-1] == (len(plans), len(plans))
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    for i, draws in whole.items():
        np.testing.assert_array_equal(found[i].flat, draws.flat)
        assert found[i].diagnostics == draws.diagnostics
        for name, values in draws.values.items():
            np.testing.assert_array_equal(found[i].values[name], values)


def test_a_kept_fit_is_of_its_own_data_settings_and_seed(line, tmp_path):
    shards, start, quick = Shards(tmp_path), np.zeros(2), choice_for(line, draws=50)
    other = line.with_outcome(line.outcome + 1e-12)
    hidden = line.hiding(np.arange(24) == 3)
    law = make_plan(linear_law("line").with_priors(b0="Normal(0, 2.5)"), linear_runs())
    paths = [
        shards.path(line, quick, 0, None), shards.path(line, quick, 1, None), shards.path(line, quick, 0, start),
        shards.path(line, choice_for(line, draws=50, warmup=600), 0, None),
        shards.path(line, quick._replace(coordinates=Conditional), 0, None),
        *(shards.path(plan, quick, 0, None) for plan in (other, hidden, law)),
    ]  # fmt: skip
    assert len(set(paths)) == len(paths)
    assert shards.path(make_plan(line.law, linear_runs()), quick, 0, None) == paths[0]


def test_shards_that_cannot_be_used_say_so(line, tmp_path):
    broken = Shards(tmp_path)
    path = broken.path(line, choice_for(line, draws=50), 0, None)
    path.write_bytes(b"PK not a fit")
    with pytest.raises(FileError, match=r"is not a finished fit .* delete it to repeat the fit"):
        list(infer_many([line], [0], shards=broken, draws=50))
    (tmp_path / "file").write_text("")
    for folder in ("file", "file/fits"):
        with pytest.raises(FileError, match=r"cannot be a folder .* choose another shards"):
            Shards(tmp_path / folder)


def test_a_full_disk_keeps_what_is_finished(line, tmp_path):
    """As the system has it: no file may grow beyond 1 kB once eight fits are there."""
    resource = pytest.importorskip("resource", reason="limits on files are Unix's")
    plans = [line.hiding(hidden) for hidden in folds(line, 2 * TOGETHER)]
    shards, how = Shards(tmp_path), {"draws": 50, "chains": 2}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(done: int, total: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))

    try:
        with pytest.raises(FileError, match=r"cannot write here \(file too large\); choose another shards"):
            list(infer_many(plans, range(len(plans)), shards=shards, progress=fill, **how))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(list(tmp_path.iterdir())) == TOGETHER
    assert len(list(infer_many(plans, range(len(plans)), shards=shards, **how))) == len(plans)


@pytest.mark.slow
def test_plans_of_two_kinds_are_kept_apart_and_none_is_lost(line):
    """Hiding most runs changes the coordinates; what comes back says which plan it is of."""
    rows = np.arange(120)
    runs = simulated_runs(POWER, np.random.default_rng(1), len(rows), families=2)
    plan = make_plan(POWER, runs, "family", {"E": "partial", "A": "complete", "alpha": "complete"})
    masks = [rows % 9 == i if i % 2 else rows >= 20 + i for i in range(6)]
    plans = [plan.hiding(hidden) for hidden in masks]
    assert {suited(each) for each in plans} == {Conditional, Following}
    told: list[tuple[int, int]] = []
    found = dict(
        infer_many(plans, range(6), progress=lambda done, total: told.append((done, total)), draws=100, warmup=100)
    )
    assert sorted(found) == list(range(6))
    assert told == [(i, 6) for i in range(1, 7)]
    for i, draws in found.items():
        assert type(draws.coordinates) is suited(plans[i])


def test_nothing_is_compiled_for_the_second_lot(line):
    plans = [line.hiding(hidden) for hidden in folds(line, TOGETHER)]
    how = {"draws": 50, "chains": 2}
    list(infer_many(plans, range(TOGETHER), **how))
    before = _compiled.cache_info().misses
    list(infer_many(plans, range(TOGETHER), **how))
    assert _compiled.cache_info().misses == before


@pytest.mark.parametrize("families", [None, pytest.param(4, marks=pytest.mark.slow)])
def test_a_fit_among_many_is_as_alone(families):
    """To the bit, of a law with powers, where rounding shows: one fit is a batch of one."""
    truth = {"E": 1.8, "A": 0.5, "alpha": 0.2, "sigma": 0.01}
    runs = simulated_runs(POWER, np.random.default_rng(4), 200 if families else 60, families=families, parameters=truth)
    pool = {"E": "partial", "A": "complete", "alpha": "complete"} if families else None
    plan = make_plan(POWER, runs, "family" if families else None, pool)
    plans = [plan.hiding(hidden) for hidden in folds(plan, TOGETHER)]
    how = {"draws": 50, "warmup": 100}
    found = dict(infer_many(plans, range(TOGETHER), **how))
    for i in (0, TOGETHER - 1):
        alone = infer(plans[i], choice_for(plans[i], **how), i)
        assert type(alone.coordinates) is (Conditional if families else Affine)
        np.testing.assert_array_equal(alone.flat, found[i].flat)
        for name, values in alone.stats.items():
            np.testing.assert_array_equal(values, found[i].stats[name])


def test_patience_is_for_what_has_not_converged_alone(line):
    """Of 360 draws not even 400 are effective, so those fits are made again with four times as many."""
    plans = [line.hiding(hidden) for hidden in folds(line, 2)]
    how = {"draws": 90}
    once = dict(infer_many(plans, range(2), **how))
    assert not any(draws.diagnostics.converged for draws in once.values())
    told: list[tuple[int, int]] = []
    found = dict(infer_many(plans, range(2), patient=True, progress=lambda *counts: told.append(counts), **how))
    assert {draws.flat.shape[1] for draws in found.values()} == {360}
    # More of the same, since nothing else is amiss.
    assert {draws.settings.warmup for draws in found.values()} == {choice_for(line).settings.warmup}
    assert told == [(1, 2), (2, 2)]
    enough = dict(infer_many(plans, range(2), patient=True, draws=500))
    assert {draws.flat.shape[1] for draws in enough.values()} == {500}


def test_care_is_for_what_lacks_more_than_draws(line):
    """Each step of patience is taken once: more of the same where that would do, care after it or at once."""
    (draws,) = dict(infer_many([line], [0], draws=500)).values()
    first, good = choice_for(line, draws=500), draws.diagnostics
    assert good.converged
    assert next_choice(line, first, good, draws=500) is None
    short, diverged = replace(good, ess=150.0), replace(good, divergences=100)
    longer, careful = next_choice(line, first, short, draws=500), with_care(line, draws=500)
    assert longer == first._replace(settings=replace(first.settings, draws=2000), patient=True)
    assert next_choice(line, first, diverged, draws=500) == careful
    assert next_choice(line, longer, short, draws=500) == careful
    assert next_choice(line, careful, short, draws=500) is None
    assert careful.settings.draws == longer.settings.draws
    assert careful.settings.target_accept > longer.settings.target_accept
