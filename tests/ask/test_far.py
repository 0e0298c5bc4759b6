"""Far from the fitted runs: in what, by how much, and what an answer says and does about it."""

from dataclasses import dataclass

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.forecast.drift import OFF_RATIO, distance
from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.ask.where.extrapolation import FAR, VERY_FAR, outside
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.words import multiple
from tests.posteriors import from_priors
from tests.saved.answers import FOLDER
from tests.simulate import simulated_runs


@dataclass(frozen=True)
class Bare:
    """What of a posterior says where its runs lie."""

    law: bl.Law
    plan: Plan


@pytest.fixture(scope="module")
def posterior() -> bl.Posterior:
    """Fitted to runs of 20 to 320 tokens per parameter."""
    return bl.load(FOLDER / "coupled.nc")


@pytest.fixture(scope="module")
def task() -> bl.Posterior:
    return bl.load(FOLDER / "emergence.nc")


def at_ratio(posterior: bl.Posterior, ratio: float, compute: float) -> dict[str, float]:
    """Parameters and tokens in such a ratio, of a multiple of the compute of the largest run."""
    N, D = (posterior.plan.fitted[name] for name in ("N", "D"))
    product = compute * (N * D).max()
    return {"N": float(np.sqrt(product / ratio)), "D": float(np.sqrt(product * ratio))}


def at(posterior: bl.Posterior, point: dict[str, float]) -> float:
    (found,) = distance(posterior, {name: np.array([value]) for name, value in point.items()})
    return float(found)


def width(found: Forecast) -> float:
    interval = found.points[0].mean
    return float(np.log(interval.upper / interval.lower))


def test_a_small_network_on_very_many_tokens_is_far_off_by_its_ratio_and_not_by_its_compute(posterior):
    N, D = (posterior.plan.fitted[name] for name in ("N", "D"))
    point = {"N": float(N.min()), "D": 1.1 * float((N * D).max() / N.min())}
    found = bl.forecast(posterior, point)
    worst = found.points[0].outside
    assert found.points[0].extrapolation["flops_ratio"] == pytest.approx(1.1)
    assert (worst.name, worst.side) == ("tokens per parameter", "above")
    assert worst.limit == pytest.approx((D / N).max())
    assert worst.times == pytest.approx(point["D"] / point["N"] / (D / N).max())
    farthest = f"{multiple(worst.times)} the largest fitted tokens per parameter"
    assert f"That is 1.1x the compute of the largest fitted run and {farthest}." in str(found)
    assert found.as_dict()["points"][0]["outside"] == {
        "name": worst.name, "times": worst.times, "side": "above", "limit": worst.limit, "measure": "factor"
    }  # fmt: skip
    (note,) = found.notes
    assert (note.code, note.severity) == ("far-off", "serious")
    assert farthest in note.text
    assert "grows with this distance" in note.remedy
    assert found.points[0].parts["drift"] > 0.1


def test_the_worst_of_every_input_is_named_on_either_side(posterior):
    N, D = (posterior.plan.fitted[name] for name in ("N", "D"))
    ratio, product = D / N, N * D
    points = {
        "N": [N.max(), N.max(), N.max() * 3, np.sqrt(product.max()), N.min() / 50],
        "D": [N.max() * ratio.min(), N.max() * ratio.min() / 7, N.max() * 60, np.sqrt(product.max()), N.min()],
    }
    found = outside(posterior, {name: np.array(values) for name, values in points.items()})
    assert found[0] is None
    assert [each.name for each in found[1:]] == ["tokens per parameter", "compute", "tokens per parameter", "compute"]
    assert [each.side for each in found[1:]] == ["below", "above", "below", "below"]
    assert found[1].times == pytest.approx(7)
    assert found[2].times == pytest.approx(180 * N.max() ** 2 / product.max())
    assert found[3].times == pytest.approx(ratio.min())
    assert found[4].times == pytest.approx(50 * product.min() / N.min() ** 2)
    assert str(found[1]) == "14.3 % of the smallest fitted tokens per parameter"
    assert str(found[4]) == f"1/{found[4].times:,.0f} of the compute of the smallest fitted run"


