"""A report as one file of HTML: no network, nothing from outside, and names that stay text.

Its Content-Security-Policy allows the scripts and the styles whose hashes it lists and nothing else, so that a name in
a table could not become a script even if it were not escaped, which it is.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.metadata
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from bayeslaw import __version__
from bayeslaw.ask.auto.choice import AUTO
from bayeslaw.errors import FileError
from bayeslaw.inference.base import atomic_files
from bayeslaw.inference.base.cache_folder import PAGES, private_folder
from bayeslaw.reporting import tables
from bayeslaw.reporting.card import worst_of
from bayeslaw.reporting.parts import Parts
from bayeslaw.reporting.pictures.figures import Figure, figures
from bayeslaw.reporting.pictures.grammar import specification
from bayeslaw.reporting.verdict import doubts
from bayeslaw.reporting.what_if import what_if
from bayeslaw.words import COUNTED, chance, numeric, short, with_units

HERE = Path(__file__).parent
# Pixels of a still picture: half a page wide on paper and on a desk, and all of a phone, where it is scaled by 3/4.
WIDTH, WIDE = 380, 560


def render(parts: Parts, verdict: str) -> str:
    """The page."""
    style, script = _file("page.css"), _file("page.js")
    shown, answering = figures(parts), what_if(parts)
    drawn = {each.key: specification(each.chart) for each in shown}
    libraries = _libraries()
    scripts = [libraries, script]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html.j2").render(
        policy=f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src {_hash(style)}; "
               "img-src data:; base-uri 'none'; form-action 'none'",
        style=Markup(style), scripts=[Markup(each) for each in scripts],  # noqa: S704 - our own files
        parts=parts, verdict=verdict, state=worst_of(parts.card), against=_against(parts), cannot=_cannot(parts),
        figures=[_drawn(each, drawn[each.key]) for each in shown],
        data={key: _json(each) for key, each in drawn.items()},
        answering=answering, what_if=None if answering is None else _json(answering), tables=tables, numeric=numeric,
        outcome=with_units(parts.forecast.outcome, parts.forecast.units), version=__version__,
        chance=chance, counted=COUNTED, target=_first_target(parts),
        chosen=[note.text for note in parts.notes if note.code == AUTO],
    )  # fmt: skip


def _first_target(parts: Parts) -> str:
    """What the what-if asks about at first: the target, or the middle of the forecast."""
    return short(parts.point.new_run.median if parts.risk is None else parts.risk.limit, 6)


def _drawn(figure: Figure, chart: Mapping[str, Any]) -> dict[str, Any]:
    """A figure with its picture that needs no script."""
    svg = vl_convert.vegalite_to_svg({**chart, "width": WIDE if figure.wide else WIDTH})
    # A picture that is scaled has no size of its own; attributes of style would be refused by the page's policy.
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg)
    # Vega counts what it refers to from the start of the process; a page has several pictures, and these once more.
    references = dict.fromkeys(re.findall(r'id="((?:clip|gradient)\w+)"', svg))
    for i, reference in enumerate(references):
        svg = re.sub(rf'(id="|url\(#){reference}\b', rf"\g<1>{figure.key}-{i}", svg)
    return {"key": figure.key, "title": figure.title, "text": figure.text, "wide": figure.wide, "svg": Markup(svg)}  # noqa: S704 - Vega escapes its texts; a test holds it to that


def _against(parts: Parts) -> list[str]:
    """What speaks against the forecast: its notes, and what the card does not pass."""
    noted = {note.code for note in parts.notes}
    return [*doubts(parts.notes), *(each.text for each in parts.card
                                    if each.state != "PASS" and each.repeats not in noted)]  # fmt: skip


def _cannot(parts: Parts) -> list[str]:
    """What the data cannot tell."""
    found = []
    untaught = [f"{each.row.name} ({each.row.meaning})" for each in parts.learned if each.untaught]
    if untaught:
        found.append(
            f"The runs say nothing about {'; '.join(dict.fromkeys(untaught))}: what depends on it is the prior."
        )
    if parts.point.family in ("new", "(new)"):
        found.append(
            "Which family the run belongs to: its deviations are drawn from the population of the fitted ones."
        )
    if parts.drifts:
        found.append(
            "Whether the law holds beyond the runs. It is assumed to drift there as laws did in public sweeps, which "
            "widens the interval with the distance."
        )
    return [
        *found,
        *(f"{note.text} {note.remedy}" for note in parts.notes if note.severity == "info" and note.code != AUTO),
    ]


@cache
def _libraries() -> str:
    """Vega, Vega-Lite and their embedding, as they ship inside the package that makes the still pictures.

    Making one script of them takes four seconds, so it is kept beside the compiled programs.
    """
    try:
        folder = private_folder()
    except FileError:
        folder = None
    kept = None if folder is None else folder / PAGES / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    if kept is not None and kept.is_file():
        return kept.read_text(encoding="utf-8")
    # The end of a script within a text of the libraries would end the element that they stand in.
    made = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", r"<\/script")
    if kept is not None:
        with contextlib.suppress(OSError, FileError):
            kept.parent.mkdir(exist_ok=True)
            atomic_files.write(kept, made.encode())
    return made


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Mapping[str, Any]) -> Markup:
    """Data within a page, in which no text can end its element."""
    said = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Markup(said.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e"))  # noqa: S704
