"""``bayeslaw demo``: the main job on real runs, compared with what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, folder_at, give, say, write_text
from bayeslaw.cli.pictures import write
from bayeslaw.cli.sampling import diagnosis, sample
from bayeslaw.words import in_columns, size, strict_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from bayeslaw.ask.forecast.forecast import Forecast
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.runs.table import Runs

RUNS = "gadre"
# As the authors divided their runs: 15 that their law was fitted to, and those it was tested on.
FITTED = "fit_role == 'loss_fit'"
HELD_OUT = "fit_role == 'held_out' and flops > 5e20"
# The largest: 1.4B parameters on 900B tokens, and 6.9B on 138B for each corpus.
LARGEST = "fit_role == 'held_out' and flops > 5e21"


@click.command()
@click.option(
    "--out",
    default="bayeslaw-demo",
    show_default=True,
    metavar="FOLDER",
    help="The folder of the files that it writes.",
)
@answers
def demo(out: str, as_json: bool) -> None:
    """Forecast real runs and see what happened.

    Fits the hierarchical Chinchilla law to the 15 cheap runs of Gadre et al. (2024) on three corpora, and forecasts
    the largest runs of that paper. Takes half a minute at most.
    """
    folder = folder_at(out)

    from bayeslaw.examples import EXAMPLES, example
    from bayeslaw.inference.model.plan import make_plan
    from bayeslaw.language.catalogue import law

    every = example(RUNS)
    fitted, largest = every.where(FITTED), every.where(LARGEST)
    say(f"Fitting the law 'chinchilla' to {len(fitted)} runs on {len(fitted.levels('family')[0])} corpora ...")
    posterior, seconds = sample(make_plan(law("chinchilla"), fitted, "family"))

    from bayeslaw.ask.forecast.forecast import forecast
    from bayeslaw.ask.plot.forecast import plot_forecast

    found = forecast(posterior, largest)
    answer = _against_outcomes(found, posterior, largest)
    files = {"fit": folder / "fit.nc", "forecast": folder / "forecast.json", "picture": folder / "forecast.png"}
    answer |= {
        "seconds": round(seconds, 3),
        "runs": str(EXAMPLES[RUNS]),
        "files": {k: str(path) for k, path in files.items()},
    }
    posterior.save(files["fit"])
    write_text(files["forecast"], strict_json(answer) + "\n")
    write(files["picture"], plot_forecast(posterior, held_out=every.where(HELD_OUT)))
    give(answer, lambda: _page(answer, posterior, files), as_json)


def _against_outcomes(found: Forecast, posterior: Posterior, runs: Runs) -> dict[str, Any]:
    """Forecast and outcome side by side, and what the runs behind each of them cost."""
    outcome, flops = runs.column(posterior.law.output.column), runs.column("flops")
    spent: np.ndarray = posterior.runs.column("flops")
    points = [
        {
            **point.as_dict(),
            "outcome": float(outcome[i]),
            "inside": bool(point.new_run.lower <= outcome[i] <= point.new_run.upper),
            "flops": float(flops[i]),
            "times_dearer": float(flops[i] / spent.sum()),
        }
        for i, point in enumerate(found.points)
    ]
    return {
        **found.as_dict(),
        "points": points,
        "fitted": {"runs": len(spent), "flops": float(spent.sum()), "largest_flops": float(spent.max())},
        "inside": sum(point["inside"] for point in points),
    }


def _page(answer: dict[str, Any], posterior: Posterior, files: dict[str, Path]) -> str:
    spent = answer["fitted"]
    rows = [("corpus", "parameters", "tokens", "cost", "forecast", f"{answer['level']:.0%} interval", "happened", "")]
    rows += [
        (
            point["family"], size(point["at"]["N"]), size(point["at"]["D"]), f"{point['times_dearer']:.0f}x",
            f"{point['median']:.3f}", f"{point['lower']:.3f} to {point['upper']:.3f}", f"{point['outcome']:.3f}",
            "inside" if point["inside"] else "OUTSIDE",
        )
        for point in answer["points"]
    ]  # fmt: skip
    lines = [
        f"Fitted in {answer['seconds']:.1f} s: {diagnosis(posterior.diagnostics)}.",
        f"The largest runs, forecast from {spent['runs']} runs of {spent['flops']:.2g} FLOPs in all:",
        "",
        in_columns(rows),
    ]
    times = max(point["times_dearer"] for point in answer["points"])
    lines += [
        "",
        f"{answer['inside']} of {len(answer['points'])} outcomes lie inside. The largest run cost {times:.0f} times "
        f"as much as all fitted runs together,",
        f"and {spent['flops'] / spent['largest_flops'] * times:.0f} times as much as the largest of them.",
        "",
        f"  picture   {files['picture']}",
        f"  forecast  {files['forecast']}",
        f"  fit       {files['fit']}",
        f"  runs      {answer['runs']}",
        "",
        "Ask it something else:",
        f"  bayeslaw forecast {files['fit']} --at N=7e10,D=1.4e12 --family rpj",
        f"  bayeslaw summary {files['fit']}",
    ]
    return "\n".join(lines)
