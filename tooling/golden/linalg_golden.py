"""Golden numbers of PyTorch's linear algebra, in float64, for `@posteriors/linalg`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python linalg_golden.py

Writes packages/linalg/test/golden/linalg.json. Inputs are float32 numbers, so that both sides compute with the same ones.
Signs that PyTorch leaves open are set as the package does: of each eigenvector, and of each singular vector of the smaller
side, the first element that is the largest by magnitude is positive; the diagonal of r is positive.
"""

import json
import pathlib

import torch

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "linalg" / "test" / "golden" / "linalg.json"
SEED = 3
generator = torch.Generator().manual_seed(SEED)


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


def normal(*shape):
    return rounded(torch.randn(shape, generator=generator, dtype=torch.float64))


def positive(*shape):
    """Positive definite matrices; rounding keeps them symmetric."""
    x = normal(*shape)
    return rounded(x @ x.mT / shape[-1] + 0.1 * torch.eye(shape[-1], dtype=torch.float64))


def symmetric(*shape):
    x = normal(*shape)
    return rounded((x + x.mT) / 2)


def hilbert(n):
    i = torch.arange(n, dtype=torch.float64)
    return rounded(1 / (i[:, None] + i[None, :] + 1))


def signs(vectors):
    """For each column 1 or -1: the sign of the first element that is the largest by magnitude."""
    lead = vectors.abs().argmax(dim=-2, keepdim=True)
    return torch.sign(torch.gather(vectors, -2, lead))


def eigh(a):
    values, vectors = torch.linalg.eigh(a)
    return values, vectors * signs(vectors.detach())


def qr(a):
    q, r = torch.linalg.qr(a)
    sign = torch.sign(torch.diagonal(r.detach(), dim1=-2, dim2=-1))
    return q * sign[..., None, :], r * sign[..., :, None]


def svd(a):
    u, values, vh = torch.linalg.svd(a, full_matrices=False)
    v = vh.mT
    sign = signs((v if a.shape[-2] >= a.shape[-1] else u).detach())
    return u * sign, values, v * sign


def array(x, digits=10):
    return {"shape": list(x.shape), "values": [float(f"{v:.{digits}g}") for v in x.detach().reshape(-1).tolist()]}


def array32(x):
    """Nine digits determine a float32 number."""
    return array(x, 9)


CASES = []
SYMMETRIC = ["cholesky", "logDeterminant", "eigh"]


def case(function, f, *inputs, derivatives=True):
    """The values of `f`; the gradient of `sum(weights * values)`, and its derivative along directions, with respect to all inputs."""
    values = f(*inputs)
    values = list(values) if isinstance(values, tuple) else [values]
    entry = {"function": function, "inputs": [array32(x) for x in inputs], "values": [array(x) for x in values]}
    if derivatives:
        weights = [normal(*x.shape) for x in values]
        draw = symmetric if function in SYMMETRIC else normal
        directions = [draw(*x.shape) for x in inputs]

        def loss(*xs):
            ys = f(*xs)
            ys = ys if isinstance(ys, tuple) else (ys,)
            return sum((w * y).sum() for w, y in zip(weights, ys))

        _, gradients = torch.autograd.functional.vjp(loss, tuple(inputs))
        _, products = torch.autograd.functional.hvp(loss, tuple(inputs), tuple(directions))
        if function in SYMMETRIC:
            # PyTorch's own derivatives of eigh are not symmetric.
            gradients, products = ([(x + x.mT) / 2 for x in xs] for xs in (gradients, products))
        entry["weights"] = [array32(x) for x in weights]
        entry["directions"] = [array32(x) for x in directions]
        entry["gradients"] = [array(x) for x in gradients]
        entry["hessianProducts"] = [array(x) for x in products]
    CASES.append(entry)


def solve(lower, transpose):
    def f(l, b):
        triangle = torch.tril(l) if lower else torch.triu(l)
        return torch.linalg.solve_triangular(triangle.mT if transpose else triangle, b, upper=lower == transpose)

    return f


for shape in [(1, 1), (2, 2), (5, 5), (2, 3, 3, 3), (16, 16), (24, 24)]:
    case("cholesky", torch.linalg.cholesky, positive(*shape), derivatives=shape[-1] < 13)
    case("logDeterminant", torch.logdet, positive(*shape), derivatives=shape[-1] < 13)
case("cholesky", torch.linalg.cholesky, hilbert(5), derivatives=False)
case("logDeterminant", torch.logdet, hilbert(5), derivatives=False)

for lower in [True, False]:
    for transpose in [True, False]:
        name = f"triangularSolve {'lower' if lower else 'upper'}{' transposed' if transpose else ''}"
        for shape, columns in [((1, 1), 1), ((4, 4), 3), ((2, 3, 3), 2)]:
            l = rounded(normal(*shape) + 3 * torch.eye(shape[-1], dtype=torch.float64))
            case(name, solve(lower, transpose), l, normal(*shape[:-1], columns))
factor = rounded(torch.linalg.cholesky(positive(4, 4)))
case("choleskySolve", lambda l, b: torch.cholesky_solve(b, torch.tril(l)), factor, normal(4, 2))
case("choleskyInverse", lambda l: torch.cholesky_inverse(torch.tril(l)), factor)

for shape in [(1, 1), (2, 2), (4, 4), (2, 3, 3), (24, 24)]:
    case("eigh", eigh, symmetric(*shape), derivatives=shape[-1] < 13)
case("eigh", eigh, hilbert(5), derivatives=False)
for shape in [(1, 1), (3, 3), (5, 2), (2, 5), (2, 4, 3), (24, 13), (13, 24)]:
    case("qr", qr, normal(*shape), derivatives=max(shape) < 13)
    case("svd", svd, normal(*shape), derivatives=max(shape) < 13)

OUTPUT.parent.mkdir(parents=True, exist_ok=True)
OUTPUT.write_text(
    json.dumps({"generator": f"torch {torch.__version__}, float64", "seed": SEED, "cases": CASES}, separators=(",", ":"))
)
print(f"{OUTPUT}: {len(CASES)} cases, {OUTPUT.stat().st_size // 1024} KB")
