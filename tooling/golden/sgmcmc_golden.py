"""Golden trajectories of the samplers of Python's `posteriors`, and of `torch.optim.SGD`, for `@posteriors/sgmcmc`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python sgmcmc_golden.py

Writes packages/sgmcmc/test/golden/sgmcmc.json. `posteriors` gets the random numbers that `@posteriors/sgmcmc` draws, from `jax.random` with
the same keys, in the place of `torch.randn_like`. The lattice random walk is not in posteriors 0.1.2: here it is in NumPy's float64.

Leaves are in the order of their paths. The log posterior is minus the sum over all elements of
`curvature (p - target - batch)^2 / 2 + cos(p)`, with curvature 1, 1.5, 2, ... and target -1, -0.5, 0, ... counted through each leaf.
"""

import json
import math
import pathlib
import warnings

import jax
import numpy as np
import torch
from optree import tree_flatten, tree_leaves, tree_unflatten

warnings.simplefilter("ignore", FutureWarning)
from posteriors import sgmcmc  # noqa: E402

jax.config.update("jax_threefry_partitionable", True)
jax.config.update("jax_platforms", "cpu")

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "sgmcmc" / "test" / "golden" / "sgmcmc.json"
SEED = 7
STATES = 0x73746174  # What `initState` of @posteriors/transform folds into the key of every state.
STEPS = 10
KEPT = (1, 2, 3, 10)
SGD_STEPS = 50
BATCHES = (0.0, 0.5, -0.25)
TREES = {
    "vector": {"$": [3]},
    "nested": {"layer": {"bias": [2], "weight": [2, 3]}, "scale": []},
    "one": {"only": [1]},
}
HYPER = {"lr": 0.1, "alpha": 0.7, "beta": 0.8, "sigma": 1.5, "momenta": 0.3, "xi": 0.6}
TAKES = {
    "sgld": ("lr", "beta"),
    "sghmc": ("lr", "alpha", "beta", "sigma", "momenta"),
    "sgnht": ("lr", "alpha", "beta", "sigma", "momenta", "xi"),
    "baoa": ("lr", "alpha", "sigma", "momenta"),
    "sglrw": ("lr",),
}
CASES = {
    "cold": {"temperature": 0.0},
    "warm": {"temperature": 0.5},
    "scheduled": {"lr": lambda step: 0.2 / (step + 1), "temperature": lambda step: 0.5**step},
}


def start(shape):
    size = torch.Size(shape).numel()
    return (torch.arange(size, dtype=torch.float64) * 0.75 - 0.5).reshape(shape)


def first_params(shapes):
    if isinstance(shapes, list):
        return start(shapes)
    if set(shapes) == {"$"}:
        return start(shapes["$"])
    return {name: first_params(shape) for name, shape in shapes.items()}


def log_posterior(params, batch):
    total = 0
    for parameter in tree_leaves(params):
        index = torch.arange(parameter.numel(), dtype=parameter.dtype).reshape(parameter.shape)
        total = total - ((1 + index / 2) * (parameter - (index / 2 - 1) - batch) ** 2 / 2 + torch.cos(parameter)).sum()
    return total, torch.tensor([])


def draws(sampler, step, shapes):
    """The random numbers of one step, leaf by leaf: those of a state made with the seed SEED."""
    state_key = jax.random.split(jax.random.fold_in(jax.random.key(SEED), STATES))[0]
    noise = jax.random.split(jax.random.fold_in(state_key, step))[0]
    keys = jax.random.split(noise, len(shapes))
    return [torch.tensor(np.asarray(sampler(key, tuple(shape)), dtype=np.float64)) for key, shape in zip(keys, shapes)]


def at(value, step):
    return value(step) if callable(value) else value


def lattice_step(params, batch, step, lr, temperature):
    lr, temperature = at(lr, step), at(temperature, step)
    flat, structure = tree_flatten(params)
    gradients, (value, _) = torch.func.grad_and_value(log_posterior, has_aux=True)(params, batch)
    uniforms = draws(jax.random.uniform, step, [leaf.shape for leaf in flat])
    delta = math.sqrt(2 * temperature * lr)
    up = [u < (1 + torch.clamp(lr * g / delta, -1, 1)) / 2 for g, u in zip(tree_leaves(gradients), uniforms)]
    moved = [leaf + torch.where(to, delta, -delta) for leaf, to in zip(flat, up)]
    return tree_unflatten(structure, moved), value


