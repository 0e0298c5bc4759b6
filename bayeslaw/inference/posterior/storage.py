"""One NetCDF file per posterior, without pickle: draws, runs, the law's own text, versions and seed.

The file is written with h5netcdf alone, since importing xarray takes longer than fitting a small table;
``xarray.open_datatree(path)`` reads it like any other.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.inference.base.atomic_files import write

if TYPE_CHECKING:
    from bayeslaw.inference.posterior.posterior import Posterior

FORMAT, DIGEST = "bayeslaw posterior 1", "sha256"
# Several posteriors in one file, each in a group of its own.
SEVERAL = "bayeslaw average 1"
# A file ends in this and a hash of all before it, which HDF5 does not look at.  In a damaged file HDF5 can search for
# ever, so whether it is damaged has to be known before.
SEAL = b"bayeslaw sha256 "
SEALED = len(SEAL) + hashlib.sha256().digest_size


def save(posterior: Posterior, path: Path) -> Path:
    """Write a posterior; see :meth:`Posterior.save`.

    Raises
    ------
    FileError
        When the file cannot be written; an existing file stays.
    """
    write(path, as_netcdf(lambda file: put(file, posterior)))
    return path


def is_fit(path: Path) -> bool:
    """Whether a file was written by :func:`save`."""
    import h5py

    try:
        with path.open("rb") as file:
            # The tail alone: what is asked about may be a large table.
            file.seek(-min(SEALED, path.stat().st_size), io.SEEK_END)
            if file.read().startswith(SEAL):
                return True
        with h5py.File(path, "r") as raw:
            return raw.attrs.get("format") in (FORMAT, SEVERAL)
    except OSError:
        return False


def as_netcdf(put_all: Callable[[Any], None]) -> bytes:
    """The contents of a file that a function fills."""
    import h5netcdf
    import h5py

    made = io.BytesIO()
    with h5netcdf.File(made, "w") as file:
        put_all(file)
    with h5py.File(made, "r+") as raw:
        raw.attrs[DIGEST] = digest_of(raw)
    return sealed(made.getvalue())


def about(posterior: Posterior) -> dict[str, str | int]:
    """What a fit is of and how it was made, as attributes of a file."""
    return {
        "law": posterior.law.name, "law_text": posterior.law.text,
        "family": json.dumps(posterior.family), "pool": json.dumps(dict(posterior.pool)),
        "source": posterior.runs.source, "seed": posterior.seed, "versions": json.dumps(dict(posterior.versions)),
        "flat_names": json.dumps(posterior.flat_names), "target_accept": json.dumps(posterior.target_accept),
        "patient": json.dumps(posterior.patient), "diagnostics": json.dumps(asdict(posterior.diagnostics)),
        "notes": json.dumps([note.as_dict() for note in posterior.notes]),
    }  # fmt: skip


def put(file: Any, posterior: Posterior) -> None:
    """Put a posterior into a file of h5netcdf, or into a group of one."""
    chains, draws = posterior.flat.shape[:2]
    file.attrs.update({"format": FORMAT, **about(posterior)})
    file.dimensions = {"chain": chains, "draw": draws, "run": len(posterior.runs)}
    plan = posterior.plan
    for name, grouping in plan.groupings.items():
        _put(file, _dimension(name), np.array(grouping.labels, dtype=object), (_dimension(name),))
    group = file.create_group("posterior")
    for name, values in posterior.values.items():
        group_names = [_dimension(g) for g in plan.groupings if _belongs(posterior, name, g)]
        _put(group, name, values, ("chain", "draw", *group_names))
    group = file.create_group("unconstrained_posterior")
    group.dimensions = {"coordinate": posterior.flat.shape[2]}
    _put(group, "flat", posterior.flat, ("chain", "draw", "coordinate"))
    group = file.create_group("sample_stats")
    for name, values in posterior.stats.items():
        _put(group, name, values.astype(np.int8) if values.dtype == bool else values, ("chain", "draw"))
    group = file.create_group("observed_data")
    _put(group, posterior.law.output.column, plan.outcome, ("run",))
    group = file.create_group("constant_data")
    _put(group, "row_in_file", np.asarray(posterior.runs.rows, dtype=np.int64), ("run",))
    for name, values in posterior.runs.data.items():
        _put(group, name.replace("/", "_per_"), values, ("run",)).attrs["column"] = name


def sealed(contents: bytes) -> bytes:
    """The contents of a file with their seal behind them."""
    return contents + SEAL + hashlib.sha256(contents).digest()


def is_broken(contents: bytes) -> bool:
    """Whether the seal of a file belongs to other contents; files without one are older, or something else."""
    kept, seal = contents[:-SEALED], contents[-SEALED:]
    return seal.startswith(SEAL) and contents != sealed(kept)


def digest_of(file: Any) -> str:
    """A hash of the contents of an h5py file: HDF5 itself does not notice a corrupted block."""
    import h5py

    total = hashlib.sha256(repr([(k, str(v)) for k, v in sorted(file.attrs.items()) if k != DIGEST]).encode())

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            values = item[...]
            total.update(f"{name}{item.attrs.get('column')}{values.dtype}{values.shape}".encode())
            total.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
        elif "format" in item.attrs:  # one of several posteriors
            total.update(repr([(k, str(v)) for k, v in sorted(item.attrs.items())]).encode())

    file.visititems(add)
    return total.hexdigest()


def _belongs(posterior: Posterior, site: str, grouping: str) -> bool:
    """Whether a sampled quantity has one value per group of this grouping."""
    pooling = posterior.plan.poolings.get(site)
    if pooling is not None:
        return pooling.kind == "none" and grouping in pooling.groupings
    return any(site == deviations for _, g, deviations in posterior.plan.structure.effects if g == grouping)


def _dimension(grouping: str) -> str:
    return f"group_{grouping}"


def _put(group: Any, name: str, values: np.ndarray, dimensions: tuple[str, ...]) -> Any:
    import h5py

    if values.dtype == object:
        if dimensions[0] not in group.dimensions:
            group.dimensions[dimensions[0]] = len(values)
        return group.create_variable(name, dimensions, dtype=h5py.string_dtype(), data=values)
    return group.create_variable(name, dimensions, dtype=values.dtype, data=values)
