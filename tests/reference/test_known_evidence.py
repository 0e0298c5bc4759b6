"""Log evidences that are known without a sampler: closed forms, and one-dimensional quadratures that have converged.

Each problem is any NumPyro model, whose draws are those of ``sample`` or, where the posterior is conjugate given one
exponent, exact ones.  The estimate lies within three of its own standard errors, and the error is small.  The values
are derived by conjugate algebra (normal-inverse-gamma) and checked by quadrature.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from scipy.signal import lfilter
from scipy.special import gammaincinv, gammaln, logsumexp, ndtr
from scipy.stats import norm

import bayeslaw as bl
from bayeslaw.ask.compare.loo import psis
from bayeslaw.ask.evidence.ball import on_ball
from bayeslaw.ask.evidence.bridge import CrossFit, bridge
from bayeslaw.inference.base import devices
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.infer import sample
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.sampler.settings import Settings
from tests.line_families import LINES, ExactFamilies, runs_of_families
from tests.posteriors import with_draws


def estimates(model, args, seed: int = 0, **settings) -> dict[str, CrossFit]:
    draws = sample(model, args, Settings(**settings), seed=seed)
    draws.diagnostics.require()
    return _estimates(on_ball(draws.model, args, draws.flat, draws.coordinates), seed)


def _estimates(ball, seed: int) -> dict[str, CrossFit]:
    return bridge(ball.log_density, ball.draws, seed)


def assert_known(found: dict[str, CrossFit], expected: float, largest_se: float) -> None:
    best = found["warp3"]
    assert abs(best.log_evidence - expected) < 3 * best.se, f"{best.log_evidence} ± {best.se} is not {expected}"
    assert best.se < largest_se
    assert abs(found["normal"].log_evidence - expected) < 3 * found["normal"].se


# --- radiata pine (Williams 1959), priors of Friel & Pettitt (2008) -----------------------------------------------

STRENGTH = np.array(
    [3040, 2470, 3610, 3480, 3810, 2330, 1800, 3110, 3670, 2310, 4360, 1880, 3670, 1740, 2250, 2650, 4970, 2620, 2900,
     1670, 2540, 3840, 3800, 4600, 1900, 2530, 2920, 4990, 1670, 3310, 3450, 3600, 2850, 1590, 3770, 3850, 2480, 3570,
     2620, 1890, 3030, 3030.0]
)  # fmt: skip
DENSITY = np.array(
    [29.2, 24.7, 32.3, 31.3, 31.5, 24.5, 19.9, 27.3, 32.3, 24.0, 33.8, 21.5, 32.2, 22.5, 27.5, 25.6, 34.5, 26.2, 26.7,
     21.1, 24.1, 30.7, 32.7, 32.6, 22.1, 25.3, 30.8, 38.9, 22.1, 29.2, 30.1, 31.4, 26.7, 22.1, 30.3, 32.0, 23.2, 30.3,
     29.9, 20.8, 33.2, 28.2]
)  # fmt: skip
ADJUSTED = np.array(
    [25.4, 22.2, 32.2, 31.0, 30.9, 23.9, 19.2, 27.2, 29.0, 23.9, 33.2, 21.0, 29.0, 22.0, 23.8, 25.3, 34.2, 25.7, 26.4,
     20.0, 23.9, 30.7, 32.6, 32.5, 20.8, 23.1, 29.8, 38.1, 21.3, 28.5, 29.2, 31.4, 25.9, 21.4, 29.8, 30.6, 22.6, 30.3,
     23.8, 18.4, 29.4, 28.2]
)  # fmt: skip


def pine(strength, predictor) -> None:
    precision = numpyro.sample("precision", dist.Gamma(3.0, 2 * 300.0**2))
    sd = precision**-0.5
    intercept = numpyro.sample("intercept", dist.Normal(3000.0, sd * 0.06**-0.5))
    slope = numpyro.sample("slope", dist.Normal(185.0, sd * 6.0**-0.5))
    numpyro.sample("strength", dist.Normal(intercept + slope * predictor, sd), obs=strength)


@pytest.mark.parametrize(("predictor", "expected"), [(DENSITY, -310.1282855367), (ADJUSTED, -301.7046021344)])
def test_radiata_pine(predictor, expected):
    assert_known(estimates(pine, (STRENGTH, predictor - predictor.mean())), expected, 0.02)


@pytest.mark.parametrize(("predictor", "expected"), [(DENSITY, -306.5652678222), (ADJUSTED, -297.9916219551)])
def test_radiata_pine_left_out_one_by_one(predictor, expected):
    """The same posterior drawn from independently, as it is conjugate: normal given a gamma precision."""
    rng, draws = np.random.default_rng(1), 20_000
    design = np.stack([np.ones(len(STRENGTH)), predictor - predictor.mean()], axis=1)
    prior, mean = np.diag([0.06, 6.0]), np.array([3000.0, 185.0])
    precision = design.T @ design + prior
    centre = np.linalg.solve(precision, design.T @ STRENGTH + prior @ mean)
    squares = STRENGTH @ STRENGTH + mean @ prior @ mean - centre @ precision @ centre
    tau = rng.gamma(3.0 + len(STRENGTH) / 2, 1.0 / (2 * 300.0**2 + squares / 2), draws)
    noise = np.linalg.solve(np.linalg.cholesky(precision).T, rng.standard_normal((2, draws))) / np.sqrt(tau)
    log_likelihood = norm(((centre[:, None] + noise).T @ design.T), tau[:, None] ** -0.5).logpdf(STRENGTH)
    found, khat = psis(log_likelihood, np.ones(len(STRENGTH)))
    assert khat.max() < 0.7
    assert found.sum() == pytest.approx(expected, abs=0.05)


# --- eight schools, without centres --------------------------------------------------------------------------------

SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def schools(outcome, error, wide, half_normal) -> None:
    """With a half-Cauchy prior of the spread, or a half-normal one: an argument, so that one program samples both."""
    mu = numpyro.sample("mu", dist.Normal(0.0, wide))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    other = dist.HalfNormal(5.0).log_prob(tau) - dist.HalfCauchy(5.0).log_prob(tau)
    numpyro.factor("instead", jnp.where(half_normal, other, 0.0))
    standard = numpyro.sample("standard", dist.Normal(0, 1).expand([8]).to_event(1))
    numpyro.sample("y", dist.Normal(mu + tau * standard, error), obs=outcome)


@pytest.mark.parametrize(
    ("wide", "half_normal", "expected"),
    [(5.0, False, -31.3113473523), (10.0, False, -31.3749313119), (5.0, True, -31.0362394061)],
)
def test_eight_schools(wide, half_normal, expected):
    assert_known(estimates(schools, (SCHOOLS, ERRORS, wide, half_normal), seed=1), expected, 0.02)


# --- scaling laws with families: one shared exponent, and a conjugate floor, amplitude and noise for each ----------

X = np.geomspace(1e-2, 10.0, 12)
SHAPE, RATE = 3.0, 0.002


def family_losses(families: int) -> np.ndarray:
    """Losses of families, shape ``(families, 12)``: a law of exponent .34 and errors that are evenly spread normals."""
    uniform = (np.arange(1, 12 * families + 1) * 0.6180339887498949) % 1.0
    j = np.arange(families)
    floor, amplitude = 1.7 + 0.05 * np.cos(j), 0.9 + 0.2 * np.sin(2 * j)
    return floor[:, None] + amplitude[:, None] * X**-0.34 + 0.03 * norm.ppf(uniform).reshape(families, 12)


def scaling(losses, x, log, power) -> None:
    """The model: E + A x^-alpha, with switches E + A log x and A x^-alpha.

    Switches are arguments, so that one program serves all kinds.  What a kind does not use has its prior, whose
    integral is 1.
    """
    variance = numpyro.sample("variance", dist.InverseGamma(SHAPE, RATE).expand([len(losses)]).to_event(1))
    sd = jnp.sqrt(variance)
    shape = jnp.where(log, jnp.log(x), x ** -numpyro.sample("alpha", dist.Uniform(0.05, 1.0)))
    amplitude = numpyro.sample("A", dist.Normal(1.0, 10 * sd).to_event(1))
    floor = jnp.where(power, 0.0, numpyro.sample("E", dist.Normal(2.0, 10 * sd).to_event(1)))
    mean = floor[:, None] + amplitude[:, None] * shape[None]
    numpyro.sample("loss", dist.Normal(mean, sd[:, None]).to_event(2), obs=losses)


def scaling_args(families: int, kind: str) -> tuple[np.ndarray, np.ndarray, bool, bool]:
    return family_losses(families), X, kind == "log", kind == "power"


@dataclass(frozen=True)
class Conjugate:
    """What is known of such a law: normal-inverse-gamma family by family given the exponent, which is one number."""

    losses: np.ndarray
    kind: str

    @cached_property
    def alphas(self) -> np.ndarray:
        """Where the exponent is looked at: the middles of equal parts of its uniform prior."""
        return np.array([0.0]) if self.kind == "log" else 0.05 + 0.95 * (np.arange(20_000) + 0.5) / 20_000

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """By exponent: precision and mean of the coefficients over the noise, rate of the noise, and log evidence."""
        shape = np.log(X) * np.ones((len(self.alphas), 1)) if self.kind == "log" else X ** -self.alphas[:, None]
        columns = [shape] if self.kind == "power" else [np.ones_like(shape), shape]
        design, mean = np.stack(columns, axis=-1), np.array([2.0, 1.0])[-len(columns) :]
        prior = 0.01 * np.eye(len(columns))
        precision = np.einsum("api,apj->aij", design, design) + prior
        pull = np.einsum("api,fp->afi", design, self.losses) + prior @ mean
        centre = np.linalg.solve(precision[:, None], pull[..., None])[..., 0]
        squares = (self.losses**2).sum(axis=1) + mean @ prior @ mean - np.einsum("afi,afi->af", pull, centre)
        rate = RATE + 0.5 * squares
        constant = -6 * np.log(2 * np.pi) + SHAPE * np.log(RATE) + gammaln(6 + SHAPE) - gammaln(SHAPE)
        volume = 0.5 * (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(precision)[1])
        return precision, centre, rate, (constant + volume[:, None] - (6 + SHAPE) * np.log(rate)).sum(axis=1)

    @property
    def log_evidence(self) -> float:
        return float(logsumexp(self.parts[-1]) - np.log(len(self.alphas)))

    def draws(self, rng: np.random.Generator, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draws of the posterior, each as like the one before in its chain as NUTS's are: effective are six of ten."""
        precision, centre, rate, log_evidence = self.parts
        families, coefficients = len(self.losses), precision.shape[-1]
        steps = rng.standard_normal((size[0], size[1] + 100, 1 + 3 * families))
        standard = lfilter([np.sqrt(1 - 0.25**2)], [1.0, -0.25], steps, axis=1)[:, 100:]
        cumulative = np.cumsum(np.exp(log_evidence - logsumexp(log_evidence)))
        position = np.interp(ndtr(standard[..., 0]), cumulative, np.arange(len(cumulative)) + 0.5)
        alpha = ndtr(standard[..., 0]) if self.kind == "log" else position / len(cumulative)
        at = np.minimum(position.astype(int), len(cumulative) - 1)
        variance = rate[at] / gammaincinv(6 + SHAPE, ndtr(standard[..., 1 : 1 + families]))
        root = np.linalg.inv(np.linalg.cholesky(precision)[at])
        noise, sd = standard[..., 1 + families :].reshape(*size, families, 2), np.sqrt(variance)
        own = centre[at] + sd[..., None] * np.einsum("cdij,cdfi->cdfj", root, noise[..., -coefficients:])
        floor = 2.0 + 10 * sd * noise[..., 0] if self.kind == "power" else own[..., 0]
        return {"variance": variance, "alpha": 0.05 + 0.95 * alpha, "A": own[..., -1], "E": floor}


