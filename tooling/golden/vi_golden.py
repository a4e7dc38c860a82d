"""Golden numbers of `posteriors` and of PyTorch for `@posteriors/vi`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python vi_golden.py

Writes packages/vi/test/golden/vi.json. The standard normal numbers are those of `jax.random`, which the package reproduces, and are put in the
place of PyTorch's. Computed in float64. With n parameters in sorted order the log posterior of a number x is

    - sum_i (1 + i / 4) (p_i - (i - 2) / 2)^2 / 2 + sum_i cos(p_i) - (sum_i p_i)^2 / 20 + x sum_i p_i

`posteriors` is the source except for the dense family where the landing is stuck: it leaves the mean attached there, so these numbers come from
the estimator written out below, which is held against `posteriors` for all the others.
"""

import json
import pathlib
from unittest import mock

import jax
import numpy as np
import posteriors
import torch
import torchopt

jax.config.update("jax_threefry_partitionable", True)
jax.config.update("jax_platforms", "cpu")
torch.set_default_dtype(torch.float64)

# `posteriors` takes a tree with one element for a scalar, and fails.
posteriors.vi.diag.is_scalar = posteriors.vi.dense.is_scalar = lambda tree: isinstance(tree, (int, float))
posteriors.utils.tree_size = lambda tree: 1 if isinstance(tree, (int, float)) else 2

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "vi" / "test" / "golden" / "vi.json"
TREES = {
    "vector": {"$": [3]},
    "nested": {"$.layers[0].bias": [2], "$.layers[0].weight": [2, 2], "$.scale": []},
    "one parameter": {"$.only": [1]},
}
SEED = 7
STATES = 0x73746174  # What `initState` of @posteriors/transform folds into the key of every state.
X = 0.5


def start(tree):
    """A mean, as a dictionary by path."""
    leaves, count = {}, 0
    for path, shape in TREES[tree].items():
        size = int(np.prod(shape))
        leaves[path] = (torch.arange(count, count + size) * 0.3 - 0.4).reshape(shape)
        count += size
    return leaves, count


def log_sds(tree):
    leaves, _ = start(tree)
    return {path: -1 + leaf / 2 for path, leaf in leaves.items()}


def triangle(n, signs=1.0):
    """A lower triangle row after row, its diagonal positive, or of both signs."""
    rows = [[0.8 + 0.1 * i if i == j else 0.2 * np.sin(3 * i + j) for j in range(i + 1)] for i in range(n)]
    factor = posteriors.L_from_flat(torch.tensor([value for row in rows for value in row]))
    return posteriors.L_to_flat(factor @ torch.diag(signs ** torch.arange(n, dtype=torch.float64)))


def log_posterior(params, x):
    p = torch.cat([leaf.reshape(-1) for _, leaf in sorted(params.items())])
    i = torch.arange(len(p))
    value = -((1 + i / 4) * (p - (i - 2) / 2) ** 2).sum() / 2 + p.cos().sum() - p.sum() ** 2 / 20 + x * p.sum()
    return value, p


def normal(key, shape):
    return torch.tensor(np.asarray(jax.random.normal(key, tuple(shape), dtype=np.float32)), dtype=torch.float64)


def noise_of(key, tree, family, n_samples):
    """The noise that the package draws with the key of an estimate: `[n_samples, ...]`, one tensor or one for each leaf."""
    noise, _ = jax.random.split(key)
    lead = [] if n_samples == 1 else [n_samples]
    if family == "dense":
        return [normal(noise, [*lead, start(tree)[1]]).reshape(n_samples, -1)]
    keys = jax.random.split(noise, len(TREES[tree]))
    return [normal(k, [*lead, *shape]).reshape(n_samples, *shape) for k, shape in zip(keys, TREES[tree].values())]


def with_noise(noise, run):
    """Calls `run` with the noise in the place of PyTorch's."""
    rest = list(noise)

    def take(shape, *_, **__):
        value = rest.pop(0)
        assert tuple(shape) == tuple(value.shape), (shape, value.shape)
        return value

    with (
        mock.patch("torch.distributions.multivariate_normal._standard_normal", take),
        mock.patch("posteriors.utils.torch.randn", take),
    ):
        result = run()
    assert not rest
    return result


def upstream(family, mean, spread, noise, temperature, n_samples, stl):
    module = getattr(posteriors.vi, family)

    def loss(m, s):
        raw = {path: leaf.exp() for path, leaf in s.items()} if family == "diag" else s
        return module.nelbo(m, raw, X, log_posterior, temperature, n_samples, stl)[0]

    gradients, value = with_noise(noise, lambda: torch.func.grad_and_value(loss, argnums=(0, 1))(mean, spread))
    return value, gradients


def written_out(mean, flat, noise, temperature, n_samples, stl, x=X):
    """The estimate for the dense family, with `theta = mean + L xi` and `log |det L|`, and its gradients in the mean and in L."""
    paths = sorted(mean)
    leaves = [mean[path].clone().requires_grad_() for path in paths]
    flat = flat.clone().requires_grad_()
    center = torch.cat([leaf.reshape(-1) for leaf in leaves])
    n = len(center)
    below = torch.tril_indices(n, n)
    factor = torch.zeros(n, n).index_put((below[0], below[1]), flat)
    held_center, held_factor = (center.detach(), factor.detach()) if stl else (center, factor)
    total = 0.0
    for xi in noise[0]:
        theta = center + factor @ xi
        z = torch.linalg.solve_triangular(held_factor, (theta - held_center).unsqueeze(-1), upper=False).squeeze(-1)
        log_q = -(z @ z) / 2 - n * np.log(2 * np.pi) / 2 - held_factor.diagonal().abs().log().sum()
        pieces = torch.split(theta, [leaf.numel() for leaf in leaves])
        params = {path: piece.reshape(leaf.shape) for path, piece, leaf in zip(paths, pieces, leaves)}
        total = total - (log_posterior(params, x)[0] - temperature * log_q) / n_samples
    *mean_gradients, flat_gradient = torch.autograd.grad(total, [*leaves, flat])
    return total.detach(), (dict(zip(paths, mean_gradients)), flat_gradient)