def test_a_point_within_the_runs_is_said_to_be_and_not_by_its_part_of_the_largest(posterior):
    size = float(np.median(posterior.plan.fitted["N"]))
    middle = {"N": size, "D": 40.0 * size}
    found = bl.forecast(posterior, middle)
    assert found.points[0].extrapolation["flops_ratio"] < 0.5
    assert "That is within the fitted runs." in str(found)
    assert "the compute of the largest" not in str(found)
    assert found.as_dict()["points"][0]["extrapolation"]["flops_ratio"] == found.points[0].extrapolation["flops_ratio"]
    together = bl.forecast(posterior, {name: [value, value] for name, value in middle.items()})
    assert [point.in_short for point in together.points] == ["within", "within"]


def test_a_point_below_the_runs_is_said_by_its_part_of_the_smallest(posterior):
    N, D = (posterior.plan.fitted[name] for name in ("N", "D"))
    smallest = float((N * D).min())
    below = {ratio: {"N": float(np.sqrt(smallest * ratio / 40)), "D": float(np.sqrt(smallest * ratio * 40))}
             for ratio in (1 / 50, 1 / 2)}  # fmt: skip
    assert "That is 1/50 of the compute of the smallest fitted run." in str(bl.forecast(posterior, below[1 / 50]))
    (near,) = bl.forecast(posterior, below[1 / 2]).points
    assert near.distance == "50 % of the compute of the smallest fitted run"
    assert near.in_short == "50 % of the smallest compute"


def test_an_input_that_compute_does_not_know_is_named_too():
    """Unique tokens, of which fewer than ever before are many more passes over them."""
    law = bl.law("repeated_data")
    assert "U" in law.free_inputs
    fitted = {"n_params": np.geomspace(1e8, 1e10, 12), "n_tokens": np.geomspace(1e10, 1e12, 12)}
    runs = bl.read_runs(
        {**fitted, "unique_tokens": np.geomspace(1e10, 1e12, 12) / 3, "loss": np.linspace(3.5, 2.5, 12)}
    )
    (found,) = outside(
        Bare(law, make_plan(law, runs)), {"N": np.array([1e9]), "D": np.array([1e11]), "U": np.array([1e8])}
    )
    assert (found.name, found.side) == ("U", "below")
    assert found.times == pytest.approx(1e10 / 3 / 1e8)


def test_a_note_comes_beyond_a_factor_of_ten_and_is_serious_beyond_a_hundred(posterior):
    def notes(*points: dict[str, float]) -> list[tuple[str, str]]:
        together = {name: [point[name] for point in points] for name in ("N", "D")}
        return [(note.code, note.severity) for note in bl.forecast(posterior, together).notes]

    near, far, very = (at_ratio(posterior, 40.0, times) for times in (0.9 * FAR, 1.1 * FAR, 1.1 * VERY_FAR))
    assert notes(near) == []
    assert notes(far) == [("far-off", "warning")]
    assert notes(near, far, very) == [("far-off", "warning")]
    assert "the farthest of 2 such points" in str(bl.forecast(posterior, {n: [far[n], very[n]] for n in far}))
    off = at_ratio(posterior, 1.1 * VERY_FAR * 320.0, 0.5)
    assert notes(far, off) == [("far-off", "serious")]
    without = bl.forecast(posterior, very, drift=False).notes[0]
    assert (without.code, without.severity) == ("far-off", "serious")


def test_what_drift_does_not_cover_is_said(posterior, task):
    far = at_ratio(posterior, 40.0, 20.0)
    small = {name: value / 1e3 for name, value in far.items()}
    scores = {"C": float(task.plan.fitted["C"].max() * 20), "n": 100}
    covered = "grows with this distance"
    assert covered in bl.forecast(posterior, far).notes[0].remedy
    assert covered in bl.forecast(task, scores).notes[0].remedy
    for without in (bl.forecast(posterior, far, drift=False), bl.forecast(posterior, small)):
        assert "does not grow with this distance" in without.notes[0].remedy


def a_score(losses: list[float]) -> bl.Posterior:
    """A law of a score whose only input is a loss."""
    runs = {"loss": losses, "n_trials": [100.0] * len(losses), "n_correct": [30.0] * len(losses)}
    return from_priors("loss_threshold", bl.read_runs(runs))


