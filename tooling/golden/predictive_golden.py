"""Golden predictions of the released `posteriors` for `@posteriors/predictive`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python predictive_golden.py

Writes packages/predictive/test/golden/predictive.json: means and Cholesky factors of `linearized_forward_diag`, in float64, for the models and
batches of laplace_golden.py, and covariances for full covariances of the parameters by an explicit Jacobian.
"""

import json
import pathlib

import torch
from laplace_golden import BATCHES, FORWARD, PARAMS, leaves
from optree import tree_map
from optree.integrations.torch import tree_ravel
from posteriors import linearized_forward_diag

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "predictive" / "test" / "golden" / "predictive.json"


def cases(tree):
    params = PARAMS[tree]
    sd = tree_map(lambda leaf: 0.1 + leaf.abs() / 2, params)
    flat, unravel = tree_ravel(params)
    angles = torch.arange(flat.numel() ** 2).reshape(flat.numel(), -1)
    factor = torch.tril(torch.sin(angles)) + torch.eye(flat.numel())
    kept = []
    for batch in BATCHES:
        x = batch["x"]
        mean, chol, _ = linearized_forward_diag(lambda p, x: (FORWARD[tree](p["tree"], x), torch.tensor([])), wrapped(params), x, wrapped(sd))
        jacobian = torch.func.jacrev(lambda v: FORWARD[tree](unravel(v), x))(flat)
        covariance = jacobian @ (factor @ factor.T) @ jacobian.mT
        kept.append({"mean": mean.tolist(), "factor": chol.tolist(), "covariance": covariance.tolist()})
    return {"sd": [leaf.tolist() for leaf in leaves(sd)], "factor": factor.tolist(), "batches": kept}


def wrapped(tree):
    """As the library takes it: no lone tensor, and no scalars."""
    return {"tree": tree_map(torch.atleast_1d, tree)}


if __name__ == "__main__":
    golden = {"versions": {"torch": torch.__version__, "posteriors": "0.1.2"}, "trees": {tree: cases(tree) for tree in PARAMS}}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(golden) + "\n")
