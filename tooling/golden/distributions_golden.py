"""Golden numbers of PyTorch for `@posteriors/distributions`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python distributions_golden.py

Writes packages/distributions/test/golden/distributions.json. Inputs are float32 numbers, values and derivatives are computed in float64.
"""

import json
import pathlib

import torch
from torch.distributions import Normal
from torch.nn import functional

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "distributions" / "test" / "golden" / "distributions.json"
GENERATOR = torch.Generator().manual_seed(0)


def draws(*shape):
    """Normal numbers rounded to float32, in float64."""
    return torch.randn(shape, generator=GENERATOR).double()


def positive(*shape):
    return draws(*shape).abs().float().double() + 0.5


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {name: plain(leaf) for name, leaf in value.items()}
    return value


def leaves(value):
    return list(value.values()) if isinstance(value, dict) else [value]


def gradients(total, argument):
    """The gradient in each tensor of the argument; numbers have none."""
    if isinstance(argument, dict):
        return {name: gradients(total, leaf) for name, leaf in argument.items()}
    return torch.autograd.grad(total, argument, retain_graph=True)[0].tolist()


def diag_normals():
    def tree():
        return {"bias": draws(3), "weight": draws(2, 3)}

    cases = {
        "numbers": (tree(), 0.5, 2.0),
        "scalar tensors": (tree(), draws(), positive()),
        "trees": (tree(), tree(), {"bias": positive(3), "weight": positive(2, 3)}),
        "trees that broadcast": (tree(), {"bias": draws(1), "weight": draws(3)}, {"bias": positive(), "weight": positive(2, 1)}),
        "one tensor": (draws(4), draws(4), positive(4)),
        "one parameter": ({"only": draws(1)}, {"only": draws(1)}, {"only": positive(1)}),
        "far out": ({"x": torch.tensor([1e6, -1e6, 1e3], dtype=torch.float64)}, 0.0, 3.0),
    }
    results = []
    for name, arguments in cases.items():
        for argument in arguments:
            for leaf in leaves(argument):
                if isinstance(leaf, torch.Tensor):
                    leaf.requires_grad_()
        x, mean, sd = arguments

        def at(argument, leaf):
            value = argument[leaf] if isinstance(argument, dict) else argument
            return value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=torch.float64)

        names = list(x) if isinstance(x, dict) else [None]
        total = sum(
            Normal(at(mean, leaf), at(sd, leaf)).log_prob(x[leaf] if leaf is not None else x).sum() for leaf in names
        )
        kernel = sum(
            (-(((x[leaf] if leaf is not None else x) - at(mean, leaf)) / at(sd, leaf)) ** 2 / 2).sum() for leaf in names
        )
        results.append(
            {
                "name": name,
                "x": plain(x),
                "mean": plain(mean),
                "sdDiag": plain(sd),
                "value": total.item(),
                "kernel": kernel.item(),
                "gradients": {
                    "x": gradients(total, x),
                    "mean": None if isinstance(mean, float) else gradients(total, mean),
                    "sdDiag": None if isinstance(sd, float) else gradients(total, sd),
                },
            }
        )
    return results


def derivatives(log_prob, logits):
    """Values, the gradient of their sum, and the Hessian of that times a direction."""
    logits.requires_grad_()
    values = log_prob(logits)
    (gradient,) = torch.autograd.grad(values.sum(), logits, create_graph=True)
    direction = draws(*logits.shape)
    (product,) = torch.autograd.grad((gradient * direction).sum(), logits)
    return {
        "logits": logits.tolist(),
        "values": values.tolist(),
        "gradient": gradient.tolist(),
        "direction": direction.tolist(),
        "hessianProduct": product.tolist(),
    }


def categoricals():
    def case(name, logits, labels):
        labels = torch.tensor(labels)

        def log_prob(x):
            return functional.log_softmax(x, -1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)

        return {"name": name, "labels": labels.tolist(), **derivatives(log_prob, logits)}

    extremes = [[1000.0, -1000.0, 0.0], [1000.0, 1000.0, -1000.0], [-1000.0, -1000.0, -1000.0], [0.0, 0.0, 0.0], [20.0, 0.0, -20.0]]
    rows = [row for row in extremes for _ in range(3)]
    return [
        case("vector", draws(5), 3),
        case("rows", 3 * draws(4, 5), [0, 4, 2, 2]),
        case("two axes", draws(2, 3, 4), [[0, 1, 2], [3, 0, 3]]),
        case("one class", draws(2, 1), [0, 0]),
        case("extremes", torch.tensor(rows, dtype=torch.float64), [0, 1, 2] * len(extremes)),
    ]


def bernoullis():
    magnitudes = [0.0, 1e-3, 0.7, 5.0, 20.0, 80.0, 1000.0]
    logits = [sign * magnitude for magnitude in magnitudes for sign in (1, -1)]
    results = []
    for label in (0.0, 1.0, 0.25):
        labels = torch.full((len(logits),), label, dtype=torch.float64)

        def log_prob(x):
            return labels * functional.logsigmoid(x) + (1 - labels) * functional.logsigmoid(-x)

        results.append({"label": label, **derivatives(log_prob, torch.tensor(logits, dtype=torch.float64))})
    return results


def main():
    golden = {
        "versions": {"torch": torch.__version__.split("+")[0]},
        "settings": "inputs float32 from torch.Generator seed 0, computed in float64, cpu",
        "diagNormals": diag_normals(),
        "categoricals": categoricals(),
        "bernoullis": bernoullis(),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