def test_a_loss_counts_downwards():
    """A tenth lower than the lowest is far, a fifth seriously so; of a loss no factor of ten is ever reached."""
    score = a_score([4.0, 3.0, 2.5, 2.4, 2.3, 2.2])
    found = outside(score, {"L": np.array([2.2, 3.0, 2.0, 4.4])})
    assert found[:2] == [None, None]
    assert [(each.name, each.side, each.measure, each.ahead) for each in found[2:]] == [
        ("L", "below", "loss", True), ("L", "above", "loss", False)
    ]  # fmt: skip
    assert found[2].times == pytest.approx(1.1)
    assert str(found[2]) == "90.9 % of the smallest fitted L"

    def asked(loss: float) -> Forecast:
        return bl.forecast(score, {"L": loss, "n": 100})

    assert asked(2.1).notes == ()
    assert [(note.code, note.severity) for note in asked(1.98).notes] == [("far-off", "warning")]
    (note,) = asked(1.7).notes
    assert (note.code, note.severity) == ("far-off", "serious")
    assert "L = 1.7" in note.text
    assert "77.3 % of the smallest fitted L" in note.text
    assert "That is 77.3 % of the smallest fitted L." in str(asked(1.7))
    far = asked(1.7).as_dict()["points"][0]
    assert far["extrapolation"]["L_ratio"] == pytest.approx(2.2 / 1.7)
    assert far["outside"] == {
        "name": "L", "times": pytest.approx(2.2 / 1.7), "side": "below", "limit": 2.2, "measure": "loss"
    }  # fmt: skip


def test_a_loss_is_compared_with_compute_by_what_is_far_in_each(posterior):
    """A loss a fifth lower than any is farther than thirty times the compute, though its factor is smaller."""
    score, far = a_score([4.0, 3.9, 3.8, 3.7, 3.6]), at_ratio(posterior, 40.0, 30.0)
    loss = bl.forecast(posterior, far)
    assert loss.points[0].mean.median < 3.6 / 1.21
    found = bl.forecast(score, {"L": loss, "n": 100})
    assert found.points[0].outside.name == "L"
    assert "30x the compute of the largest fitted run and " in str(found)
    near = bl.forecast(a_score([3.5, 3.4, 3.3, 3.2, 1.2]), {"L": loss, "n": 100})
    assert near.points[0].outside == loss.points[0].outside


def test_a_better_teacher_than_any_is_beyond_the_runs():
    law = bl.law("distillation")
    runs = simulated_runs(law, np.random.default_rng(1), 40)
    fit = Bare(law, make_plan(law, runs))
    inside = {name: values[:1].repeat(2) for name, values in fit.plan.fitted.items()}
    lowest = fit.plan.fitted["L"].min()
    inside["L"] = lowest / np.array([1.0, 1.3])
    none, found = outside(fit, inside)
    assert none is None
    assert (found.name, found.side, found.times) == ("L", "below", pytest.approx(1.3))


def test_a_date_is_far_by_the_time_that_the_runs_span():
    """The day of zero is anyone's choice, so only ranges of days can be compared."""
    law = bl.law("densing")
    table = {"log_density_se": [0.1] * 4, "bound": [0.0] * 4, "density": [0.1, 0.2, 0.3, 0.6]}
    for start in (-200.0, 0.0, 90.0):
        days = start + np.array([0.0, 100.0, 250.0, 400.0])
        fit = from_priors(law, bl.read_runs({"day": days, **table}))
        asked = {"t": days.max() + np.array([0.0, 200.0, 1000.0]), "se": 0.1, "bound": 0.0}
        found = bl.forecast(fit, asked)
        assert [each.outside and round(each.outside.times, 9) for each in found.points] == [None, 1.5, 3.5]
        assert [round(each.extrapolation["t_ratio"], 9) for each in found.points] == [1.0, 1.5, 3.5]
        assert [note.code for note in found.notes if note.code == "far-off"] == ["far-off"]
        assert "2.5x the fitted range of t beyond its largest" in str(found.notes[0])
        assert "does not grow with this distance" in found.notes[0].remedy


