"""Pictures of families, of what makes a forecast uncertain, of a risk and of a calibration: what is on them."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import QuestionError
from bayeslaw.validation.calibration.ranks import LOG_LIKELIHOOD
from bayeslaw.validation.calibration.sbc import Calibration
from tests.posteriors import about
from tests.simulate import simulated_runs

LAW = bl.law("chinchilla")
TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.01, "nu": 20.0}
TINY = {"draws": 300, "chains": 2}


def visible(figure) -> list:
    return [axes for axes in figure.axes if axes.get_visible()]


def nothing_overlaps_or_is_cut(figure) -> bool:
    """No text lies on another of its panel, and none leaves the figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for axes in visible(figure):
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes.texts if text.get_text()]
        if any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]):
            return False
        if not all(figure.bbox.contains(*corner) for box in boxes for corner in box.get_points()):
            return False
    return True


@pytest.fixture(scope="module")
def one() -> bl.Posterior:
    runs = simulated_runs(LAW, np.random.default_rng(1), 42, parameters=TRUTH)
    return about(LAW, runs, TRUTH, noise=TRUTH["sigma"], **TINY)


@pytest.fixture(scope="module")
def families() -> bl.Posterior:
    runs = simulated_runs(LAW, np.random.default_rng(2), 40, families=3, parameters=TRUTH)
    return about(LAW, runs, TRUTH, "family", noise=TRUTH["sigma"], **TINY)


def test_families_have_a_row_and_a_pooled_parameter_a_panel(families):
    figure = bl.plot_families(families, allow_unconverged=True)
    panels = visible(figure)
    assert [panel.get_title(loc="left").split()[0] for panel in panels] == ["E", "A", "B", "alpha", "beta"]
    rows = [label.get_text() for label in panels[0].get_yticklabels()]
    counts = [families.runs.column("family").tolist().count(name) for name in families.families]
    assert rows == [f"{name} ({n} runs)" for name, n in zip(families.families, counts, strict=True)]
    medians = [line.get_xdata()[0] for line in panels[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(
        medians, [np.median(families.parameters({"family": name})["E"]) for name in families.families]
    )
    assert nothing_overlaps_or_is_cut(figure)


def test_without_a_population_there_is_nothing_to_share(one):
    with pytest.raises(QuestionError, match="no parameter of this fit is shared"):
        bl.plot_families(one)


def test_parts_of_the_uncertainty_are_those_of_forecasts(one):
    figure = bl.plot_uncertainty(one, up_to=100.0, allow_unconverged=True)
    above, below = figure.axes
    x, width = above.lines[0].get_data()
    assert (x[0], x[-1]) == (1.0, pytest.approx(100.0))
    largest = (6 * one.plan.inputs["N"] * one.plan.inputs["D"]).max()
    ratio = np.exp(np.median(np.log(one.usual["D"] / one.usual["N"])))
    at = {"N": np.sqrt(100 * largest / 6 / ratio), "D": np.sqrt(100 * largest * ratio / 6)}
    point = bl.forecast(one, at, allow_unconverged=True).points[0]
    # Outliers of the noise are drawn in another order, so ends agree to Monte-Carlo error only.
    assert width[-1] == pytest.approx(point.new_run.upper - point.new_run.lower, rel=0.1)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [name for name, share in point.parts.items() if share]
    assert f"{width[-1]:.3g}" in [text.get_text() for text in above.texts]
    assert below.get_ylim() == (0.0, 1.0)
    assert nothing_overlaps_or_is_cut(figure)
    with pytest.raises(QuestionError, match="up_to=1: give a multiple"):
        bl.plot_uncertainty(one, up_to=1.0, allow_unconverged=True)


def test_the_risk_falls_and_names_the_chance_at_a_value(one):
    found = bl.forecast(one, {"N": 7e10, "D": 1.4e12}, allow_unconverged=True)
    figure = bl.plot_risk(found, 2.0)
    axes = figure.axes[0]
    x, y = axes.lines[0].get_data()
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) < 0).all()
    share = np.mean(found.draws[:, 0] > 2.0)
    assert axes.texts[0].get_text() == f"{100 * share:.0f} % above 2"
    assert nothing_overlaps_or_is_cut(figure)
    with pytest.raises(QuestionError, match="the forecast has 1 points"):
        bl.plot_risk(found, point=1)


def test_ranks_outside_their_band_are_red():
    rng = np.random.default_rng(0)
    ranks = {name: rng.uniform(size=40) for name in ("E", LOG_LIKELIHOOD)} | {"forecast": rng.beta(20, 20, 40)}
    found = Calibration("chinchilla", 50, 0, ranks, 0, Calibration("chinchilla", 50, 1, ranks, 0))
    figure = bl.plot_calibration(found)
    colours = {axes.get_title(loc="left"): axes.patches[-1].get_facecolor() for axes in visible(figure)}
    assert colours["E"] == colours[LOG_LIKELIHOOD] != colours["forecast"]
    for axes in visible(figure):
        heights = [bar.get_height() for bar in axes.patches if bar.get_width() == pytest.approx(1 / 20)]
        assert sum(heights) == 40
    assert "forecast left the 99% band twice" in figure.legends[0].get_title().get_text().replace("\n", " ")
