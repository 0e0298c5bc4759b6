"""Pictures: what is on them, for laws of every shape, without a look at their pixels."""

import io
import subprocess
import sys

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import ConvergenceError, QuestionError
from tests.posteriors import about, from_priors
from tests.simulate import simulated_runs

NOISE = 0.004
TRUTH = {"A": 0.4, "B": 0.4, "alpha": 0.34, "beta": 0.3, "sigma": NOISE, "nu": 20.0}
TINY = {"draws": 150, "chains": 2}


def sweep(families: dict[str, float], rows: int = 10) -> bl.Runs:
    """Runs of a Chinchilla law at 10, 20, 20 and 40 tokens per parameter."""
    rng = np.random.default_rng(3)
    columns: dict[str, list] = {"family": [], "n_params": [], "n_tokens": [], "loss": []}
    for family, floor in families.items():
        N = np.geomspace(2e7, 4e9, rows)
        D = N * np.resize([10.0, 20.0, 20.0, 40.0], rows)
        loss = bl.law("chinchilla").mean({"N": N, "D": D}, {**TRUTH, "E": floor})
        columns["family"] += [family] * rows
        columns["n_params"] += list(N)
        columns["n_tokens"] += list(D)
        columns["loss"] += list(loss * np.exp(NOISE * rng.standard_normal(rows)))
    return bl.read_runs(columns)


@pytest.fixture(scope="module")
def hierarchy() -> tuple[bl.Posterior, bl.Runs]:
    runs = sweep({"code": 1.59, "math": 1.6, "web": 1.61})
    cheap = "6 * n_params * n_tokens < 3e19"
    posterior = about("chinchilla", runs.where(cheap), {**TRUTH, "E": 1.6}, "family", noise=NOISE, **TINY)
    return posterior, runs.where(f"not ({cheap})")


@pytest.fixture(scope="module")
def one_family() -> bl.Posterior:
    return about("chinchilla", sweep({"web": 1.8}, 12), {**TRUTH, "E": 1.8}, noise=NOISE, **TINY)


@pytest.fixture(scope="module")
def counts() -> bl.Posterior:
    N, trials, truth = np.geomspace(1e7, 1e10, 8), 500, {"p": np.exp(-2.0), "alpha": 0.5}
    share = bl.law("passuntil").mean({"N": N}, truth)
    passes = np.random.default_rng(1).binomial(trials, share)
    runs = bl.read_runs({"n_params": N, "n_trials": [trials] * 8, "n_correct": passes})
    return about("passuntil", runs, truth, noise=(trials * share * (1 - share)) ** -0.5, **TINY)


def title(figure) -> str:
    return figure.legends[0].get_title().get_text()


def visible(figure) -> list:
    return [axes for axes in figure.axes if axes.get_visible()]


def points_of(axes) -> np.ndarray:
    return np.concatenate([line.get_xydata() for line in axes.lines if line.get_marker() == "o"])


