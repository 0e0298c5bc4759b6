"""Log evidences that are known without a sampler: closed forms, and one-dimensional quadratures that have converged.

Each problem is any NumPyro model through ``sample``; the estimate lies within three of its own standard errors, and the
error is small.  The values are derived by conjugate algebra (normal-inverse-gamma) and checked by quadrature.
"""

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from scipy.special import gammaln, logsumexp
from scipy.stats import halfnorm, norm

import bayeslaw as bl
from bayeslaw.ask.compare.loo import psis
from bayeslaw.ask.evidence.ball import on_ball
from bayeslaw.ask.evidence.bridge import CrossFit, bridge
from bayeslaw.ask.evidence.thames import thames
from bayeslaw.inference.sampler.chains import Settings
from bayeslaw.inference.sampler.sample import sample


def estimates(model, args, seed: int = 0, allow_unconverged: bool = False, **settings) -> dict[str, CrossFit]:
    draws = sample(model, args, Settings(**settings), seed=seed)
    draws.diagnostics.require(allow_unconverged)
    ball = on_ball(draws.model, args, draws.flat, draws.geometry)
    return {**bridge(ball.log_density, ball.draws, seed), "thames": thames(ball.log_density, ball.draws)}


def assert_known(found: dict[str, CrossFit], expected: float, largest_se: float, dimensions: int = 0) -> None:
    best = found["warp3"]
    assert abs(best.log_evidence - expected) < 3 * best.se, f"{best.log_evidence} ± {best.se} is not {expected}"
    assert best.se < largest_se
    assert abs(found["normal"].log_evidence - expected) < 3 * found["normal"].se
    if dimensions <= 10:
        assert abs(found["thames"].log_evidence - expected) < 3 * found["thames"].se


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


def schools(outcome, error, wide: float, half_normal: bool) -> None:
    mu = numpyro.sample("mu", dist.Normal(0.0, wide))
    tau = numpyro.sample("tau", dist.HalfNormal(5.0) if half_normal else dist.HalfCauchy(5.0))
    standard = numpyro.sample("standard", dist.Normal(0, 1).expand([8]).to_event(1))
    numpyro.sample("y", dist.Normal(mu + tau * standard, error), obs=outcome)


@pytest.mark.parametrize(
    ("wide", "half_normal", "expected"),
    [(5.0, False, -31.3113473523), (10.0, False, -31.3749313119), (5.0, True, -31.0362394061)],
)
def test_eight_schools(wide, half_normal, expected):
    def model(outcome, error):
        schools(outcome, error, wide, half_normal)

    assert_known(estimates(model, (SCHOOLS, ERRORS), seed=1), expected, 0.02, 10)


# --- scaling laws with families: one shared exponent, and a conjugate floor, amplitude and noise for each ----------

X = np.geomspace(1e-2, 10.0, 12)
SHAPE, RATE = 3.0, 0.002


def family_losses(families: int) -> np.ndarray:
    """Losses of families, shape ``(families, 12)``: a law of exponent .34 and errors that are evenly spread normals."""
    uniform = (np.arange(1, 12 * families + 1) * 0.6180339887498949) % 1.0
    j = np.arange(families)
    floor, amplitude = 1.7 + 0.05 * np.cos(j), 0.9 + 0.2 * np.sin(2 * j)
    return floor[:, None] + amplitude[:, None] * X**-0.34 + 0.03 * norm.ppf(uniform).reshape(families, 12)


def families_of(kind: str, families: int):
    """The model: ``floor`` E + A x^-alpha, ``power`` A x^-alpha, ``log`` E + A log x."""

    def model(losses, x) -> None:
        variance = numpyro.sample("variance", dist.InverseGamma(SHAPE, RATE).expand([families]).to_event(1))
        sd = jnp.sqrt(variance)
        shape = jnp.log(x) if kind == "log" else x ** -numpyro.sample("alpha", dist.Uniform(0.05, 1.0))
        amplitude = numpyro.sample("A", dist.Normal(1.0, 10 * sd).to_event(1))
        floor = 0.0 if kind == "power" else numpyro.sample("E", dist.Normal(2.0, 10 * sd).to_event(1))[:, None]
        mean = floor + amplitude[:, None] * shape
        numpyro.sample("loss", dist.Normal(mean, sd[:, None]).to_event(2), obs=losses)

    return model


