"""Golden states of the extended Kalman filters of `@posteriors/ekf`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python ekf_golden.py

Writes packages/ekf/test/golden/ekf.json, in float64. The model: of an example with features x and label y, the logit of y = 1 is
`x . theta + 0.3 x . theta^2` over the p parameters theta, raveled by the order of their paths. diagFisher is that of the Python library
posteriors; the others, where it has none or one of the wrong sign, are the recursions written out:

    P <- cov + Q;  cov <- inverse(inverse(P) + lr * curvature);  theta <- theta + lr * cov @ gradient

Curvature and gradient are those of the mean over the batch. `sd` and `cov` hold the state after each batch, in the order of the parameters.

"linear" is a linear model with two outputs and normal noise: `posterior` in closed form from all data at once, and `kalman`, the states of
the Kalman filter in its gain form, in which the parameters walk at random between batches.
"""

import json
import pathlib

import torch
from posteriors import ekf
from torch.func import jacrev

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "ekf" / "test" / "golden" / "ekf.json"
TREES = {
    "vector": {"$": [3]},
    "nested": {"$.layers[0].bias": [2], "$.layers[0].weight": [2, 2], "$.scale": []},
    "one": {"$.only": [1]},
}
SIZES = (4, 4, 2, 4)
RATES = {"constant": lambda step: 0.6, "schedule": lambda step: 2.0 / (step + 1.0)}
TRANSITION_SD = 0.1
TRANSITION_COV = 0.02
INIT_SD = 0.8
INIT_COV = 0.64


def start(count):
    return torch.arange(count, dtype=torch.float64) * 0.35 - 0.4


def initial_covariance(count):
    lower = 0.8 * torch.eye(count, dtype=torch.float64) + 0.1 * torch.ones(count, count, dtype=torch.float64).tril(-1)
    return lower @ lower.T


def transition_covariance(count):
    lower = 0.1 * torch.eye(count, dtype=torch.float64) - 0.03 * torch.ones(count, count, dtype=torch.float64).tril(-1)
    return lower @ lower.T


def batches(count):
    generator = torch.Generator().manual_seed(count)
    made = []
    for size in SIZES:
        x = torch.randn(size, count, generator=generator, dtype=torch.float32).double()
        y = torch.randint(0, 2, (size,), generator=generator).double()
        made.append((x, y))
    return made


def logits_of(theta, x):
    return x @ theta + 0.3 * (x @ theta**2)


def log_likelihoods(theta, x, y):
    z = logits_of(theta, x)
    return y * z - torch.nn.functional.softplus(z)


def fisher(theta, x, y):
    rows = jacrev(log_likelihoods)(theta, x, y)
    return rows.mean(0), rows.T @ rows / len(y)


def gauss_newton(theta, x, y):
    rows = jacrev(logits_of)(theta, x)
    p = torch.sigmoid(logits_of(theta, x))
    return rows.T @ (y - p) / len(y), rows.T @ torch.diag(p * (1 - p) / len(y)) @ rows


def dense(derivatives, rate, count, cov, noise):
    theta = start(count)
    states = []
    for step, (x, y) in enumerate(batches(count)):
        lr = rate(step)
        gradient, curvature = derivatives(theta, x, y)
        value = log_likelihoods(theta, x, y).mean()
        cov = torch.linalg.inv(torch.linalg.inv(cov + noise) + lr * curvature)
        theta = theta + lr * cov @ gradient
        states.append({"params": theta.tolist(), "cov": cov.tolist(), "logLikelihood": value.item()})
    return states


def diagonal(derivatives, rate, count):
    theta, variance = start(count), torch.full((count,), INIT_SD**2, dtype=torch.float64)
    states = []
    for step, (x, y) in enumerate(batches(count)):
        lr = rate(step)
        gradient, curvature = derivatives(theta, x, y)
        value = log_likelihoods(theta, x, y).mean()
        variance = 1 / (1 / (variance + TRANSITION_SD**2) + lr * curvature.diagonal())
        theta = theta + lr * variance * gradient
        states.append({"params": theta.tolist(), "sd": variance.sqrt().tolist(), "logLikelihood": value.item()})
    return states


