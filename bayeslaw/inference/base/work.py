"""The settings of all verbs that fit: how to sample, and how the work is done."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from bayeslaw.errors import did_you_mean
from bayeslaw.inference.base.progress import Progress

if TYPE_CHECKING:
    # Importing it, with all of Python's logging, takes a tenth of the time of `bayeslaw --help`.
    from concurrent.futures import Executor

# Four chains are what R-hat and the bulk ESS are usually judged by.  On fewer cores the operating system shares
# them out, which still beats a vectorised program, where every chain waits for the longest trajectory.
CHAINS = 4


@dataclass(frozen=True)
class Sampling:
    """How long and how carefully to sample; None stands for the default that suits the law and its runs.

    Attributes
    ----------
    draws, warmup
        Posterior and warm-up draws per chain (default without families: 2000 and 500; in families: 1000 and 500, or
        750 and 149 where runs are few; laws with a break and the many fits of a calibration or a frontier have their
        own).  Unless `draws`
        is given, sampling stops sooner, once all parameters have a bulk and a tail effective sample size of 1,000.
    chains
        Chains (default 4).
    target_accept
        The acceptance rate that the step size is tuned to (default: 0.93, or 0.87 where runs in families are
        few).
    patience
        Repeat a fit that has not converged, with four times the draws and, if that is not enough, with a longer
        warm-up and smaller steps.
    seconds
        Limit on sampling that crawls, where a draw takes hundreds of leapfrogs, as on runs without noise.  In
        processor seconds per core; None for no limit.
    """

    draws: int | None = None
    warmup: int | None = None
    chains: int | None = None
    target_accept: float | None = None
    patience: bool = True
    seconds: float | None = 120.0

    def or_else(self, **usual: int | float | None) -> Sampling:
        """The same with other defaults."""
        return replace(self, **{name: value for name, value in usual.items() if getattr(self, name) is None})  # type: ignore[arg-type]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the sampler, by name."""
        return {
            "draws": self.draws, "warmup": self.warmup, "chains": self.chains, "target_accept": self.target_accept,
            "seconds": math.inf if self.seconds is None else self.seconds,
        }  # fmt: skip


@dataclass(frozen=True)
class Work:
    """How the work of fits is done; only the seed changes the answer.

    Attributes
    ----------
    progress
        Show a progress line with the elapsed and the remaining time: None in a terminal or a notebook only, True
        always, False never.  Or a function of the work done and the work in all.
    shards
        A folder in which finished fits are kept and reused, so that interrupted work resumes where it stopped; a single
        fit also in the middle of its draws.
    executor
        Who makes the fits, in place of this process: anything with the ``submit`` of
        :class:`concurrent.futures.Executor`, or the address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``.
    seed
        Seed of all random numbers: the same seed, versions, machine and shapes give the same answer.
    """

    progress: bool | Progress | None = None
    shards: str | Path | None = None
    executor: Executor | str | None = None
    seed: int = 0


class Fields(TypedDict, total=False):
    """Fields of :class:`Sampling` and :class:`Work` as arguments of a verb; a test holds them together."""

    draws: int | None
    warmup: int | None
    chains: int | None
    target_accept: float | None
    patience: bool
    seconds: float | None
    progress: bool | Progress | None
    shards: str | Path | None
    executor: Executor | str | None
    seed: int


def asked_for(sampling: Sampling, work: Work, fields: Fields) -> tuple[Sampling, Work]:
    """How to sample and how to work, with single fields changed.

    Raises
    ------
    TypeError
        When there is no such field.
    """
    known = Fields.__annotations__
    given: dict[str, dict[str, Any]] = {"sampling": {}, "work": {}}
    for name, value in fields.items():
        if name not in known:
            raise TypeError(f"there is no argument '{name}'{did_you_mean(name, known)}.")
        given["sampling" if name in Sampling.__dataclass_fields__ else "work"][name] = value
    return replace(sampling, **given["sampling"]), replace(work, **given["work"])