def inside(axes) -> bool:
    """Every marker lies within the limits of its panel."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    x, y = points_of(axes).T
    return bool(((x >= left) & (x <= right) & (y >= low) & (y <= high)).all())


def test_every_family_has_its_panel_its_colour_and_all_its_runs(hierarchy):
    posterior, held_out = hierarchy
    figure = bl.plot_forecast(posterior, held_out, allow_unconverged=True)
    panels = visible(figure)
    assert [axes.get_title(loc="left") for axes in panels] == list(posterior.families)
    assert len({axes.title.get_color() if axes.get_title() else axes._left_title.get_color() for axes in panels}) == 3
    assert sum(len(points_of(axes)) for axes in panels) == len(posterior.runs) + len(held_out)
    assert all(inside(axes) for axes in panels)


def test_axes_carry_units_and_the_title_law_and_level(hierarchy):
    posterior, held_out = hierarchy
    figure = bl.plot_forecast(posterior, held_out, level=0.8, allow_unconverged=True)
    assert any("(FLOP)" in axes.get_xlabel() for axes in figure.axes)
    assert figure.axes[0].get_ylabel() == "loss (nat/token)"
    assert figure.axes[0].get_xscale() == "log"
    assert "Chinchilla" in title(figure)
    assert "80 %" in title(figure)
    assert "20 tokens per parameter" in figure._supxlabel.get_text()


def test_what_lies_beyond_the_fitted_runs_is_shaded_and_named(hierarchy):
    posterior, held_out = hierarchy
    figure = bl.plot_forecast(posterior, held_out, allow_unconverged=True)
    assert all(any("beyond" in text.get_text() for text in axes.texts) for axes in visible(figure))


def test_bars_of_held_out_runs_are_their_forecasts(hierarchy):
    posterior, held_out = hierarchy
    figure = bl.plot_forecast(posterior, held_out, allow_unconverged=True)
    answer = bl.forecast(posterior, held_out, allow_unconverged=True)
    drawn = [s[:, 1] for axes in visible(figure) for c in axes.collections if hasattr(c, "get_segments")
             for s in c.get_segments()]  # fmt: skip
    assert len(drawn) == len(held_out)
    # Outliers of the noise are drawn in another order, so the ends agree to Monte-Carlo error only.
    found = sorted(float(s.mean()) for s in drawn)
    wanted = sorted((p.new_run.lower + p.new_run.upper) / 2 for p in answer.points)
    np.testing.assert_allclose(found, wanted, rtol=0.02)


def test_a_family_that_was_not_fitted_gets_a_panel_of_its_own(hierarchy):
    posterior, _ = hierarchy
    figure = bl.plot_forecast(posterior, sweep({"speech": 1.7}, 3), allow_unconverged=True)
    assert "speech" in [axes.get_title(loc="left") for axes in visible(figure)]


def test_the_curve_goes_through_the_point_asked_for(one_family):
    figure = bl.plot_forecast(one_family, at={"N": 1e10, "D": 1e12}, allow_unconverged=True)
    axes = figure.axes[0]
    x = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert x == pytest.approx([6e22])
    assert "100 tokens per parameter" in figure._supxlabel.get_text()


def test_any_free_input_can_be_the_axis(one_family):
    figure = bl.plot_forecast(one_family, along="n_tokens", at={"N": 1e9}, allow_unconverged=True)
    assert figure.axes[0].get_xlabel() == "n tokens (token)"
    assert "n params 1B" in figure._supxlabel.get_text()


def test_another_axis_is_refused_with_those_there_are(one_family):
    with pytest.raises(QuestionError, match="choose compute or N or D"):
        bl.plot_forecast(one_family, along="n_layers", allow_unconverged=True)
    with pytest.raises(QuestionError, match="inputs: N, D"):
        bl.plot_forecast(one_family, at={"M": 1.0}, allow_unconverged=True)
    with pytest.raises(QuestionError, match="probability"):
        bl.plot_forecast(one_family, level=90, allow_unconverged=True)


def test_counts_are_shown_as_shares_of_their_trials(counts):
    figure = bl.plot_forecast(counts, allow_unconverged=True)
    y = points_of(figure.axes[0])[:, 1]
    assert ((y >= 0) & (y <= 1)).all()
    assert "share" in figure.axes[0].get_ylabel()
    assert figure.axes[0].get_xlabel() == "n params (parameter)"
    assert inside(figure.axes[0])


def test_every_parameter_has_a_panel_with_prior_families_and_published_values(hierarchy):
    posterior, _ = hierarchy
    figure = bl.plot_parameters(posterior, allow_unconverged=True)
    panels = visible(figure)
    assert [axes.get_title(loc="left").split()[0] for axes in panels] == list(posterior.law.free_parameters)
    assert panels[0].get_title(loc="left") == "E (nat/token)"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"prior", "population", "code", "math", "web", "Hoffmann et al. 2022"} <= set(words)
    assert any(text.get_text() == "loss that no scale removes" for text in panels[0].texts)


def test_a_parameter_known_to_decades_has_a_log_axis(hierarchy):
    law = bl.law("emergence_logistic").with_priors(chance="Constant(0)")
    wide = from_priors(law, simulated_runs(law, np.random.default_rng(1), 60))
    drawn = [
        panel for fit in (wide, hierarchy[0]) for panel in visible(bl.plot_parameters(fit, allow_unconverged=True))
    ]
    scales = {panel.get_title(loc="left").split()[0]: panel.get_xscale() for panel in drawn}
    assert (scales["C_half"], scales["alpha"]) == ("log", "linear")


def test_runs_off_the_curve_are_moved_onto_it_with_their_residuals(one_family):
    """By the difference that the law says: a run's distance from the curve is its residual."""
    axes = bl.plot_forecast(one_family, drift=False, allow_unconverged=True).axes[0]
    x, y = points_of(axes).T
    curve = max((line for line in axes.lines if line.get_marker() != "o"), key=lambda line: len(line.get_xdata()))
    on_curve = np.exp(np.interp(np.log(x), np.log(curve.get_xdata()), np.log(curve.get_ydata())))
    answer = bl.forecast(one_family, one_family.runs, drift=False, allow_unconverged=True)
    residual = np.log(one_family.plan.outcome) - np.log(np.median(answer.mean_draws, axis=0))
    np.testing.assert_allclose(np.sort(np.log(y / on_curve)), np.sort(residual), atol=2e-3)


def test_residuals_are_on_the_scale_of_the_noise(hierarchy, counts):
    posterior, _ = hierarchy
    left, right = bl.plot_residuals(posterior, allow_unconverged=True).axes
    residual = left.collections[-1].get_offsets()[:, 1]
    assert len(residual) == len(posterior.runs)
    assert np.abs(residual).max() < 3.0  # the noise is 0.4 % of the loss
    assert left.get_ylabel() == "loss above the law (%)"
    assert len(right.collections[-1].get_offsets()) == len(posterior.runs)
    assert "count above the law" in bl.plot_residuals(counts, allow_unconverged=True).axes[0].get_ylabel()


@pytest.mark.parametrize("draw", [bl.plot_forecast, bl.plot_parameters, bl.plot_residuals])
def test_a_fit_that_has_not_converged_is_stamped_or_refused(counts, draw):
    from dataclasses import replace

    short = replace(
        counts, flat=counts.flat[:, :50], values={k: v[:, :50] for k, v in counts.values.items()},
        stats={k: v[:, :50] for k, v in counts.stats.items()},
    )  # fmt: skip
    with pytest.raises(ConvergenceError):
        draw(short)
    assert title(draw(short, allow_unconverged=True)).startswith("NOT CONVERGED")


@pytest.mark.parametrize("draw", [bl.plot_forecast, bl.plot_parameters, bl.plot_residuals])
def test_pictures_of_one_family_render_and_leave_no_state(one_family, draw):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    picture = io.BytesIO()
    draw(one_family, allow_unconverged=True).savefig(picture, format="png")
    assert picture.getvalue().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_matplotlib_is_imported_only_when_something_is_drawn():
    code = "import sys, bayeslaw.ask.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - a fixed command