def upstream_diag_fisher(rate, count):
    def log_likelihood(theta, batch):
        return log_likelihoods(theta, *batch).mean(), torch.tensor([])

    transform = ekf.diag_fisher.build(log_likelihood, rate, transition_sd=TRANSITION_SD, init_sds=INIT_SD)
    state = transform.init(start(count))
    states = []
    for batch in batches(count):
        state, _ = transform.update(state, batch)
        states.append(
            {"params": state.params.tolist(), "sd": state.sd_diag.tolist(), "logLikelihood": state.log_likelihood.item()}
        )
    return states


def trajectories(shapes):
    count = sum(torch.Size(shape).numel() for shape in shapes.values())
    matrices = {"initCov": initial_covariance(count), "transitionCov": transition_covariance(count)}
    unit = torch.eye(count, dtype=torch.float64)
    scalars = (INIT_COV * unit, TRANSITION_COV * unit)
    each = {}
    for name, rate in RATES.items():
        each[name] = {
            "diagFisher": upstream_diag_fisher(rate, count),
            "diagGgn": diagonal(gauss_newton, rate, count),
            "denseFisher": dense(fisher, rate, count, *scalars),
            "denseGgn": dense(gauss_newton, rate, count, *scalars),
            "denseFisher, matrices": dense(fisher, rate, count, *matrices.values()),
            "denseGgn, matrices": dense(gauss_newton, rate, count, *matrices.values()),
        }
    return {
        "start": start(count).tolist(),
        "batches": [{"x": x.tolist(), "y": y.tolist()} for x, y in batches(count)],
        **{name: matrix.tolist() for name, matrix in matrices.items()},
        **each,
    }


def linear():
    generator = torch.Generator().manual_seed(1)
    count, inputs, outputs, noise_sd = 120, 3, 2, 0.5
    x = torch.randn(count, inputs, generator=generator, dtype=torch.float32).double()
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.25], [-1.5, 3.0]], dtype=torch.float64)
    y = (x @ weight + noise_sd * torch.randn(count, outputs, generator=generator, dtype=torch.float32).double()).float().double()
    size = inputs * outputs
    design = torch.einsum("bi,jk->bjik", x, torch.eye(outputs, dtype=torch.float64)).reshape(count, outputs, size)
    prior = initial_covariance(size)
    walk = transition_covariance(size)

    rows, targets = design.reshape(-1, size), y.reshape(-1)
    cov = torch.linalg.inv(torch.linalg.inv(prior) + rows.T @ rows / noise_sd**2)
    posterior = {"params": (cov @ rows.T @ targets / noise_sd**2).tolist(), "cov": cov.tolist()}

    batch, mean, cov, kalman = 10, torch.zeros(size, dtype=torch.float64), prior, []
    for first in range(0, count, batch):
        rows, targets = design[first : first + batch].reshape(-1, size), y[first : first + batch].reshape(-1)
        cov = cov + walk
        innovation = rows @ cov @ rows.T + noise_sd**2 * torch.eye(len(targets), dtype=torch.float64)
        gain = torch.linalg.solve(innovation, rows @ cov).T
        mean = mean + gain @ (targets - rows @ mean)
        cov = cov - gain @ innovation @ gain.T
        kalman.append({"params": mean.tolist(), "cov": cov.tolist()})
    return {
        "noiseSd": noise_sd,
        "x": x.tolist(),
        "y": y.tolist(),
        "initCov": prior.tolist(),
        "transitionCov": walk.tolist(),
        "posterior": posterior,
        "batchSize": batch,
        "kalman": kalman,
    }


def main():
    golden = {
        "versions": {"torch": torch.__version__.split("+")[0], "posteriors": "0.1.2"},
        "settings": {"transitionSd": TRANSITION_SD, "transitionCov": TRANSITION_COV, "initSds": INIT_SD, "initCov": INIT_COV},
        "linear": linear(),
        **{tree: trajectories(shapes) for tree, shapes in TREES.items()},
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