@cache
def conjugate(families: int, kind: str) -> Conjugate:
    return Conjugate(family_losses(families), kind)


def estimates_of_exact_draws(families: int, kind: str, seed: int = 0, draws: int = 1000) -> dict[str, CrossFit]:
    """On the ball that the curvature at their mean gives."""
    args = scaling_args(families, kind)
    values = conjugate(families, kind).draws(np.random.default_rng(seed), (4, draws))
    with devices.float64():
        model = FlatModel.of(scaling, args)
        flat = np.concatenate(
            [np.asarray(site.transform.inv(values[site.name])).reshape(4, draws, -1) for site in model.sites], axis=-1
        )
        ball = on_ball(model, args, flat, Affine.around(Problem(model, args), flat.mean(axis=(0, 1))))
    return _estimates(ball, seed)


LAWS = {
    (1, "floor"): 15.03739065, (1, "power"): -14.49304662, (1, "log"): -25.89402205,
    (3, "floor"): 48.59233602, (3, "power"): -37.72495345, (3, "log"): -76.86397622,
    (10, "floor"): 165.14266502, (10, "power"): -118.44411923, (10, "log"): -255.63483437,
    (50, "floor"): 835.75071938, (50, "power"): -598.27799557, (50, "log"): -1283.93416411,
}  # fmt: skip
SAMPLED = [(3, "floor"), (3, "power"), (3, "log"), pytest.param(50, "log", marks=pytest.mark.slow)]


