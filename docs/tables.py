"""Tables and sentences of the prose that follow from law files and from measured results.

    python docs/tables.py            # writes each between its two markers
    python docs/tables.py --check    # says which pages are out of date, with exit code 1

A page shows a text of :data:`TEXTS` where it has a line ``<!-- begin NAME -->`` and one ``<!-- end NAME -->``.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from bayeslaw.language.catalogue import bibliography, cited_as, law
from bayeslaw.language.files import entries, shipped_folder

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/index.md", "docs/why.md", "docs/backtests.md", "benchmarks/README.md")
STUDY = ROOT / "case_studies" / "honest_intervals"
MARKED = re.compile(r"(?ms)^(<!-- begin (\w+) -->\n).*?^(<!-- end \2 -->)$")

study = runpy.run_path(str(STUDY / "pooling.py"))
found = json.loads((STUDY / "results.json").read_text(encoding="utf-8"))


def table(*rows: tuple[str, ...]) -> str:
    head, *rest = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rest))


def wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def in_words(number: int) -> str:
    small = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return small[number] if number < len(small) else str(number)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def paper(key: str) -> str:
    """Authors and year, with a link where there is one."""
    entry, named = bibliography()[key], cited_as(key)
    return f"[{named}](https://arxiv.org/abs/{entry['arxiv']})" if "arxiv" in entry else named


def law_table() -> str:
    """Every law with what it predicts, from which inputs, and its paper."""

    shipped = [law(name) for name, entry in sorted(entries().items()) if entry.path.parent == shipped_folder()]
    rows = (
        (f"`{one.name}`", one.output.column, ", ".join(one.free_inputs), ", ".join(one.topics), paper(one.reference))
        for one in shipped
    )
    return table(("law", "predicts", "inputs", "topics", "from"), *rows)


def every_forecast() -> dict[str, tuple[dict[str, float], float]]:
    """By what a reader calls it: all sweeps together, and the least coverage of one."""
    whole, least = study["whole"], study["least"]
    alone = {sweep: {name: t["rivals"] for name, t in tables.items()} for sweep, tables in found.items()}
    return {
        "Chinchilla's law, Huber loss and bootstrap": (whole(alone, "chinchilla"), least(alone, "chinchilla")),
        "three laws, Huber loss and bootstrap, averaged": pair(study["BOOTSTRAP"]),
        "three posteriors, averaged": pair(study["PLAIN"]),
        "**the same with drift**": pair(study["AVERAGE"]),
    }


def pair(name: str) -> tuple[dict[str, float], float]:
    return study["whole"](found, name), study["least"](found, name)


def honesty_table() -> str:
    """Coverage and interval scores of what the package does and of what is usual."""
    rows = []
    for name, (scores, worst) in every_forecast().items():
        cells = (percent(scores["0.95"]), percent(worst), percent(scores["0.5"]), f"{scores['score']:.3f}")
        rows.append((name, *(f"**{cell}**" if name.startswith("**") else cell for cell in cells)))
    head = ("forecast", "95 % intervals cover", "in the worst sweep", "50 % intervals cover", "interval score")
    return table(head, *rows)


def limits() -> str:
    """Where the intervals are not as good as the table's last row."""
    by_sweep, ours = study["by_sweep"], study["AVERAGE"]
    mine = by_sweep(found, ours)
    others = [by_sweep(found, name) for name in study["FORECASTS"] if name not in (ours, study["BEFORE"])]
    gains = [1 - min(other[sweep]["score"] for other in others) / mine[sweep]["score"] for sweep in mine]
    better = [gain for gain in gains if gain > 0]
    far = study["far"](found, ours)
    return wrapped(
        f"Every sweep is covered at {percent(pair(ours)[1])} or better. Beyond {study['FAR']:.0f} times the compute of "
        f"the largest fitted run, {percent(far['0.95'])} of {far['n']} outcomes are covered. No simpler interval is "
        f"better on all sweeps together. But on {in_words(len(better))} of {in_words(len(mine))} sweeps some simpler "
        f"interval has a better score, by {100 * min(better):.0f} to {100 * max(better):.0f} %; it is not the same "
        f"one each time. {chosen_without()}"
    )


def chosen_without() -> str:
    """What is left of the last row where what was chosen on all sweeps is not known from the sweep."""
    lines = (STUDY / "averages.md").read_text(encoding="utf-8").splitlines()
    four = next(line for line in lines if line.startswith("| all four"))
    one, all_four = (
        "{:.0f} % of the outcomes are covered and {:.0f} % of those far beyond, at a score of {:.3f}".format(
            *(float(line.split("|")[at].strip(" %")) for at in (5, 8, 9))
        )
        for line in (lines[-1], four)
    )
    return (
        "How wide an average drifts was chosen on all seven sweeps. Chosen on the other six, like the drift itself, "
        f"{one}. How that drift grows with the distance was still chosen with all seven in view. With this chosen on "
        f"the other six too, {all_four}: expect something between the two of a sweep of your own."
    )


def claim() -> str:
    ours, usual = pair(study["AVERAGE"])[0], pair(study["BOOTSTRAP"])[0]
    sweeps = in_words(len(found)).capitalize()
    return wrapped(
        f"{sweeps} public sweeps gave {ours['n']:,} forecasts of runs larger than the fitted ones. The 95 % intervals "
        f"of the usual bootstrap covered {percent(usual['0.95'])} of the outcomes; ours covered "
        f"{percent(ours['0.95'])}."
    )


def real_runs() -> str:
    """Laws fitted to public runs: how runs that were held out were predicted, and the paper's numbers beside ours."""
    module = runpy.run_path(str(ROOT / "benchmarks" / "real_runs.py"))
    results = json.loads(module["RESULTS"].read_text(encoding="utf-8"))
    studies = [each for each in module["STUDIES"] if each.law in results]
    head = ("law", "runs", "held out", "covered at 95 %", "mean error on the log", "note")
    rows = [
        (f"`{each.law}`", f"{found['runs']} of {each.table}", f"{found['hidden']} with {each.hidden}",
         percent(found["covered"]), f"{found['error']:.3f}", each.said)
        for each in studies for found in [results[each.law]]
    ]  # fmt: skip
    beside = [
        (f"`{each.law}`", key, name, f"{published:.4g}", f"{middle:.3g} ({low:.3g} to {high:.3g})")
        for each in studies for key, values in results[each.law]["posterior"].items()
        for name, (published, middle, low, high) in values.items()
    ]  # fmt: skip
    columns = ("law", "published by", "", "published", "posterior, 95 % interval")
    return f"{table(head, *rows)}\n{table(columns, *beside)}"


TEXTS: dict[str, Callable[[], str]] = {
    "laws": law_table,
    "claim": claim,
    "real_runs": real_runs,
    "honesty": lambda: f"{honesty_table()}\n{limits()}",
}


def update(path: Path, check: bool) -> bool:
    """Whether the page is out of date; it is written unless it is only to be checked."""
    text = path.read_text(encoding="utf-8")
    new = MARKED.sub(lambda part: f"{part[1]}\n{TEXTS[part[2]]()}\n{part[3]}", text)
    if new != text and not check:
        path.write_text(new, encoding="utf-8")
    return new != text


def main(check: bool) -> int:
    stale = [name for name in PAGES if update(ROOT / name, check)]
    if stale:
        print(f"{', '.join(stale)}: {'out of date; `python docs/tables.py` writes them' if check else 'written'}.")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
