"""The house keeps its walls: imports go to the left only, and each library has its one place.

Read off the syntax tree of every file there is, so that a new file is held to it without being listed anywhere.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bayeslaw

PACKAGE = Path(bayeslaw.__file__).parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
LONGEST_FILE = 400

# What each layer may import of the package; a layer's files may always import each other, and errors.
LAYERS = {
    "law": set(),
    "fit": {"law"},
    "ask": {"law", "fit"},
    "proof": {"law", "fit", "ask"},
    "cli": {"law", "fit", "ask", "proof"},
}

# The only files that may import a library.  A trailing slash is a folder.
PLACES = {
    "numpyro": {"fit/numpyro_model.py", "fit/flat.py", "fit/kernels.py", "fit/diagnostics.py", "proof/learning.py"},
    "blackjax": {"fit/kernels.py"},
    "pymc": {"fit/pymc_model.py"},
    "pytensor": {"fit/pymc_model.py"},
    "jax": {"fit/", "ask/"},
    "pandas": {"fit/", "ask/", "proof/learning.py", "proof/slopes.py"},
}
NEVER_IMPORTED = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}


def _tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text(encoding="utf-8"), filename=name)


def _imports(name: str) -> Iterator[str]:
    """Every module that a file imports, at its top, within a function or for types only."""
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are written out in full"
            yield node.module or ""
            # "from bayeslaw import fit" names a module too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "bayeslaw")


def _layer(name: str) -> str | None:
    return name.split("/")[0] if "/" in name else None


def test_there_are_files_and_every_folder_is_a_layer():
    assert len(FILES) > 30
    assert {_layer(name) for name in FILES} <= {None, *LAYERS}


@pytest.mark.parametrize("name", FILES)
def test_imports_go_only_to_the_left(name):
    layer = _layer(name)
    if name == "errors.py":
        allowed = set()
    elif layer is None:
        allowed = {"errors", "__version__", *LAYERS}  # the package's own two doors
    else:
        allowed = {"errors", "__version__", layer, *LAYERS[layer]}
    inside = [module.split(".")[1] for module in _imports(name) if module.startswith("bayeslaw.")]
    assert [each for each in inside if each not in allowed] == []


@pytest.mark.parametrize("name", FILES)
def test_a_library_is_imported_in_its_place_only(name):
    for module in _imports(name):
        places = PLACES.get(module.split(".")[0])
        if places is not None:
            here = name in places or any(p.endswith("/") and name.startswith(p) for p in places)
            assert here, f"{name} imports {module}; only {', '.join(sorted(places))} may"


@pytest.mark.parametrize("name", FILES)
def test_no_text_is_run_and_nothing_is_pickled(name):
    assert NEVER_IMPORTED.isdisjoint(module.split(".")[0] for module in _imports(name))
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in NEVER_CALLED, f"{name}:{node.lineno}: {node.func.id}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant), f"{name}:{node.value.lineno}: allow_pickle"
            assert node.value.value is False, f"{name}:{node.value.lineno}: allow_pickle"


@pytest.mark.parametrize("name", FILES)
def test_no_file_is_long(name):
    lines = len(FILES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{name} has {lines} lines; {LONGEST_FILE} is the ceiling"


def test_importing_the_package_imports_nothing_slow():
    code = "import sys, bayeslaw; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    slow = {"jax", "numpyro", "pymc", "pytensor", "pandas", "xarray", "scipy.stats", "matplotlib"}
    assert slow & set(done.stdout.split()) == set()
