"""The house keeps its walls: imports go to the left only, and each library has its one place.

Read off the syntax tree of every file there is, so that a new file is held to it without being listed anywhere.
"""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import bayeslaw

PACKAGE = Path(bayeslaw.__file__).parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
LONGEST_FILE, FULLEST_FOLDER = 400, 14

# What each layer may import of the package; a layer's files may always import each other, and errors.
LAYERS = {
    "language": set(),
    "runs": {"language"},
    "inference": {"language", "runs"},
    "ask": {"language", "runs", "inference"},
    "decisions": {"language", "runs", "inference", "ask"},
    "validation": {"language", "runs", "inference", "ask", "decisions"},
    "reporting": {"language", "runs", "inference", "ask", "decisions", "validation"},
    "cli": {"language", "runs", "inference", "ask", "decisions", "validation", "reporting", "examples"},
}

# What every layer may import: messages, notes, words, pages made of them, and whether a file is there.
FOR_ALL = {"errors", "note", "page", "paths", "words"}

# The only files that may import a library.  A trailing slash is a folder.
PLACES = {
    "numpyro": {
        "inference/model/distributions.py", "inference/model/predict.py", "inference/model/numpyro_model.py",
        "inference/model/flat_model.py", "inference/model/plan_model.py", "inference/sampler/kernels.py",
        "validation/drift/learning.py",
    },
    "pymc": {"inference/model/pymc_model.py"},
    "pytensor": {"inference/model/pymc_model.py"},
    "jax": {"inference/", "ask/"},
    "altair": {"reporting/pictures/"},
    "vl_convert": {"reporting/page.py"},
    "jinja2": {"reporting/page.py"},
    "markupsafe": {"reporting/page.py"},
    "pandas": {"runs/", "inference/", "ask/", "validation/drift/"},
}  # fmt: skip
# JAX stores compiled programs as pickles; they are machine code, and their folder is private.
PICKLES = {"inference/base/executables.py"}
NEVER_IMPORTED = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}


@cache
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


def _allowed(name: str) -> set[str]:
    """The parts of the package that a file may import."""
    layer = _layer(name)
    if name.removesuffix(".py") in FOR_ALL:
        return set(FOR_ALL)
    if layer is None:
        return {*FOR_ALL, "__version__", *LAYERS}  # the package's own two doors
    return {*FOR_ALL, "__version__", layer, *LAYERS[layer]}


def _inside(name: str) -> set[str]:
    return {module.split(".")[1] for module in _imports(name) if module.startswith("bayeslaw.")}


def test_imports_go_only_to_the_left():
    assert {name: wrong for name in FILES if (wrong := _inside(name) - _allowed(name))} == {}


def test_a_library_is_imported_in_its_place_only():
    for name in FILES:
        for module in _imports(name):
            places = PLACES.get(module.split(".")[0])
            if places is not None:
                here = name in places or any(p.endswith("/") and name.startswith(p) for p in places)
                assert here, f"{name} imports {module}; only {', '.join(sorted(places))} may"


def test_no_text_is_run_and_nothing_is_pickled():
    for name in FILES:
        imported = {module.split(".")[0] for module in _imports(name)}
        assert NEVER_IMPORTED.isdisjoint(imported) or name in PICKLES, name
        for node in ast.walk(_tree(name)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in NEVER_CALLED, f"{name}:{node.lineno}: {node.func.id}"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), f"{name}:{node.value.lineno}: allow_pickle"
                assert node.value.value is False, f"{name}:{node.value.lineno}: allow_pickle"


def test_no_file_is_long():
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in FILES.items()}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


FOLDERS = sorted({path.parent.relative_to(PACKAGE) for path in FILES.values()} - {Path()})


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_no_folder_is_crowded(folder):
    assert len(list((PACKAGE / folder).glob("*.py"))) <= FULLEST_FOLDER


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_the_docstring_of_a_folder_is_its_map(folder):
    here = PACKAGE / folder
    rooms = {each.stem for each in here.glob("*.py")} | {each.parent.name for each in here.glob("*/__init__.py")}
    map_ = ast.get_docstring(_tree((folder / "__init__.py").as_posix())) or ""
    assert set(re.findall(r"(?m)^``(\w+)(?:\.py)?``", map_)) == rooms - {"__init__"}


def _module(name: str) -> str:
    return "bayeslaw." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _needs(name: str) -> set[str]:
    """The files that a file imports when it runs, wherever in it; the package's front door apart."""
    known = {_module(other): other for other in FILES if other != "__init__.py"}
    found: set[str] = set()
    tree = _tree(name)
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            within = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (within & set(known)) or {node.module or ""}
    return {known[module] for module in found if module in known} - {name}


def test_imports_of_files_run_in_no_circle():
    graphlib.TopologicalSorter({name: _needs(name) for name in FILES}).prepare()


def test_imports_of_folders_run_in_no_circle():
    """Of all that stands in one folder: its files, and its folders as wholes."""
    below: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for name in FILES:
        for needed in _needs(name):
            here, there = name.removesuffix(".py").split("/"), needed.removesuffix(".py").split("/")
            shared = next(i for i, (one, other) in enumerate(zip(here, there, strict=False)) if one != other)
            if "__init__" not in (here[shared], there[shared]):
                below.setdefault(tuple(here[:shared]), {}).setdefault(here[shared], set()).add(there[shared])
    assert len(below) > 10
    for graph in below.values():
        graphlib.TopologicalSorter(graph).prepare()


def test_importing_the_package_imports_nothing_slow():
    code = "import sys, bayeslaw; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    slow = {"jax", "numpyro", "pymc", "pytensor", "pandas", "xarray", "scipy.stats", "matplotlib"}
    assert slow & set(done.stdout.split()) == set()
