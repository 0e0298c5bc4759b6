"""Docstrings are written for numpydoc; Markdown knows neither its roles nor its double colon."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:func|class|meth|mod|attr|data|exc):`~?([^`]+)`")
DOUBLE_COLON = re.compile(r"::$", re.MULTILINE)


class Roles(griffe.Extension):
    """Turns ``:func:`name` `` into code and the double colon before a block into a single one."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = DOUBLE_COLON.sub(":", ROLE.sub(r"`\1`", obj.docstring.value))
