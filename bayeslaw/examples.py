"""Real runs that come with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bayeslaw.errors import RunsError, did_you_mean, listed
from bayeslaw.runs.table import Runs, read_runs

# Their sources and licences are in data/README.md.
EXAMPLES: Mapping[str, Path] = {"gadre": Path(__file__).parent / "data" / "gadre_overtraining.csv"}


def example(name: str) -> Runs:
    """Read real runs that come with the package.

    Parameters
    ----------
    name
        ``"gadre"``: 104 language models on three corpora, of up to 6.9 billion parameters and 900 billion tokens
        (Gadre et al. 2024, arXiv:2403.08540; MIT licence).  Their column ``fit_role`` says which 15 the authors fitted
        their law to.

    Returns
    -------
    Runs

    Raises
    ------
    RunsError
        When there is no example of that name.
    """
    if name not in EXAMPLES:
        raise RunsError(f"there is no example '{name}'{did_you_mean(name, EXAMPLES)}; there is: {listed(EXAMPLES)}.")
    return read_runs(EXAMPLES[name])