def close(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-9)


def plain(value):
    """Numbers by path, or of a flat triangle."""
    return {path: leaf.tolist() for path, leaf in value.items()} if isinstance(value, dict) else value.tolist()


def estimates():
    results = []
    key = jax.random.key(SEED)
    for family in ("diag", "dense"):
        for tree in TREES:
            mean, n = start(tree)
            spread = log_sds(tree) if family == "diag" else triangle(n)
            for n_samples, temperature in ((1, 1.0), (4, 0.3)):
                for stl in (False, True):
                    settings = {"temperature": temperature, "n_samples": n_samples, "stl": stl}
                    noise = noise_of(key, tree, family, n_samples)
                    value, gradients = upstream(family, mean, spread, noise, **settings)
                    extra = {}
                    if family == "dense":
                        own, right = written_out(mean, spread, noise, **settings)
                        close(value, own)
                        close(gradients[1], right[1])
                        if stl:
                            extra = {"meanLeftAttached": plain(gradients[0])}
                        else:
                            for path in mean:
                                close(gradients[0][path], right[0][path])
                        gradients = right
                    results.append(
                        {
                            "family": family,
                            "tree": tree,
                            "nSamples": n_samples,
                            "temperature": temperature,
                            "stl": stl,
                            "mean": plain(mean),
                            "spread": plain(spread),
                            "nelbo": value.item(),
                            "gradients": [plain(gradients[0]), plain(gradients[1])],
                            **extra,
                        }
                    )
    return results


def both_signs():
    mean, n = start("nested")
    flat = triangle(n, -1.0)
    noise = noise_of(jax.random.key(SEED), "nested", "dense", 4)
    results = []
    for stl in (False, True):
        value, gradients = written_out(mean, flat, noise, 0.3, 4, stl)
        results.append({"stl": stl, "spread": plain(flat), "nelbo": value.item(), "gradients": [plain(g) for g in gradients]})
    return results


OPTIMIZERS = {
    "sgd": lambda: torchopt.sgd(lr=0.02, momentum=0.5),
    "adam": lambda: torchopt.adam(lr=0.05),
    "scheduled sgd": lambda: torchopt.sgd(lr=lambda step: 0.05 / (step + 1)),
}
STEPS = 6


def temperature_at(step):
    return 0.5 / (int(step) + 1)


def trajectories():
    """Updates on the data 0, 0.5, 1 ... at a falling temperature."""
    results = []
    for family in ("diag", "dense"):
        for tree in TREES:
            for optimizer_name in OPTIMIZERS:
                for stl in (False, True):
                    results.append(trajectory(family, tree, optimizer_name, stl))
    return results


def trajectory(family, tree, optimizer_name, stl, n_samples=2):
    module = getattr(posteriors.vi, family)
    optimizer = OPTIMIZERS[optimizer_name]()
    mean, n = start(tree)
    spread = log_sds(tree) if family == "diag" else triangle(n)
    field = "log_sd_diag" if family == "diag" else "L_factor"
    own_key, _ = jax.random.split(jax.random.fold_in(jax.random.key(SEED), STATES))
    state = module.init(mean, optimizer, spread if family == "diag" else posteriors.L_from_flat(spread))
    nelbos = []
    for step in range(STEPS):
        noise = noise_of(jax.random.fold_in(own_key, step), tree, family, n_samples)
        x, temperature = step / 2, temperature_at(step)
        if family == "dense" and stl:
            value, gradients = written_out(state.params, state.L_factor, noise, temperature, n_samples, stl, x)
            moved = [state.params, state.L_factor]
            updates, opt_state = optimizer.update(list(gradients), state.opt_state, params=moved, inplace=False)
            params, factor = torchopt.apply_updates(tuple(moved), tuple(updates), inplace=False)
            state = posteriors.vi.dense.VIDenseState(params, factor, opt_state, value, state.step + 1)
        else:
            state = with_noise(
                noise,
                lambda: module.update(state, x, log_posterior, optimizer, temperature_at, n_samples, stl),
            )[0]
        nelbos.append(state.nelbo.item())
    return {
        "family": family,
        "tree": tree,
        "optimizer": optimizer_name,
        "stl": stl,
        "mean": plain(mean),
        "spread": plain(spread),
        "nelbos": nelbos,
        "last": [plain(state.params), plain(getattr(state, field))],
    }


def main():
    golden = {
        "versions": {
            "torch": torch.__version__.split("+")[0],
            "torchopt": torchopt.__version__,
            "posteriors": posteriors.__version__,
            "jax": jax.__version__,
        },
        "settings": f"noise of jax.random with seed {SEED}, computed in float64, cpu; estimates at x = {X}",
        "seed": SEED,
        "x": X,
        "estimates": estimates(),
        "bothSigns": both_signs(),
        "trajectories": trajectories(),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
