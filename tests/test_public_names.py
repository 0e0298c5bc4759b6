"""What the package promises to keep: its public names, and that each module is what its full name says."""

import importlib
import inspect
import re
import sys
from functools import reduce
from pathlib import Path

import pytest

import bayeslaw as bl

# Adding a name here is a promise to keep it.
PUBLIC = """
    law laws read_law Law published
    read_runs Runs example
    fit Sampling Work load Posterior posterior_mode to_pymc
    prior_predictive forecast report risk threshold optimum effective_size frontier Drift
    decide compute_multiplier next_runs update
    compare average Average log_evidence backtest backtest_optimum learn_drift sbc
    plot_prior plot_forecast plot_parameters plot_residuals plot_threshold plot_optimum plot_comparison plot_backtest
    plot_decision plot_multiplier plot_next_runs plot_families plot_uncertainty plot_risk plot_calibration
    errors __version__
"""
PACKAGE = Path(bl.__file__).parent
ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(["bayeslaw", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)


def test_the_public_names_are_these():
    assert sorted(bl.__all__) == sorted(PUBLIC.split())
    assert dir(bl) == bl.__all__


@pytest.mark.parametrize("name", sorted({*PUBLIC.split()} - {"__version__"}))
def test_a_public_name_is_there_and_says_what_it_is(name):
    thing = getattr(bl, name)
    assert inspect.getdoc(thing)
    assert getattr(thing, "__name__", "").rpartition(".")[2] == name


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="module 'bayeslaw' has no attribute 'sampler'"):
        _ = bl.sampler


USERS = [
    path
    for folder in ("tests", "docs", "case_studies", "benchmarks", "README.md")
    for path in ([ROOT / folder] if (ROOT / folder).is_file() else sorted((ROOT / folder).rglob("*.[pm][yd]")))
]


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_used_of_the_package_is_public(path):
    used = set(re.findall(r"\bbl\.([a-zA-Z]\w*)", path.read_text(encoding="utf-8")))
    assert used - set(bl.__all__) <= ({"sampler"} if path == Path(__file__) else set())


def test_the_package_declares_its_types_to_type_checkers():
    assert (PACKAGE / "py.typed").is_file()


def test_every_module_is_reached_by_its_full_name():
    """As by `import bayeslaw.x.y as m`: no function stands in front of a package or module of its name."""
    for name in MODULES:
        importlib.import_module(name)
    assert [name for name in MODULES if reduce(getattr, name.split(".")[1:], bl) is not sys.modules[name]] == []
