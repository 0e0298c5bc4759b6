"""Options that several commands share, each beside the function that reads its value.

Tables (``--columns``, ``--units``, ``--where``), laws (``--laws``, ``--along``, ``--priors``, ``--prior``, ``--pool``),
fitting (``--draws``, ``--patience``, ``--shards``, ``--seed``, ...), questions
(``--at``, ``--family``, ``--level``, ``--drift``, ``--allow-unconverged``) and pictures (``--plot``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import assignments
from bayeslaw.errors import InputError, QuestionError
from bayeslaw.inference.base.work import CHAINS, Sampling
from bayeslaw.inference.sampler.settings import CHEAP, ENOUGH, FEW_RUNS, Settings
from bayeslaw.paths import law_file, runs_file
from bayeslaw.words import number_in

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
    from bayeslaw.ask.forecast.drift import Drifting
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Law
    from bayeslaw.runs.table import Runs

type Options = Callable[[Callable[..., None]], Callable[..., None]]

# The word for the laws that suit a table; `ask.auto.choice` has it too, whose import takes as long as an answer.
AUTO = "auto"
POINT = "N=7e10,D=1.4e12"
# The shortest chain whose halves still allow an estimate of the autocorrelation.
FEWEST_DRAWS = 20


def together(*options: Options) -> Options:
    """Several options as one decorator, in the order in which `--help` shows them."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# Tables of runs.

reading_options = together(
    click.option(
        "--where", metavar="EXPR",
        help='Use these rows only, such as "fit == 1 and n_params >= 1e8" or "flops is known".',
    ),
    click.option(
        "--columns", multiple=True, metavar="NAME=COLUMN",
        help='The file\'s name of a column, or a formula: n_params=N_million, "error=1 - score". May be repeated.',
    ),
    click.option(
        "--units", multiple=True, metavar="NAME=FACTOR",
        help="What a column is multiplied by, such as n_params=1e9 or n_params=billion. May be repeated.",
    ),
)  # fmt: skip


def read_table(
    path: str, columns: Sequence[str] = (), units: Sequence[str] = (), where: str | None = None, **more: Any
) -> Runs:
    """Read runs as the options say; of those of `read_runs` that no option of all commands gives, see there."""
    runs_file(path)

    from bayeslaw.runs.table import read_runs

    named = assignments(columns, "--columns", "n_params=N_million")
    runs = read_runs(path, columns=named, units=assignments(units, "--units", "n_params=1e9"), **more)
    return runs if where is None else runs.where(where)


def read_optional_table(path: str | None, option: str, **reading: Any) -> Runs | None:
    """Read the runs of an option, if it is given.

    Raises
    ------
    InputError
        When it is not given, but options that refer to it are.
    """
    if path is not None:
        return read_table(path, **reading)
    if any(reading.values()):
        raise InputError(f"--where, --columns and --units read {option} FILE, which is not given.")
    return None


# Laws, their priors and how their families are pooled.

family_column_option = click.option(
    "--family", metavar="COLUMN", help="The column of the model families (default: all runs are of one family)."
)
PRIOR = 'alpha="LogNormal(log(0.4), 0.1)"'
priors_options = together(
    click.option(
        "--priors", metavar="field|LAW:SOURCE",
        help="Priors learned from public sweeps, or about published values, such as "
             "chinchilla:besiroglu2024chinchilla (default: the weak priors of the law's file).",
    ),
    click.option(
        "--prior", multiple=True, metavar="P=PRIOR",
        help=f"The prior of one parameter, such as {PRIOR}, or another parameter to tie it to, such as beta=alpha. "
             "May be repeated.",
    ),
)  # fmt: skip


def laws_options(which: str, several: bool = False, default: str | None = None) -> Options:
    """Decorate a command with a table of runs, or several, laws to fit to it, and how its families are pooled."""
    usual_laws: Mapping[str, Any] = (
        {"required": True} if default is None else {"default": default, "show_default": True}
    )
    table = click.argument("table", metavar="RUNS")
    if several:
        table = click.argument("tables", metavar="RUNS [RUNS2 ...]", nargs=-1, required=True)
    return together(
        table,
        click.option("--laws", "names", metavar="NAME|FILE,...", help=which, **usual_laws),
        priors_options,
        family_column_option,
        click.option(
            "--pool", multiple=True, metavar="P=KIND",
            help="How groups share a parameter, in the laws that have it. May be repeated.",
        ),
    )  # fmt: skip


