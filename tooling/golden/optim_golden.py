"""Golden trajectories of `torch.optim` and `torchopt` for `@posteriors/optim`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python optim_golden.py

Writes packages/optim/test/golden/optim.json. Each optimiser descends `sum(curvature (p - target)^2 / 2 + cos(p))` over all elements, with
curvature 1, 1.5, 2, ... and target -1, -0.5, 0, ... counted through each leaf, in float64. Leaves are in the order of their paths.
"""

import json
import pathlib

import torch
import torchopt

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "optim" / "test" / "golden" / "optim.json"
STEPS = 50
KEPT = (1, 2, 3, 10, 50)
SHAPES = {"vector": {"$": [3]}, "nested": {"$.layers[0].bias": [2], "$.layers[0].weight": [2, 3], "$.scale": []}, "one": {"$.only": [1]}}

SGD = {"lr": 0.05}
ADAM = {"lr": 0.05}
CASES = {
    "sgd": ("SGD", SGD),
    "sgd momentum": ("SGD", {**SGD, "momentum": 0.9}),
    "sgd momentum dampening": ("SGD", {**SGD, "momentum": 0.9, "dampening": 0.4}),
    "sgd nesterov": ("SGD", {**SGD, "momentum": 0.8, "nesterov": True}),
    "sgd weightDecay": ("SGD", {**SGD, "weight_decay": 0.3}),
    "sgd maximize": ("SGD", {**SGD, "maximize": True}),
    "sgd all": ("SGD", {**SGD, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.3, "maximize": True}),
    "sgd cosine": ("SGD", {**SGD, "momentum": 0.5}),
    "adam": ("Adam", ADAM),
    "adam betas epsilon": ("Adam", {**ADAM, "betas": (0.7, 0.95), "eps": 1e-2}),
    "adam weightDecay": ("Adam", {**ADAM, "weight_decay": 0.3}),
    "adam maximize": ("Adam", {**ADAM, "maximize": True, "weight_decay": 0.3}),
    "adam cosine": ("Adam", ADAM),
    "adamw": ("AdamW", ADAM),
    "adamw weightDecay": ("AdamW", {**ADAM, "weight_decay": 0.5}),
    "adamw maximize": ("AdamW", {**ADAM, "weight_decay": 0.5, "maximize": True}),
    "adamw mask": ("AdamW", {**ADAM, "weight_decay": 0.5}),
    "rmsprop": ("RMSprop", SGD),
    "rmsprop all": ("RMSprop", {**SGD, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.3, "momentum": 0.7, "centered": True, "maximize": True}),
    "adagrad": ("Adagrad", {"lr": 0.3}),
    "adagrad all": ("Adagrad", {"lr": 0.3, "lr_decay": 0.1, "weight_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}),
    "adadelta": ("Adadelta", {}),
    "adadelta all": ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    "adamax": ("Adamax", ADAM),
    "adamax all": ("Adamax", {**ADAM, "betas": (0.7, 0.95), "eps": 1e-2, "weight_decay": 0.3, "maximize": True}),
    "radam": ("RAdam", ADAM),
    "radam all": ("RAdam", {**ADAM, "betas": (0.7, 0.8), "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    "radam cosine": ("RAdam", ADAM),
}


def start(shape):
    size = torch.Size(shape).numel()
    return (torch.arange(size, dtype=torch.float64) * 0.75 - 0.5).reshape(shape)


def loss_of(parameter):
    index = torch.arange(parameter.numel(), dtype=torch.float64).reshape(parameter.shape)
    return ((1 + index / 2) * (parameter - (index / 2 - 1)) ** 2 / 2 + torch.cos(parameter)).sum()


def decays(name, path):
    return not (name == "adamw mask" and path.endswith("bias"))


def trajectory(name, shapes):
    algorithm, options = CASES[name]
    parameters = {path: start(shape).requires_grad_() for path, shape in shapes.items()}
    groups = [
        {"params": [parameter], **({} if decays(name, path) else {"weight_decay": 0.0})} for path, parameter in parameters.items()
    ]
    optimizer = getattr(torch.optim, algorithm)(groups, **options)
    schedule = None
    if name.endswith("cosine"):
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=0.01)
    kept = {}
    rates = []
    for step in range(1, STEPS + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        sign = -1 if options.get("maximize") else 1
        (sign * sum(loss_of(parameter) for parameter in parameters.values())).backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        if step in KEPT:
            kept[step] = [parameter.tolist() for parameter in parameters.values()]
    return kept, rates


# What torchopt has beyond torch.
TORCHOPT_CASES = {
    "rmsprop nesterov": {"lr": 0.05, "alpha": 0.9, "momentum": 0.7, "nesterov": True},
    "rmsprop initialScale": {"lr": 0.05, "initial_scale": 0.5},
}


def torchopt_trajectory(options, shapes):
    parameters = {path: start(shape).requires_grad_() for path, shape in shapes.items()}
    optimizer = torchopt.rmsprop(**options)
    state = optimizer.init(parameters)
    kept = {}
    for step in range(1, STEPS + 1):
        gradients = dict(zip(parameters, torch.autograd.grad(sum(map(loss_of, parameters.values())), list(parameters.values()))))
        updates, state = optimizer.update(gradients, state, params=parameters, inplace=False)
        parameters = {path: (p + updates[path]).detach().requires_grad_() for path, p in parameters.items()}
        if step in KEPT:
            kept[step] = [parameter.tolist() for parameter in parameters.values()]
    return kept


def main():
    golden = {
        "versions": {"torch": torch.__version__.split("+")[0], "torchopt": torchopt.__version__},
        "settings": f"float64, cpu, cosine from 0.05 to 0.01 in {STEPS} steps",
        "cosineRates": trajectory("adam cosine", SHAPES["one"])[1],
        "trajectories": {
            **{name: {tree: trajectory(name, shapes)[0] for tree, shapes in SHAPES.items()} for name in CASES},
            **{
                name: {tree: torchopt_trajectory(options, shapes) for tree, shapes in SHAPES.items()}
                for name, options in TORCHOPT_CASES.items()
            },
        },
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
