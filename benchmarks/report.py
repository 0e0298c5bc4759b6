"""What a report promises, in Debian's Chromium: no error, no network, Python's answers to what-if, paper, a phone.

    uv run --group bench python -m benchmarks.report [--browser /usr/bin/chromium] [--keep FOLDER] [FIT.nc]

Without a fit it takes one without sampling: an average of three laws in families.  With ``--keep`` the page, its
pictures at 390 and 1280 pixels and its PDF stay, to be looked at.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

import bayeslaw as bl
from bayeslaw.ask.average import Average
from tests.posteriors import about
from tests.reporting.hidden import backtest
from tests.simulate import simulated_runs

LEVEL, LIMIT = 0.9, 2.3
AT = {"N": 2e10, "D": 4e11}
PLAN = {"target": f"loss below {LIMIT}", "cost": "2e-18 * flops", "utility": "1e7 * met - cost", "go": 0.8, "stop": 0.2,
        "option": {"small": {"N": 7e9, "D": 1.4e11}, "medium": AT, "large": {"N": 7e10, "D": 1.4e12}}}  # fmt: skip


def unsampled() -> Average:
    """Three laws in three families, about what their runs were made from."""
    law = bl.law("chinchilla")
    truth = {name: each.prior.median() for name, each in law.parameters.items()}
    runs = simulated_runs(law, np.random.default_rng(0), 60, 3, truth)
    fits = {}
    for name in ("chinchilla", "coupled", "over_training"):
        own = {key: each.prior.median() for key, each in bl.law(name).parameters.items()}
        fits[name] = about(name, runs, own, "family", noise=0.02)
    return bl.average(list(fits.values()))


def main() -> None:
    """Print a row for each promise."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("fit", nargs="?")
    asked.add_argument("--browser", default="/usr/bin/chromium")
    asked.add_argument("--keep", type=Path)
    given = asked.parse_args()
    fit = bl.load(given.fit) if given.fit else unsampled()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "report.html"
        started, spent = time.perf_counter(), time.process_time()
        held = Average.of(fit).lead.runs.take(np.arange(20))
        made = bl.report(fit, AT, plan=PLAN, backtest=backtest(29, 30), runs=held, out=file)
        row("seconds", f"{time.perf_counter() - started:.1f} ({time.process_time() - spent:.1f} of processor time)")
        row("megabytes", f"{file.stat().st_size / 1e6:.2f}")
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=given.browser, args=["--no-sandbox"])
            look(browser, file, fit, made, folder)
            browser.close()


def row(name: str, found: object) -> None:
    """One promise with what was measured."""
    print(f"{name:48}{found}", flush=True)


def look(browser: Any, file: Path, fit: Any, made: Any, folder: Path) -> None:
    """Open the page as a reader might, in five ways."""
    for name, how in {
        "desk": {"viewport": {"width": 1280, "height": 900}},
        "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
        "phone": {"viewport": {"width": 390, "height": 844}},
        "plain": {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False},
    }.items():
        context = browser.new_context(offline=True, **how)
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(file.resolve().as_uri())
        page.wait_for_timeout(2000)
        if name != "plain":
            drawn(page, name)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        row(f"{name}: messages on the console", said or "none")
        row(
            f"{name}: requests beside the file",
            [url for url in asked if not url.startswith(("file:", "blob:"))] or "none",
        )
        if name == "plain":
            without_scripts(page, made)
        else:
            wide = page.evaluate("document.documentElement.scrollWidth")
            row(f"{name}: width of the page", f"{wide} of {how['viewport']['width']} px")
        if name == "desk":
            answers(page, fit)
            page.pdf(path=folder / "report.pdf", prefer_css_page_size=True)
            row("pages on paper", (folder / "report.pdf").read_bytes().count(b"/Type /Page\n"))
        context.close()


def drawn(page: Page, name: str) -> None:
    """Whether pictures answer to a pointer, as wide as their places; before a screenshot resizes them."""
    widths = page.evaluate(
        "[...document.querySelectorAll('figure[data-chart]')].map(f => "
        "(f.querySelector('.live svg')?.getBoundingClientRect().width ?? 0) / f.clientWidth)"
    )
    row(
        f"{name}: pictures drawn, least of their width",
        f"{sum(w > 0 for w in widths)} of {len(widths)}, {min(widths):.2f}",
    )
    page.locator("#forecast .live svg g.mark-symbol path").last.hover(force=True)
    page.wait_for_timeout(300)
    row(f"{name}: under the pointer", " ".join(page.locator("#vg-tooltip-element").inner_text().split()))


def without_scripts(page: Page, made: Any) -> None:
    """Whether the verdict and the pictures are there for a reader without JavaScript."""
    text = " ".join(page.inner_text("body").split())
    row("plain: the verdict", "there" if " ".join(made.verdict.split()) in text else "MISSING")
    row("plain: still pictures", sum(each.is_visible() for each in page.locator(".still svg").all()))


def answers(page: Page, fit: Any) -> None:
    """The what-if at ten settings, typed as a reader would, beside Python's answers."""
    names = page.locator("select[name=family] option").all_inner_texts() or [None]
    rng, worst = np.random.default_rng(1), 0.0
    for i in range(10):
        at = {"N": float(f"{10 ** rng.uniform(8.5, 11.5):.2e}"), "D": float(f"{10 ** rng.uniform(10, 13):.2e}")}
        family, limit = names[i % len(names)], round(float(rng.uniform(1.9, 2.8)), 2)
        for name, value in at.items():
            page.fill(f"input[name=input-{name}]", f"{value:g}")
        if family is not None:
            page.select_option("select[name=family]", label=family)
        page.fill("input[name=target]", str(limit))
        chance = float(page.input_value("input[name=chance]"))
        shown = page.inner_text("#what-if-answer")
        risk = bl.risk(fit, at, above=limit, family=family)
        point = risk.forecast.points[0].new_run
        of_page = [
            float(each) for each in shown.partition(": ")[2].strip(".").translate(str.maketrans("[],", "   ")).split()
        ]
        of_python = [point.median, point.lower, point.upper]
        off = max(
            abs(chance - risk.points[0].probability),
            *(abs(a / b - 1.0) for a, b in zip(of_page, of_python, strict=True)),
        )
        worst = max(worst, off)
        python = f"{risk.points[0].probability:.4f} {[round(each, 4) for each in of_python]}"
        row(f"  what if {at['N']:.3g} {at['D']:.3g} {family or ''}, {limit}", f"{chance:.4f} {of_page} / {python}")
    row("what-if: largest difference from Python", f"{worst:.1e}")
    page.click("button[type=reset]")


if __name__ == "__main__":
    main()
