"""A table as the text of a CSV file, which reads as the same table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np

# Whole numbers below this are exact as floats, and are written without a point.
EXACT = 2.0**53


def as_csv(columns: Mapping[str, np.ndarray]) -> str:
    """The text of a CSV file.

    Parameters
    ----------
    columns
        Columns by name, each of shape ``(rows,)``, of numbers (NaN where empty) or of text.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(_cell, values.tolist()) for values in columns.values()), strict=True))
    return text.getvalue()


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if value != value:
        return ""
    return str(int(value)) if abs(value) < EXACT and value.is_integer() else repr(value)
