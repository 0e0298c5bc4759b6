"""Fixtures for all tests, and what is a failure in every one of them."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"
# Set where nothing may be missing: a test that is skipped for want of data or of a library has then failed.  A test
# that states on itself what machine it needs (``skipif``: a platform, a user who is not root) is still skipped.
REQUIRE_ALL = "BAYESLAW_REQUIRE_ALL"
# An array that meets one of another rank is seldom meant to.  JAX reads this when it is imported, in commands that
# tests start too.
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"


def _fail_instead_of_skipping(report):
    if report.skipped and os.environ.get(REQUIRE_ALL) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {REQUIRE_ALL} is set: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return report if item.get_closest_marker("skipif") else _fail_instead_of_skipping(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _fail_instead_of_skipping((yield))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public sweeps beside the checkout; tests that need it are skipped without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the public sweeps (../shared/data) are not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def kept_fits(tmp_path_factory) -> Path:
    """A folder of fits that several files ask for, shared by all workers: whoever is first makes them."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kept_fits"
