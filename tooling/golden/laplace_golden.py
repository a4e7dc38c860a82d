"""Golden precisions of the released `posteriors` for `@posteriors/laplace`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python laplace_golden.py

Writes packages/laplace/test/golden/laplace.json: for each algorithm the precision after each of three batches, in float64. Leaves are in the
order of their paths. The models map rows of x to logits; `nested` is a small network with one hidden layer and a shared scale.
"""

import json
import pathlib

import torch
from posteriors import laplace

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "laplace" / "test" / "golden" / "laplace.json"
ROWS = (4, 5, 1)

torch.set_default_dtype(torch.float64)


def counted(shape, step, start):
    size = torch.Size(shape).numel()
    return torch.sin(torch.arange(size) * step + start).reshape(shape)


def vector(p, x):
    return torch.stack([x @ p, torch.sin(p[0]) * x[:, 1] + p[2] ** 2], dim=1)


def nested(p, x):
    return p["scale"] * torch.tanh(x @ p["layer"]["weight"] + p["layer"]["bias"])


def one(p, x):
    return p["only"] * x[:, :1] + p["only"] ** 2 * x[:, 1:2]


PARAMS = {
    "vector": counted([3], 0.7, 0.2),
    "nested": {"layer": {"bias": counted([2], 0.9, 0.5), "weight": counted([3, 2], 0.6, -1)}, "scale": torch.tensor(1.3)},
    "one": {"only": torch.tensor([0.8])},
}
FORWARD = {"vector": vector, "nested": nested, "one": one}


def make_batch(index):
    x = 1.5 * counted([ROWS[index], 3], 1.1, index)
    return {"x": x, "y": torch.arange(ROWS[index]) % 2}


BATCHES = [make_batch(index) for index in range(len(ROWS))]


def each(z, y):
    """Log likelihood of each label: softmax of two logits, or the logistic function of one."""
    if z.shape[1] == 1:
        return y * z[:, 0] - torch.nn.functional.softplus(z[:, 0])
    return torch.log_softmax(z, dim=1).gather(1, y[:, None])[:, 0]


def leaves(tree):
    return [tree] if isinstance(tree, torch.Tensor) else [leaf for key in sorted(tree) for leaf in leaves(tree[key])]


def precisions(transform, params):
    state = transform.init(params)
    kept = []
    for batch in BATCHES:
        state, _ = transform.update(state, batch)
        kept.append(state.prec.tolist() if hasattr(state, "prec") else [leaf.tolist() for leaf in leaves(state.prec_diag)])
    return kept


def algorithms(model):
    none = torch.tensor([])

    def prior(p):
        return -0.05 * sum((leaf**2).sum() for leaf in leaves(p))

    def forward(p, batch):
        return model(p, batch["x"]), none

    def outer(z, batch):
        return each(z, batch["y"]).sum()

    def log_posterior(p, batch):
        return outer(model(p, batch["x"]), batch) + prior(p), none

    def log_posteriors(p, batch):
        return each(model(p, batch["x"]), batch["y"]) + prior(p), none

    return {
        "diagFisher": laplace.diag_fisher.build(log_posterior, init_prec_diag=0.25),
        "diagFisher perSample": laplace.diag_fisher.build(log_posteriors, per_sample=True, init_prec_diag=0.25),
        "denseFisher": laplace.dense_fisher.build(log_posterior, init_prec=0.25),
        "denseFisher perSample": laplace.dense_fisher.build(log_posteriors, per_sample=True, init_prec=0.25),
        "diagGgn": laplace.diag_ggn.build(forward, outer, init_prec_diag=0.25),
        "denseGgn": laplace.dense_ggn.build(forward, outer, init_prec=0.25),
        "denseHessian": laplace.dense_hessian.build(log_posterior, init_prec=0.25, epsilon=0.01, rescale=0.5),
    }


if __name__ == "__main__":
    golden = {
        "versions": {"torch": torch.__version__, "posteriors": "0.1.2"},
        "batches": [{name: value.tolist() for name, value in batch.items()} for batch in BATCHES],
        "trees": {
            tree: {
                "params": [leaf.tolist() for leaf in leaves(params)],
                "precisions": {name: precisions(transform, params) for name, transform in algorithms(FORWARD[tree]).items()},
            }
            for tree, params in PARAMS.items()
        },
    }
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(golden) + "\n")