def trajectory(name, case, shapes):
    params = first_params(shapes)
    options = {**{option: HYPER[option] for option in TAKES[name]}, **CASES[case]}
    transform = state = None
    if name != "sglrw":
        transform = getattr(sgmcmc, name).build(log_posterior, **options)
        state = transform.init(params)
    kept = {}
    for step in range(STEPS):
        batch = BATCHES[step % len(BATCHES)]
        if transform is None:
            params, value = lattice_step(params, batch, step, **options)
            fields = {"params": params}
        else:
            numbers = iter(draws(jax.random.normal, step, [leaf.shape for leaf in tree_leaves(params)]))
            torch.randn_like, own = lambda leaf: next(numbers), torch.randn_like
            state, _ = transform.update(state, batch)
            torch.randn_like = own
            value = state.log_posterior
            fields = {field: getattr(state, field) for field in ("params", "momenta", "xi") if hasattr(state, field)}
        if step + 1 in KEPT:
            kept[step + 1] = {
                **{field: [leaf.tolist() for leaf in tree_leaves(tree)] for field, tree in fields.items()},
                "logPosterior": value.item(),
            }
    return kept


def sgd(shapes):
    """The momentum and learning rate for which BAOA at temperature 0, from zero momenta, is SGD."""
    precision = HYPER["sigma"] ** -2
    momentum = math.exp(-HYPER["alpha"] * HYPER["lr"] * precision)
    params = tree_leaves(first_params(shapes))
    for leaf in params:
        leaf.requires_grad_()
    optimizer = torch.optim.SGD(params, lr=HYPER["lr"] ** 2 * precision * (1 + momentum) / 2, momentum=momentum)
    kept = {}
    for step in range(SGD_STEPS):
        optimizer.zero_grad()
        (-log_posterior(params, BATCHES[step % len(BATCHES)])[0]).backward()
        optimizer.step()
        if step + 1 in (*KEPT, SGD_STEPS):
            kept[step + 1] = [leaf.tolist() for leaf in params]
    return kept


def quadratic(name):
    """At temperature 0 in float32, as posteriors runs by default."""
    precision, mean = torch.tensor([[2, 0.5], [0.5, 1]]), torch.tensor([1.0, -2.0])

    def log_quadratic(params, batch):
        return -0.5 * (params - mean) @ precision @ (params - mean), torch.tensor([])

    options = {option: value for option, value in HYPER.items() if option in TAKES[name] and option not in ("beta", "xi")}
    transform = getattr(sgmcmc, name).build(log_quadratic, **options, temperature=0.0)
    state = transform.init(torch.tensor([3, 0.5]))
    steps = []
    for _ in range(5):
        state, _ = transform.update(state, None)
        values = {field: getattr(state, field).tolist() for field in ("params", "momenta", "xi") if hasattr(state, field)}
        steps.append({**values, "logPosterior": state.log_posterior.item()})
    return steps


def main():
    quadratics = {name: quadratic(name) for name in TAKES if name != "sglrw"}
    torch.set_default_dtype(torch.float64)
    golden = {
        "versions": {"posteriors": "0.1.2", "torch": torch.__version__.split("+")[0], "jax": jax.__version__},
        "settings": f"cpu; quadratic in float32 at temperature 0, the rest in float64 with the noise of seed {SEED}",
        "hyper": {("learningRate" if option == "lr" else option): value for option, value in HYPER.items()},
        "quadratic": quadratics,
        "sgd": {tree: sgd(shapes) for tree, shapes in TREES.items()},
        **{
            name: {
                case: {tree: trajectory(name, case, shapes) for tree, shapes in TREES.items()}
                for case in CASES
                if not (name == "sglrw" and case == "cold")
            }
            for name in TAKES
        },
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
