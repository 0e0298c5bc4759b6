"""What a command keeps of its fits beside their file, so that after Ctrl-C ``--resume`` goes on with them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import folder_at, say, write_text
from bayeslaw.errors import FileError, InputError

if TYPE_CHECKING:
    from bayeslaw.inference.model.plan import Plan

resume_option = click.option(
    "--resume", is_flag=True, help="Go on with what Ctrl-C interrupted, which is kept beside --out."
)
# What the draws of a fit follow from, in the words of a message.
LAW, RUNS, SAMPLING, SEED = "another law or other priors", "other runs", "other settings of the sampler", "another seed"
ABOUT = "about.json"


@contextlib.contextmanager
def resumable(out: Path, plans: Mapping[str, Plan], fields: dict[str, Any], resume: bool) -> Iterator[None]:
    """Keep fits in a folder beside their file until they are saved.

    Parameters
    ----------
    fields
        The fields of sampling and work, of which this sets the folder.  Where the user named one, fits are kept there,
        and where workers make them, none are.
    resume
        Whether to go on with fits that were interrupted.

    Raises
    ------
    InputError
        When there is nothing to go on with, or it is not of these fits.
    """
    if fields.get("shards") is not None or fields.get("executor") is not None:
        if resume:
            named = "--shards" if fields.get("shards") is not None else "--executor"
            raise InputError(f"--resume: fits with {named} go on by themselves or not at all; leave --resume out.")
        yield
        return
    folder, about = Path(f"{out}.part"), _about(plans, fields)
    if resume:
        _check(folder, about)
    else:
        if folder.exists() and not (folder / ABOUT).is_file():
            raise FileError(f"{folder}: is not an interrupted fit, so it is not replaced; choose another --out.")
        shutil.rmtree(folder, ignore_errors=True)
        write_text(folder_at(str(folder)) / ABOUT, json.dumps(about))
    fields["shards"] = str(folder)
    try:
        yield
    except KeyboardInterrupt:
        if any(path.name != ABOUT for path in folder.iterdir()):
            say(f"What was done is kept in {folder}; the same command with --resume goes on from there.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _about(plans: Mapping[str, Plan], fields: Mapping[str, Any]) -> dict[str, str]:
    """What the fits follow from, as hashes."""
    work = ("seed", "shards", "executor", "progress", "seconds")
    sampling = {name: value for name, value in sorted(fields.items()) if name not in work}
    runs = hashlib.sha256()
    for plan in plans.values():
        for values in (*plan.inputs.values(), plan.outcome, plan.weights, *(g.index for g in plan.groupings.values())):
            runs.update(values.tobytes())
    laws = [(plan.law.text, repr(plan.structure.poolings)) for plan in plans.values()]
    return {
        LAW: hashlib.sha256(repr(laws).encode()).hexdigest(), RUNS: runs.hexdigest(),
        SAMPLING: repr(sampling), SEED: repr(fields.get("seed", 0)),
    }  # fmt: skip


def _check(folder: Path, about: Mapping[str, str]) -> None:
    try:
        kept = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        differ = [name for name, value in about.items() if kept[name] != value]
    except FileNotFoundError:
        raise FileError(
            f"{folder}: is not there, so no fit was interrupted that --resume could go on with; leave --resume out."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise FileError(f"{folder}: does not hold an interrupted fit; leave --resume out to begin anew.") from None
    if differ:
        raise InputError(
            f"{folder}: holds a fit of {differ[0]}; give the command that was interrupted, or leave --resume out to "
            "begin anew."
        )