def assert_known_law(found: dict[str, CrossFit], families: int, kind: str) -> None:
    assert_known(found, LAWS[families, kind], 0.06 if families == 50 else 0.02)


@pytest.mark.parametrize(("families", "kind"), LAWS)
def test_the_quadrature_is_the_table_of_references(families, kind):
    assert conjugate(families, kind).log_evidence == pytest.approx(LAWS[families, kind], abs=1e-6)


@pytest.mark.parametrize(("families", "kind"), SAMPLED)
def test_conjugate_scaling_laws(families, kind):
    """Of 10 and 151 parameters, by NUTS."""
    assert_known_law(estimates(scaling, scaling_args(families, kind)), families, kind)


@pytest.mark.parametrize(("families", "kind"), LAWS)
def test_exact_draws_of_conjugate_scaling_laws(families, kind):
    """All of them by exact draws, which no sampler made."""
    assert_known_law(estimates_of_exact_draws(families, kind), families, kind)


def test_three_hundred_parameters_from_four_thousand_draws():
    assert_known(estimates_of_exact_draws(100, "log"), conjugate(100, "log").log_evidence, 0.2)


# --- forty random intercepts: a funnel for the weakly informed centred form and for the strongly informed other ----


def intercepts(outcome, error, centred) -> None:
    """Intercepts themselves are sampled, or standard normal deviates: an argument, so that one program samples both."""
    mu = numpyro.sample("mu", dist.Normal(0.0, 1.0))
    tau = numpyro.sample("tau", dist.HalfNormal(1.0))
    mean, sd = jnp.where(centred, mu, 0.0), jnp.where(centred, tau, 1.0)
    own = numpyro.sample("own", dist.Normal(mean, sd).expand([40]).to_event(1))
    numpyro.sample("y", dist.Normal(jnp.where(centred, own, mu + tau * own), error).to_event(1), obs=outcome)