along_option = click.option(
    "--along", metavar="COLUMN[=USUAL]",
    help="The scale of a law of one input, such as power_law, in place of its own: n_params, n_tokens, or any column "
         "with a usual value of it (gpu_hours=1e3).",
)  # fmt: skip


def find_law(name: str, priors: str | None = None, prior: Sequence[str] = (), along: str | None = None) -> Law:
    """Return a law of the catalogue by name, or one of the user's own by its file; with its own priors or others."""
    return find_laws([name], priors, prior, along)[0]


def find_laws(
    names: Sequence[str], priors: str | None = None, prior: Sequence[str] = (), along: str | None = None
) -> list[Law]:
    """Return several laws; of single priors, each takes those of the parameters it has."""
    single = assignments(prior, "--prior", PRIOR)
    asked = [name.strip() for name in names if name.strip()]
    files = {name: law_file(name) for name in asked if _is_file(name)}

    from bayeslaw.language import catalogue
    from bayeslaw.language.catalogue import read_law, run_along
    from bayeslaw.language.public_priors import with_priors_each

    laws = {str(i): read_law(files[name]) if name in files else catalogue.law(name) for i, name in enumerate(asked)}
    laws = {called: run_along(law, along) for called, law in laws.items()}
    return list(with_priors_each(with_priors_each(laws, priors), single).values())


def _is_file(law: str) -> bool:
    """Whether a law is given by its file."""
    return law.endswith(".toml") or Path(law).name != law or Path(law).is_file()


def read_pooling(given: Sequence[str]) -> dict[str, str]:
    """Read how parameters are pooled, by parameter."""
    return assignments(given, "--pool", "alpha=partial:family")


# Sampling, and how the work of many fits is done.


def usual(name: str) -> str:
    """The defaults of a setting, for the help."""
    return f"default {getattr(Settings(), name)}; {getattr(FEW_RUNS, name)} where runs in families are few"


def enough() -> str:
    """The default number of draws, for the help."""
    return f"default: as many as give an effective sample size of {ENOUGH:,}, at most {CHEAP.draws:,}"


def fitting_options(draws: int | None = None) -> Options:
    """Decorate a command that fits with the options of sampling and work; see :func:`fields_of`.

    Parameters
    ----------
    draws
        The default of a command that makes many fits, for the help.
    """
    return together(
        click.option(
            "--draws", type=click.IntRange(FEWEST_DRAWS),
            help=f"Posterior draws per chain ({f'default {draws}' if draws else enough()}).",
        ),
        click.option(
            "--warmup", type=click.IntRange(FEWEST_DRAWS),
            help=f"Warm-up draws per chain ({usual('warmup')}).",
        ),
        click.option("--chains", type=click.IntRange(1, 64), help=f"Chains (default {CHAINS})."),
        click.option(
            "--target-accept", type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True), metavar="RATE",
            help="Acceptance rate that the step size is tuned to; closer to 1, smaller steps "
                 f"({usual('target_accept')}).",
        ),
        click.option(
            "--patience/--no-patience", default=Sampling().patience, show_default=True,
            help="Repeat a fit that has not converged, with more draws and smaller steps.",
        ),
        click.option(
            "--seconds", type=click.FloatRange(0.0, min_open=True), default=Sampling().seconds, show_default=True,
            help="Limit on sampling that is hopelessly slow, in processor seconds per core; inf for none.",
        ),
        click.option(
            "--shards", metavar="FOLDER",
            help="Keep finished fits in this folder, and reuse those already there (default: keep none).",
        ),
        click.option(
            "--executor", metavar="ADDRESS",
            help="A Dask scheduler whose workers make the fits, such as tcp://HOST:PORT (default: this process).",
        ),
        click.option(
            "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
            help="Seed of the random numbers: the same seed gives the same answer.",
        ),
    )  # fmt: skip


def fields_of(rest: dict[str, Any]) -> dict[str, Any]:
    """Take the fields of sampling and work out of the arguments of a command."""
    from bayeslaw.inference.base.work import Fields

    return {name: rest.pop(name) for name in Fields.__annotations__ if name in rest}


# The points and numbers of a question.


