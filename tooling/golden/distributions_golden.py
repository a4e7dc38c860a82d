"""Golden numbers of PyTorch for `@posteriors/distributions`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python distributions_golden.py

Writes packages/distributions/test/golden/distributions.json. Inputs are float32 numbers, values and derivatives are computed in float64.
"""

import json
import pathlib

import torch
from torch.distributions import MultivariateNormal, Normal, Poisson
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


def gaussians():
    means, targets, direction = 3 * draws(2, 4), 3 * draws(2, 4), draws(2, 4)
    results = []
    for name, sd in {"number": 0.5, "scalar": positive(), "rows": positive(4), "each": positive(2, 4)}.items():
        arguments = [means.clone().requires_grad_(), targets.clone().requires_grad_()]
        if isinstance(sd, torch.Tensor):
            arguments.append(sd.requires_grad_())
        values = Normal(arguments[0], sd).log_prob(arguments[1])
        slopes = torch.autograd.grad((values * direction).sum(), arguments)
        results.append(
            {
                "name": name,
                "means": means.tolist(),
                "targets": targets.tolist(),
                "sd": plain(sd),
                "direction": direction.tolist(),
                "values": values.tolist(),
                "gradients": [slope.tolist() for slope in slopes],
            }
        )
    return results


def poissons():
    rates = torch.tensor([0.01, 1.0, 0.5, 3.7, 14.2, 15.0, 16.5, 18.0, 30.0, 95.5, 1000.0, 12345.0]).double()
    counts = torch.tensor([0, 0, 1, 3, 14, 15, 16, 17, 5, 100, 1000, 12300])
    direction = draws(len(rates))
    results = {"counts": counts.tolist(), "direction": direction.tolist()}
    for name, given in {"rate": rates, "logRate": rates.log().float().double()}.items():
        given = given.clone().requires_grad_()
        values = Poisson(given if name == "rate" else given.exp()).log_prob(counts.double())
        (gradient,) = torch.autograd.grad(values.sum(), given, create_graph=True)
        (product,) = torch.autograd.grad((gradient * direction).sum(), given)
        results[name] = {
            "given": given.tolist(),
            "values": values.tolist(),
            "gradient": gradient.tolist(),
            "hessianProduct": product.tolist(),
        }
    return results


def positive_definite(*batch, n):
    factor = draws(*batch, n, n)
    return (factor @ factor.mT / n + 0.5 * torch.eye(n)).float().double()


def triangular(*batch, n):
    """Lower triangles whose diagonals have both signs."""
    signs = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0)
    return draws(*batch, n, n).tril(-1) + torch.diag_embed(positive(*batch, n) * signs)


def multivariate_normals():
    """For each form of the spread the density, its gradients, and the gradient in the matrix differentiated again."""
    shapes = {
        "vector": ((3,), (3,), ()),
        "one element": ((1,), (1,), ()),
        "rows": ((4, 3), (3,), ()),
        "a matrix for each row": ((2, 4, 3), (4, 3), (4,)),
        "more matrices than vectors": ((3,), (3,), (2,)),
        "axes that broadcast": ((2, 1, 3), (4, 3), (1, 4)),
    }
    results = []
    for form, make in {"covariance": positive_definite, "precision": positive_definite, "factor": triangular}.items():
        for name, (x_shape, mean_shape, batch) in shapes.items():
            x, mean = draws(*x_shape).requires_grad_(), draws(*mean_shape).requires_grad_()
            matrix = make(*batch, n=x_shape[-1]).requires_grad_()
            if form == "factor":
                # PyTorch takes factors with a positive diagonal: the same covariance has one.
                signs = matrix.detach().diagonal(dim1=-2, dim2=-1).sign()
                normal = MultivariateNormal(mean, scale_tril=matrix.tril() * signs.unsqueeze(-2))
            else:
                normal = MultivariateNormal(mean, **{f"{form}_matrix": matrix})
            values = normal.log_prob(x)
            slopes = torch.autograd.grad(values.sum(), (x, mean, matrix), create_graph=True)
            direction = draws(*matrix.shape)
            (product,) = torch.autograd.grad((slopes[2] * direction).sum(), matrix)
            distance = torch.einsum("...i,...ij,...j->...", x - mean, normal.precision_matrix, x - mean)
            results.append(
                {
                    "name": f"{name}, {form}",
                    "form": form,
                    "x": x.tolist(),
                    "mean": mean.tolist(),
                    "matrix": matrix.tolist(),
                    "values": values.tolist(),
                    "kernel": (-distance / 2).tolist(),
                    "gradients": {name: slope.tolist() for name, slope in zip(("x", "mean", "matrix"), slopes)},
                    "direction": direction.tolist(),
                    "hessianProduct": product.tolist(),
                }
            )
    return results


def moments():
    """Mean and unbiased covariance of the first 2, 3, ... rows."""
    xs = 2 * draws(30, 5) + 10
    means = [xs[: count + 1].mean(0).tolist() for count in range(len(xs))]
    covs = [torch.cov(xs[: count + 1].T).tolist() for count in range(1, len(xs))]
    return {"xs": xs.tolist(), "means": means, "covs": [torch.eye(5).tolist(), *covs]}


def main():
    golden = {
        "versions": {"torch": torch.__version__.split("+")[0]},
        "settings": "inputs float32 from torch.Generator seed 0, computed in float64, cpu",
        "diagNormals": diag_normals(),
        "categoricals": categoricals(),
        "bernoullis": bernoullis(),
        "gaussians": gaussians(),
        "poissons": poissons(),
        "multivariateNormals": multivariate_normals(),
        "moments": moments(),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