@pytest.mark.parametrize(("centred", "error", "expected"), [(False, 1.0, -57.6866235155), (True, 0.05, -58.6377162872)])
def test_random_intercepts(centred, error, expected):
    outcome = norm.ppf((np.arange(40) + 1) * 0.6180339887498949 % 1.0) + 0.2
    assert_known(estimates(intercepts, (outcome, error * np.ones(40), centred), draws=1500), expected, 0.02)


# --- the error bar -------------------------------------------------------------------------------------------------


def test_the_truth_is_within_two_standard_errors_in_90_to_99_of_100_sets_of_draws():
    """Of ten dimensions, exact draws that are as like those before them as NUTS's are."""
    found = [estimates_of_exact_draws(3, "floor", seed, draws=500)["warp3"] for seed in range(100)]
    z = np.array([(each.log_evidence - 48.59233602) / each.se for each in found])
    assert 90 <= (np.abs(z) < 2).sum() <= 99, np.sort(z)


# --- sixty families of a law in the language: lines with known noise, level and slope partially pooled -------------


def test_sixty_families_are_averaged_out_one_by_one():
    """From exact draws, which no sampler made."""
    runs = runs_of_families(60, 4)
    exact = ExactFamilies.of(runs)
    draws = exact.draws(np.random.default_rng(1), (4, 500), spreads=np.arange(0.1, 0.5, 0.005))
    found = bl.log_evidence(with_draws(make_plan(LINES, runs, "family"), draws))
    assert found.size == 124
    assert not found.notes
    assert abs(found.log_evidence - exact.log_evidence) < 3 * found.se
    assert found.se < 0.01