def points_option(required: bool = False) -> Options:
    """Decorate a command with the points that :func:`read_points` reads."""
    return click.option(
        "--at",
        multiple=True,
        required=required,
        metavar=POINT,
        help="A planned run, by its inputs, or by compute in place of one of them (C=1e21,N=1e9). May be repeated for "
        "several runs.",
    )


def read_points(given: Sequence[str]) -> dict[str, list[float]]:
    """Read points such as ``N=7e10,D=1.4e12`` as values by input.

    Raises
    ------
    QuestionError
        When one cannot be read, or they name different inputs.
    """
    points: list[dict[str, float]] = []
    for text in given:
        words = assignments(text.split(","), f"--at {text}" if text else "--at", POINT)
        points.append({name: read_number(word, name, f"--at {text}") for name, word in words.items()})
    for text, other in zip(given, points, strict=True):
        if set(other) != set(points[0]):
            raise QuestionError(
                f"--at {text}: gives {', '.join(other)}, but the first point gives {', '.join(points[0])}; give the "
                f"same inputs at every point."
            )
    return {name: [point[name] for point in points] for name in points[0]}


def check_points(laws: Sequence[Law], points: Mapping[str, Any] | Runs | None) -> None:
    """Refuse points at which some laws cannot be asked.

    Raises
    ------
    QuestionError, RunsError
        When an input is missing, unknown or out of range.
    """
    from bayeslaw.ask.where.points import points_at
    from bayeslaw.runs.observations import inputs

    at = points_at(laws, points)
    for law in laws:
        inputs(at, law)


def read_held(text: str | None) -> dict[str, float]:
    """Read one point whose inputs are held, such as ``D=1e12``; an option that was left out holds none."""
    return {} if text is None else {name: values[0] for name, values in read_points([text]).items()}


def read_number(text: str, name: str, asked: str) -> float:
    """Read one number of an option.

    Raises
    ------
    QuestionError
        When it is none.
    """
    value = number_in(text)
    if value is None:
        raise QuestionError(f"{asked}: '{text}' is not a number; write {name}=7e10, or {name}=70B.")
    return value


# The family, the level, and what is assumed beyond the runs.

unconverged_option = click.option(
    "--allow-unconverged", is_flag=True, help="Answer even if the chains have not converged."
)
whose_options = together(
    click.option(
        "--family", metavar="NAME|new|population|COLUMN=VALUE,...",
        help="The family of the planned run (default: a new one, drawn from the population).",
    ),
    unconverged_option,
)  # fmt: skip
level_option = click.option(
    "--level", "levels", type=float, multiple=True, default=(0.9,), show_default=True,
    help="Probability of the intervals. May be repeated; the first is the headline.",
)  # fmt: skip
drift_options = together(
    click.option(
        "--drift", metavar="DRIFT.toml",
        help="How far laws are assumed to drift beyond the runs, as `bayeslaw drift` learns it "
             "(default: learned from public sweeps).",
    ),
    click.option("--no-drift", is_flag=True, help="Assume that laws hold beyond the runs as they do within them."),
)  # fmt: skip


def read_family(text: str | None, posterior: Posterior | Average) -> str | dict[str, str] | None:
    """Read a family: by name, or by column as ``corpus=c4,tokenizer=new``."""
    if text is None or text in posterior.families or "=" not in text:
        return text
    return assignments(text.split(","), "--family", "corpus=c4,tokenizer=new")


def read_drift(drift: str | None, no_drift: bool) -> Drifting:
    """How laws drift, as the options say."""
    if drift is None:
        return not no_drift
    if no_drift:
        raise InputError(f"--drift {drift} and --no-drift contradict each other; give one of them.")

    from bayeslaw.ask.forecast.drift import read_drifts

    return read_drifts(drift)


# Pictures beside the answer.


def plot_option(drawn: str) -> Options:
    """Decorate a command with a picture beside its answer; see :func:`bayeslaw.cli.pictures.planned`."""
    return click.option("--plot", "picture", metavar="FILE.png", help=f"Draw {drawn} too, as .png, .pdf or .svg.")


# Back-tests.

origins_option = click.option(
    "--origins", metavar="SHARE,...", help="Shares of the runs that are seen (default: 0.4,0.5,0.65,0.8)."
)


def read_origins(text: str | None) -> list[float]:
    """Read the shares of the runs that are seen."""
    from bayeslaw.validation.backtest.origins import SEEN

    return list(SEEN) if text is None else [read_number(word, "origins", "--origins") for word in text.split(",")]
