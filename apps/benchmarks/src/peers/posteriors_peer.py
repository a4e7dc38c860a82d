"""PyTorch posteriors as a peer: reads requests from standard input and answers on standard output, one JSON object a line.

    {"do": "describe"}                                                   -> {"version"}
    {"do": "prepare", "model", "numData", "batch", "start", "algorithm"} -> {}
    {"do": "advance", "inplace", "start", "temperature", "steps"}        -> {"params", "companions"}
    {"do": "time", "inplace", "calls"}                                   -> {"ms"}

Arrays come as {"shape", "values"} and go as lists of numbers. What goes wrong is answered as {"error"}.
"""

import json
import sys
import time
import traceback

import posteriors
import torch
import torchopt
from importlib.metadata import version
from posteriors import diag_normal_log_prob
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def double_well(params, batch):
    square = params["x"].square()
    return (square - 0.1 * square.square()).sum(), torch.tensor([])


def logistic(num_data):
    def log_posterior(params, batch):
        logits = batch["inputs"] @ params["weights"]
        loss = binary_cross_entropy_with_logits(logits, batch["labels"])
        return diag_normal_log_prob(params, normalize=False) / num_data - loss, torch.tensor([])

    return log_posterior


def network(num_data):
    def log_posterior(params, batch):
        hidden = torch.relu(torch.addmm(params["bias1"], batch["images"], params["weights1"]))
        logits = torch.addmm(params["bias2"], hidden, params["weights2"])
        loss = cross_entropy(logits, batch["labels"])
        return diag_normal_log_prob(params, normalize=False) / num_data - loss, torch.tensor([])

    return log_posterior


MODELS = {"doubleWell": lambda num_data: double_well, "logistic": logistic, "network": network}


def tensor(array):
    return torch.tensor(array["values"], dtype=getattr(torch, array["dtype"])).reshape(array["shape"])


def tensors(arrays):
    return {name: tensor(array) for name, array in arrays.items()}


class Workload:
    def __init__(self, request):
        self.algorithm = request["algorithm"]
        self.log_posterior = MODELS[request["model"]](request["numData"])
        self.batch = tensors(request["batch"])
        self.timed = {
            inplace: self.begin(request["start"], self.algorithm["temperature"]) for inplace in (False, True)
        }

    def begin(self, start, temperature):
        """A transform and its first state."""
        params, companions = tensors(start["params"]), tensors(start["companions"])
        lr = self.algorithm["learningRate"]
        if self.algorithm["name"] == "sghmc":
            transform = posteriors.sgmcmc.sghmc.build(
                self.log_posterior, lr=lr, alpha=self.algorithm["alpha"], temperature=temperature, momenta=companions
            )
        else:
            transform = posteriors.vi.diag.build(
                self.log_posterior, torchopt.adam(lr=lr), temperature=temperature, init_log_sds=companions
            )
        return transform, transform.init(params)

    def advance(self, start, temperature, steps, inplace):
        transform, state = self.begin(start, temperature)
        for _ in range(steps):
            state, _ = transform.update(state, self.batch, inplace=inplace)
        companions = state.momenta if self.algorithm["name"] == "sghmc" else state.log_sd_diag
        return {"params": lists(state.params), "companions": lists(companions)}

    def time(self, calls, inplace):
        transform, state = self.timed[inplace]
        start = time.perf_counter()
        for _ in range(calls):
            state, _ = transform.update(state, self.batch, inplace=inplace)
        ms = 1e3 * (time.perf_counter() - start)
        self.timed[inplace] = transform, state
        return {"ms": ms}


def lists(tree):
    return {name: leaf.flatten().tolist() for name, leaf in tree.items()}


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    workload = None
    for line in sys.stdin:
        request = json.loads(line)
        action = request.pop("do")
        try:
            if action == "describe":
                torch_version = f"torch {torch.__version__}, threads: {torch.get_num_threads()}"
                answer = {"version": f"{version('posteriors')} ({torch_version})"}
            elif action == "prepare":
                workload, answer = Workload(request), {}
            else:
                answer = getattr(workload, action)(**request)
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


main()
