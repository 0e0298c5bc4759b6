"""``bayeslaw cache``: the programs that were compiled, and away with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.errors import FileError
from bayeslaw.inference.base.atomic_files import reason
from bayeslaw.inference.base.cache_folder import PARTS, private_folder


@click.command()
@click.option("--clear", is_flag=True, help="Delete the compiled programs.")
@answers
def cache(clear: bool, as_json: bool) -> None:
    """Show or clear the compiled programs.

    A law is compiled for the shape of a table when it is first fitted, which takes most of the time of a first fit. The
    programs are kept in a folder of your own; the environment variable BAYESLAW_CACHE names another one, or is "off".
    """
    folder = private_folder()
    files = [] if folder is None else _files(folder)
    sizes = [file.stat().st_size for file in files]
    answer = {"folder": folder and str(folder), "files": len(files), "bytes": sum(sizes), "cleared": clear}
    if clear:
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise FileError(f"{file}: cannot be deleted ({reason(error)}); delete it yourself.") from None
    give(answer, lambda: _page(answer), as_json)


def _files(folder: Path) -> list[Path]:
    """Those of the package and no others: somebody may have named a folder with other things in it."""
    return [path for part in PARTS for path in sorted((folder / part).rglob("*")) if path.is_file()]


def _page(answer: dict[str, Any]) -> str:
    if answer["folder"] is None:
        return "No compiled programs are kept; unset BAYESLAW_CACHE to keep them."
    what = f"{answer['files']:,} files of compiled programs, {answer['bytes'] / 1e6:,.1f} MB"
    if answer["cleared"]:
        return f"Deleted {what} from {answer['folder']}."
    return f"{answer['folder']} holds {what}.\n  `bayeslaw cache --clear` deletes them."
