"""The tables of a report: rows of text, the first of them the header."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayeslaw.ask.interval import Interval, percent
from bayeslaw.reporting.parts import Parts
from bayeslaw.words import chance, exact, multiple, numbers, size

Table = Sequence[Sequence[str]]
# Rows of a table of runs that were held out; of more, the farthest.
MOST_ROWS = 20


def budgets(parts: Parts) -> Table | None:
    """The forecast at multiples of the planned budget."""
    if parts.along is None:
        return None
    found, target, units = parts.along, parts.question.target, parts.forecast.units
    rows = [[found.axis.name, f"median [{percent(parts.forecast.level)}]", *(["chance of target"] if target else [])]]
    for times, draws in found.multiples().items():
        at = size(times * found.here, found.axis.units)
        interval = Interval.of(draws, parts.forecast.levels)
        met = [] if target is None else [chance(float(target.met(draws).mean()))]
        rows.append([f"{at} (planned)" if times == 1.0 else f"{at} ({multiple(times)})", interval.words(units), *met])
    return rows if len(rows) > 2 else None


def distances(parts: Parts) -> Table | None:
    """The planned run beside the fitted ones in every quantity."""
    if not parts.spans:
        return None
    laws, found = parts.asked.posteriors.values(), [["quantity", "fitted runs", "this run", "outside"]]
    for span in parts.spans:
        units = next((each.law.inputs[span.name].units for each in laws if span.name in each.law.inputs), "")
        low, high, here = (size(value, units) for value in (span.low, span.high, span.value))
        outside = "within" if span.outside is None else str(span.outside)
        found.append([span.name, f"{low} to {high}", here, outside])
    return found


def options(parts: Parts) -> Table | None:
    """The options of the plan."""
    return None if parts.decision is None else parts.decision.table()


def laws(parts: Parts) -> Table:
    """The laws with their weights and their own forecasts."""
    head, units = ["law", "formula of", "weight", "forecast"], parts.forecast.units
    own = parts.laws or dict.fromkeys(parts.asked.posteriors, parts.point)
    return [head, *(
        [name, each.law.title, f"{parts.asked.weights[name]:.2g}", own[name].new_run.words(units)]
        for name, each in parts.asked.posteriors.items()
    )]  # fmt: skip


def parameters(parts: Parts) -> Table | None:
    """Every parameter beside its prior."""
    if not parts.learned:
        return None
    several = len(parts.asked.posteriors) > 1
    rows = [["parameter", "prior [90 %]", "posterior [90 %]", "learned", "meaning"]]
    for each in parts.learned:
        row = each.row
        named = f"{row.name} ({each.law})" if several else row.name
        low, middle, high = each.prior
        prior, posterior = _interval(middle, low, high), _interval(row.median, row.lower, row.upper)
        rows.append([named, prior, posterior, f"{max(row.contraction or 0.0, 0.0):.0%}", row.meaning])
    return rows


def _interval(middle: float, low: float, high: float) -> str:
    said, below, above = numbers([middle, low, high])
    return f"{said} [{below}, {above}]"


def held_out(parts: Parts) -> Table | None:
    """The runs that were held out, those with the most extreme outcomes of their forecasts first."""
    if parts.held is None:
        return None
    points, outcomes, units = parts.held.forecast.points, parts.held.outcomes, parts.forecast.units
    misses = [max(each.new_run.lower - y, y - each.new_run.upper) / max(each.new_run.upper - each.new_run.lower, 1e-300)
              for each, y in zip(points, outcomes, strict=True)]  # fmt: skip
    order = np.argsort(misses)[::-1][:MOST_ROWS]
    rows = [["run", "forecast", "outcome", "inside"]]
    for i in order.tolist():
        point, y = points[i], float(outcomes[i])
        where = ", ".join(filter(None, [point.family or "", *(f"{n} = {v}" for n, v in point.inputs.items())]))
        inside = point.new_run.lower <= y <= point.new_run.upper
        rows.append([where, point.new_run.words(units), f"{y:.5g}", "yes" if inside else "no"])
    return rows


def made_of(parts: Parts) -> Table:
    """What the page was made of: data, laws, sampling and versions."""
    rows = [["part", "what it is"]]
    lead = parts.asked.lead
    if parts.asked.measured:
        rows.append(["runs", f"{len(lead.runs)} of {lead.runs.source} (digest {lead.runs.digest()[:12]})"])
        if lead.family is not None:
            rows.append(["families", f"column {lead.family}: {len(lead.families)}"])
    for name, each in parts.asked.posteriors.items():
        chains, draws = each.flat.shape[:2]
        source = f"published by {each.published_by}" if each.published_by else f"seed {each.seed}"
        rows.append([f"law {name}", f"{chains} x {draws} draws, {source}; {each.law.reference}"])
    for name, drift in parts.drifts.items():
        rows.append([f"drift of {name}", f"{drift.direction:.4g} ± {drift.scale:.4g} per e-fold beyond the runs, "
                                         f"Student-t with {drift.df:g} degrees of freedom"])  # fmt: skip
    if lead.versions:
        rows.append(["versions", ", ".join(f"{name} {version}" for name, version in lead.versions.items())])
    return rows


def commands(parts: Parts) -> list[str]:
    """The commands that make the page again."""
    asked, lead = parts.asked, parts.asked.lead
    at = ",".join(f"{word}={_typed(value)}" for word, value in parts.at.items())
    made, files = [], "fit.nc"
    family = "" if lead.family is None else f" --family {_quoted(lead.family)}"
    if asked.measured:
        names = ["auto"] if any(note.code == "auto" for note in (*asked.about, *lead.notes)) else list(asked.posteriors)
        for name in names:
            out = "fit.nc" if len(names) == 1 else f"{_quoted(name)}.nc"
            made.append(f"bayeslaw fit {_quoted(lead.runs.source)} --law {_quoted(name)}{family} --seed {lead.seed} "
                        f"--out {out}")  # fmt: skip
        files = "fit.nc" if len(names) == 1 else " ".join(f"{_quoted(name)}.nc" for name in names)
    else:
        files = " ".join(asked.posteriors)
    target = parts.question.target
    aim = f" --{parts.question.missed} {target.value:g}" if target is not None and parts.question.plan is None else ""
    plan = "" if parts.question.plan is None else f" --plan {_quoted(parts.question.plan.source)}"
    extra = ""
    if parts.tested is not None and asked.measured:
        laws = _quoted(",".join(asked.posteriors))
        table = _quoted(lead.runs.source)
        made.append(f"bayeslaw backtest {table} --laws {laws}{family} --json > backtest.json")
        extra += " --backtest backtest.json"
    if parts.held is not None:
        extra += f" --runs {_quoted(parts.held.source)}"
    whose = "" if not isinstance(parts.question.family, str) else f" --family {_quoted(parts.question.family)}"
    return [*made, f"bayeslaw report {files} --at {at}{aim}{plan}{extra}{whose} --out report.html"]


def _typed(value: object) -> str:
    return value if isinstance(value, str) else exact(float(np.ravel(np.asarray(value))[0]))


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
