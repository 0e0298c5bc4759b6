"""Arguments for any prior or likelihood of the law language, by what the arguments are called."""

from bayeslaw.language.formula.likelihoods import LikelihoodFamily
from bayeslaw.language.formula.priors import PriorFamily

TYPICAL = {
    "mean": 0.3, "median": 2.0, "log_median": -0.5, "frontier": 2.0, "probability": 0.3,
    "sd": 0.1, "scale": 0.5, "log_sd": 0.1, "log_scale": 0.1, "log_shortfall": 0.3, "bound": 0.0,
    "floor": 2.0, "log_excess": 0.3, "log_half_width": 0.35, "middle": 0.3, "logit_sd": 0.2, "logit_scale": 0.2,
    "df": 3.0, "rate": 4.0, "shape": 2.0, "a": 1.2, "b": 5.0, "concentration": 50.0, "trials": 20.0,
}  # fmt: skip


def typical(family: PriorFamily | LikelihoodFamily, **other: float) -> tuple[float, ...]:
    """Values for the arguments of a word, some of them given."""
    values = TYPICAL | other
    return tuple(values[name] for name in family.arguments)