def test_an_average_names_what_is_farthest_for_any_of_its_laws(posterior):
    other = bl.load(FOLDER / "pooled.nc")
    point = at_ratio(posterior, 1e4, 1.0)
    alone = bl.forecast(posterior, point)
    both = bl.forecast(bl.average({"coupled": posterior, "chinchilla": other}), point)
    assert both.points[0].outside == alone.points[0].outside
    assert [note.code for note in both.notes] == ["far-off"]


def test_runs_that_grow_at_ratios_that_were_fitted_are_as_far_as_their_compute(posterior):
    for ratio in (20.0, 40.0, 320.0):
        # Nearer, the largest number of tokens may be farther: the run of most compute is not the largest in all.
        for times in (30.0, 1e3, 1e6):
            assert at(posterior, at_ratio(posterior, ratio, times)) == pytest.approx(np.log(times), abs=1e-9)


def test_drift_has_the_distance_of_what_is_farthest_outside(posterior):
    N, D = (posterior.plan.fitted[name] for name in ("N", "D"))
    inside = {"N": float(N.max()), "D": float(D[N.argmax()])}
    assert at(posterior, inside) == 0.0
    assert at(posterior, {**inside, "N": inside["N"] / 1e3, "D": inside["D"] / 1e3}) == 0.0
    assert at(posterior, at_ratio(posterior, 320.0 * 9, 0.5)) == pytest.approx(OFF_RATIO["log"] * np.log(9))
    assert at(posterior, at_ratio(posterior, 20.0 / 9, 0.5)) == pytest.approx(OFF_RATIO["log"] * np.log(9))


def test_an_input_below_the_smallest_fitted_is_as_far_as_that(posterior):
    """Else a score would drift off chance, which is known, as its network gets smaller."""
    N, D = (posterior.plan.fitted[name] for name in ("N", "D"))
    tokens = float(D.max())
    at_smallest = at(posterior, {"N": float(N.min()), "D": tokens})
    assert at_smallest > 1.0
    assert at(posterior, {"N": float(N.min()) / 1e3, "D": tokens}) == at_smallest


def test_drift_widens_off_the_ratio_and_has_no_direction_there(posterior):
    near, off = at_ratio(posterior, 40.0, 0.5), at_ratio(posterior, 1e5, 0.5)
    plain, learned = (bl.forecast(posterior, off, drift=drift) for drift in (False, True))
    assert width(learned) > 1.1 * width(plain)
    assert learned.points[0].mean.median == pytest.approx(plain.points[0].mean.median, rel=5e-3)
    known = bl.Drift(direction=-0.1, scale=0.0)
    for point in (near, off):
        without, with_direction = (bl.forecast(posterior, point, drift=drift) for drift in (False, known))
        np.testing.assert_allclose(with_direction.mean_draws, without.mean_draws, rtol=1e-12)
    beyond = at_ratio(posterior, 1e5, np.e)
    without, with_direction = (bl.forecast(posterior, beyond, drift=drift) for drift in (False, known))
    np.testing.assert_allclose(with_direction.mean_draws, without.mean_draws * np.exp(-0.1), rtol=1e-9)


def test_tokens_follow_from_compute_where_a_law_reads_that():
    """A size at a budget has a ratio too."""
    law = bl.law("isoflop")
    C, M = np.repeat([1e18, 1e19, 1e20], 5), np.tile([5.0, 10.0, 20.0, 40.0, 80.0], 3)
    runs = bl.read_runs({"flops": C, "n_params": np.sqrt(C / 6 / M), "loss": np.linspace(3.5, 2.5, 15)})
    fit = Bare(law, make_plan(law, runs))
    there = {"C": np.array([1e20, 1e20, 1e21]), "N": np.sqrt(np.array([1e20 / 80 / 6, 1e20 / 800 / 6, 1e21 / 20 / 6]))}
    np.testing.assert_allclose(distance(fit, there), [0.0, OFF_RATIO["log"] * np.log(10.0), np.log(10.0)], atol=1e-9)
    assert [each and each.name for each in outside(fit, there)] == [None, "tokens per parameter", "compute"]
