"""Loading a saved posterior: every number is checked before it is used."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import FileError, InputError
from bayeslaw.inference.base.diagnostics import read_diagnostics
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.posterior.storage import DIGEST, FORMAT, digest_of, is_broken
from bayeslaw.language.law import Law
from bayeslaw.note import read_note
from bayeslaw.paths import fit_file
from bayeslaw.runs.table import Runs

if TYPE_CHECKING:
    import h5py

# The arrays of a fit are stored in full, so they take no more room than the file.  Dimensions are declared and not
# stored: each is shorter than an array along it.
MOST_DECLARED = 2
# How NetCDF marks an array that only says how long a dimension is.
NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"


def _whole(path: Path) -> Path:
    """A file that is as it was saved."""
    if is_broken(path.read_bytes()):
        raise ValueError("not the bytes that were saved")
    return path


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open a saved file for reading, and report errors within this context as errors of the file."""
    path = fit_file(path)
    try:
        import h5py

        # Not by h5netcdf, which looks up the dimensions of every array before it reads it, and takes several times as
        # long.
        with h5py.File(_whole(path), "r") as file:
            yield file
    except InputError as error:
        raise FileError(f"{path}: the fit inside this file cannot be used: {error}") from None
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, IndexError):
        raise FileError(
            f"{path}: not a fit of this package, or damaged; fit again with "
            f"`bayeslaw fit RUNS --law NAME --out FIT.nc`."
        ) from None


def require_whole(file: h5py.File) -> None:
    """Check the numbers of a file before any is used; within :func:`opened`."""
    if _declared(file) > MOST_DECLARED * Path(file.filename).stat().st_size:
        raise ValueError("more than the file holds")
    if file.attrs[DIGEST] != digest_of(file):
        raise ValueError("not the numbers that were saved")


def law_of(place: h5py.Group) -> Law:
    """The law of a posterior in a file, or in a group of one; within :func:`opened`."""
    if place.attrs["format"] != FORMAT:
        raise ValueError(place.attrs["format"])
    return Law.parse(str(place.attrs["law_text"]), str(place.attrs["law"]), f"{place.file.filename} (law)")


def read(place: h5py.Group) -> Posterior:
    """The posterior in a file, or in a group of one; within :func:`opened`."""
    law, about = law_of(place), dict(place.attrs)
    values = {name: np.asarray(v[...]) for name, v in _variables(place["posterior"]).items()}
    stats = {name: np.asarray(v[...]) for name, v in _variables(place["sample_stats"]).items()}
    flat = np.asarray(place["unconstrained_posterior"]["flat"][...])
    constant = _variables(place["constant_data"])
    rows = np.asarray(constant["row_in_file"][...])
    data: Mapping[str, np.ndarray] = {
        str(v.attrs["column"]): _column(v) for name, v in constant.items() if name != "row_in_file"
    }
    stats["diverging"] = stats["diverging"].astype(bool)
    if not (np.isfinite(flat).all() and all(np.isfinite(v).all() for v in values.values())):
        raise ValueError("draws that are not finite")
    runs = Runs(data, str(about["source"]), rows)
    posterior = Posterior(
        plan=make_plan(law, runs, json.loads(about["family"]), json.loads(about["pool"])),
        values=values, flat=flat, flat_names=tuple(json.loads(about["flat_names"])),
        stats=stats, seed=int(np.asarray(about["seed"]).item()), versions=json.loads(about["versions"]),
        target_accept=json.loads(about["target_accept"]), patient=json.loads(about["patient"]),
        # Older fits were saved without notes.
        notes=tuple(read_note(note) for note in json.loads(about.get("notes", "[]"))),
    )  # fmt: skip
    if "diagnostics" in about:
        # To find them again would import JAX, which takes longer than most questions.  A copy with other draws finds
        # its own.
        vars(posterior)["diagnostics"] = read_diagnostics(json.loads(about["diagnostics"]), posterior.flat.shape)
    return posterior


def _variables(group: Any) -> dict[str, Any]:
    """The arrays of an h5py group, without those that NetCDF keeps for the lengths of its dimensions."""
    return {name: item for name, item in group.items() if not item.attrs.get("NAME", b"").startswith(NO_VARIABLE)}


def _declared(file: Any) -> int:
    """The bytes that the arrays of an h5py file would take; none of them is read."""
    import h5py

    sizes: list[int] = []
    file.visititems(lambda _, item: sizes.append(int(item.nbytes)) if isinstance(item, h5py.Dataset) else None)
    return sum(sizes)


def _column(variable: Any) -> np.ndarray:
    values = variable[...]
    if values.dtype == object or values.dtype.kind in "SU":
        return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values], dtype=object)
    return np.asarray(values, dtype=float)