LAWS = [
    pytest.param(1, "floor", 15.03739065), pytest.param(1, "power", -14.49304662), pytest.param(1, "log", -25.89402205),
    pytest.param(3, "floor", 48.59233602), pytest.param(3, "power", -37.72495345), pytest.param(3, "log", -76.86397622),
    pytest.param(10, "floor", 165.14266502),
    pytest.param(10, "power", -118.44411923, marks=pytest.mark.slow),
    pytest.param(10, "log", -255.63483437, marks=pytest.mark.slow),
    pytest.param(50, "floor", 835.75071938, marks=pytest.mark.slow),
    pytest.param(50, "power", -598.27799557, marks=pytest.mark.slow),
    pytest.param(50, "log", -1283.93416411, marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("families", "kind", "expected"), LAWS)
def test_conjugate_scaling_laws(families, kind, expected):
    large = families == 50
    found = estimates(families_of(kind, families), (family_losses(families), X), draws=2500 if large else 1000)
    assert_known(found, expected, 0.15 if large else 0.02, 1 + 3 * families)


def closed_form(losses: np.ndarray) -> float:
    """The log evidence of the law that is linear in its parameters, normal-inverse-gamma family by family."""
    design, mean, precision = np.stack([np.ones(12), np.log(X)], axis=1), np.array([2.0, 1.0]), 0.01 * np.eye(2)
    posterior = design.T @ design + precision
    total = 0.0
    for y in losses:
        nu = np.linalg.solve(posterior, design.T @ y + precision @ mean)
        rate = RATE + 0.5 * (y @ y + mean @ precision @ mean - nu @ posterior @ nu)
        total += -6 * np.log(2 * np.pi) + SHAPE * np.log(RATE) + gammaln(6 + SHAPE) - gammaln(SHAPE)
        total += 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * np.linalg.slogdet(posterior)[1]
        total -= (6 + SHAPE) * np.log(rate)
    return total


@pytest.mark.parametrize(("families", "expected"), [(1, -25.89402205), (50, -1283.93416411)])
def test_the_closed_form_is_the_table_of_references(families, expected):
    assert closed_form(family_losses(families)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.slow
def test_three_hundred_parameters_from_four_thousand_draws():
    losses = family_losses(100)
    found = estimates(families_of("log", 100), (losses, X), allow_unconverged=True)
    assert_known(found, closed_form(losses), 0.2, 300)


# --- forty random intercepts: a funnel for the weakly informed centred form and for the strongly informed other ----


def intercepts(centred: bool):
    def model(outcome, error) -> None:
        mu = numpyro.sample("mu", dist.Normal(0.0, 1.0))
        tau = numpyro.sample("tau", dist.HalfNormal(1.0))
        if centred:
            theta = numpyro.sample("theta", dist.Normal(mu, tau).expand([40]).to_event(1))
        else:
            theta = mu + tau * numpyro.sample("standard", dist.Normal(0.0, 1.0).expand([40]).to_event(1))
        numpyro.sample("y", dist.Normal(theta, error).to_event(1), obs=outcome)

    return model


@pytest.mark.parametrize(("centred", "error", "expected"), [(False, 1.0, -57.6866235155), (True, 0.05, -58.6377162872)])
def test_random_intercepts(centred, error, expected):
    outcome = norm.ppf((np.arange(40) + 1) * 0.6180339887498949 % 1.0) + 0.2
    assert_known(estimates(intercepts(centred), (outcome, error * np.ones(40)), draws=2000), expected, 0.02, 42)


# --- the error bar -------------------------------------------------------------------------------------------------


class ExactFloors:
    """The posterior of ``floor`` laws, drawn from independently: the exponent by quadrature, all else conjugate.

    Parameters
    ----------
    losses
        Shape ``(families, 12)``.
    """

    def __init__(self, losses: np.ndarray) -> None:
        edges = np.linspace(0.05, 1.0, 20_001)
        self.alpha, self.width = 0.5 * (edges[1:] + edges[:-1]), edges[1] - edges[0]
        prior, mean = 0.01 * np.eye(2), np.array([2.0, 1.0])
        design = np.stack([np.ones((len(self.alpha), 12)), X ** -self.alpha[:, None]], axis=2)
        precision = np.einsum("axi,axj->aij", design, design) + prior
        pull = np.einsum("axi,fx->afi", design, losses) + prior @ mean
        # Of the floor and amplitude of each family, given the exponent; and of the rate of its variance.
        self.centres = np.linalg.solve(precision[:, None], pull[..., None])[..., 0]
        self.roots = np.linalg.inv(np.linalg.cholesky(precision))
        squares = (losses**2).sum(axis=1) + mean @ prior @ mean
        self.rates = RATE + 0.5 * (squares - np.einsum("afi,afi->af", self.centres, pull))
        constant = -6 * np.log(2 * np.pi) + SHAPE * np.log(RATE) + gammaln(6 + SHAPE) - gammaln(SHAPE)
        determinants = 0.5 * (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(precision)[1])
        self.log_density = (constant + determinants[:, None] - (6 + SHAPE) * np.log(self.rates)).sum(axis=1)

    @property
    def log_evidence(self) -> float:
        """With the exponent integrated out; its prior is uniform over 0.95."""
        return float(logsumexp(self.log_density) + np.log(self.width / 0.95))

    def draws(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Independent draws by site, without bounds; each of shape ``(count, ...)``."""
        at = rng.choice(len(self.alpha), count, p=np.exp(self.log_density - logsumexp(self.log_density)))
        variance = self.rates[at] / rng.gamma(6 + SHAPE, size=self.rates[at].shape)
        steps = rng.standard_normal(self.centres[at].shape) @ self.roots[at]
        floor, amplitude = np.moveaxis(self.centres[at] + np.sqrt(variance)[..., None] * steps, -1, 0)
        share = (self.alpha[at] - 0.05) / 0.95
        return {"variance": np.log(variance), "alpha": np.log(share / (1 - share)), "E": floor, "A": amplitude}


@pytest.mark.slow
def test_the_truth_is_within_two_standard_errors_in_90_to_99_of_100_fits():
    """A hundred sets of independent draws of ten dimensions, on the ball of one fit, none left out."""
    losses, model = family_losses(3), families_of("floor", 3)
    exact = ExactFloors(losses)
    assert exact.log_evidence == pytest.approx(48.59233602, abs=1e-6)
    fitted = sample(model, (losses, X), Settings(draws=4, warmup=20))  # for its coordinates alone
    z = []
    for seed in range(100):
        sites = exact.draws(np.random.default_rng(seed), 4000)
        flat = np.concatenate([sites[site.name].reshape(4000, -1) for site in fitted.model.sites], axis=1)
        ball = on_ball(fitted.model, (losses, X), flat.reshape(4, 1000, -1), fitted.geometry)
        found = bridge(ball.log_density, ball.draws, seed)["warp3"]
        z.append((found.log_evidence - 48.59233602) / found.se)
    assert 90 <= (np.abs(z) < 2).sum() <= 99, np.sort(z)


# --- sixty families of a law in the language: lines with known noise, level and slope partially pooled -------------

LINES = """
title = "lines"
reference = "none"
formula = "b0 + b1 * x"
[output]
y = { likelihood = "Normal(mean, noise)", units = "1", meaning = "outcome" }
[input]
x = { column = "x", units = "1", meaning = "input" }
[parameter]
b0 = { prior = "Normal(0, 2)", pool = "family", spread = "HalfNormal(0.5)", meaning = "level" }
b1 = { prior = "Normal(0, 1)", pool = "family", spread = "HalfNormal(0.5)", meaning = "slope" }
noise = { prior = "Constant(0.3)", meaning = "scatter" }
"""


@pytest.fixture(scope="module")
def lines() -> bl.Runs:
    rng, family = np.random.default_rng(4), np.repeat(np.arange(60), 4)
    x = rng.uniform(-1.0, 1.0, family.size)
    level, slope = np.array([[0.7], [0.4]]) + np.array([[0.3], [0.2]]) * rng.standard_normal((2, 60))
    y = level[family] + slope[family] * x + 0.3 * rng.standard_normal(family.size)
    return bl.Runs.from_arrays({"x": x, "y": y, "family": [f"family {i:02}" for i in family]})


def evidence_of_lines(runs: bl.Runs) -> float:
    """Normal given the two spreads, family by family up to two shared means; the spreads by quadrature."""
    x, y = runs.column("x"), runs.column("y")
    _, family = runs.levels("family")
    design = np.stack([np.ones_like(x), x], axis=1)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    spreads, weights = 0.75 * (nodes + 1.0), 0.75 * weights
    prior = halfnorm(scale=0.5).logpdf(spreads) + np.log(weights)
    found = np.zeros((60, 60))
    for i, j in np.ndindex(60, 60):
        precision, pull, constant = np.diag([1 / 4.0, 1.0]), np.zeros(2), -np.log(2.0)
        for k in range(60):
            own, outcome = design[family == k], y[family == k]
            covariance = 0.09 * np.eye(len(own)) + own @ np.diag([spreads[i], spreads[j]]) ** 2 @ own.T
            solved = np.linalg.solve(covariance, np.column_stack([own, outcome]))
            precision, pull = precision + own.T @ solved[:, :2], pull + own.T @ solved[:, 2]
            constant -= 0.5 * (outcome @ solved[:, 2] + np.linalg.slogdet(2 * np.pi * covariance)[1])
        found[i, j] = constant + 0.5 * (pull @ np.linalg.solve(precision, pull) - np.linalg.slogdet(precision)[1])
    return float(logsumexp(found + prior[:, None] + prior))


@pytest.mark.slow
def test_sixty_families_are_averaged_out_one_by_one(lines):
    found = bl.log_evidence(bl.fit(bl.Law.parse(LINES, "lines"), lines, family="family", seed=1))
    assert found.size == 124
    assert not found.flags
    assert abs(found.log_evidence - evidence_of_lines(lines)) < 3 * found.se
    assert found.se < 0.01
