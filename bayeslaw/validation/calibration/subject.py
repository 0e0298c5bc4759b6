"""What a report of a calibration is about: the parts of a law that its posteriors follow from."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from typing import Any

from bayeslaw.language.law import Law
from bayeslaw.language.parts import BEST

# Words about a law, and what is asked of its parameters: these may change without another calibration.
WORDS = ("title", "reference", "topics", "status", "aliases", "derived", "published", "variant", "units", "meaning")


def digest(law: Law) -> str:
    """The hash of a law without its words: formulas, terms, inputs, priors, pooling and likelihood."""
    return hashlib.sha256(json.dumps(_without_words(tomllib.loads(law.text))).encode()).hexdigest()


def _without_words(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_words(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if key not in WORDS and not (key == "best" and value in BEST)  # a term may be called best too
    }
