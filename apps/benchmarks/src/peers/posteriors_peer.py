"""PyTorch posteriors as a peer."""

import time
from dataclasses import dataclass
from importlib.metadata import version

import posteriors
import torch
import torchopt
from peer_protocol import serve
from torch_models import LIKELIHOODS, POSTERIORS


def tensor(array):
    return torch.tensor(array["values"], dtype=getattr(torch, array["dtype"])).reshape(array["shape"])


def tensors(arrays):
    return {name: tensor(array) for name, array in arrays.items()}


def build_posterior(log_posterior, companions, algorithm):
    """A transform, and what in its state goes with the parameters."""
    lr, temperature = algorithm["learningRate"], algorithm["temperature"]
    if algorithm["name"] == "sghmc":
        transform = posteriors.sgmcmc.sghmc.build(
            log_posterior, lr=lr, alpha=algorithm["alpha"], temperature=temperature, momenta=companions
        )
        return transform, lambda state: state.momenta
    transform = posteriors.vi.diag.build(
        log_posterior, torchopt.adam(lr=lr), temperature=temperature, init_log_sds=companions
    )
    return transform, lambda state: state.log_sd_diag


def build_curvature(forward, outer, algorithm):
    def each(params, batch):
        return outer(forward(params, batch), batch), torch.tensor([])

    def total(params, batch):
        values, aux = each(params, batch)
        return values.sum(), aux

    family, method = algorithm["name"].split(".")
    if family == "laplace":
        of_matrix = lambda state: {"matrix": state.prec}
        if method == "diagFisher":
            return posteriors.laplace.diag_fisher.build(each, per_sample=True), lambda state: state.prec_diag
        if method == "denseFisher":
            return posteriors.laplace.dense_fisher.build(each, per_sample=True), of_matrix
        if method == "denseHessian":
            return posteriors.laplace.dense_hessian.build(total), of_matrix
        return posteriors.laplace.dense_ggn.build(
            lambda params, batch: (forward(params, batch), torch.tensor([])),
            lambda outputs, batch: outer(outputs, batch).sum(),
        ), of_matrix
    lr, sd = algorithm["learningRate"], algorithm["initSd"]
    if method == "diagFisher":
        return posteriors.ekf.diag_fisher.build(
            each, lr=lr, transition_sd=algorithm["transitionSd"], per_sample=True, init_sds=sd
        ), lambda state: state.sd_diag
    return posteriors.ekf.dense_fisher.build(each, lr=lr, per_sample=True, init_cov=sd**2), lambda state: {
        "matrix": state.cov
    }


@dataclass
class Chains:
    """The stacked parameters and momenta of several chains."""

    params: dict
    momenta: dict


def vmapped(transform):
    """Updates chains side by side. `torch.func.vmap` maps over plain dictionaries, not over the states of posteriors."""

    def one(params, momenta, batch):
        state, _ = transform.update(posteriors.sgmcmc.sghmc.SGHMCState(params, momenta), batch)
        return state.params, state.momenta

    update = torch.func.vmap(one, in_dims=(0, 0, None), randomness="different")
    return lambda chains, batch: (Chains(*update(chains.params, chains.momenta, batch)), None)


class Run:
    """A state and what takes its next step."""

    def __init__(self, model, num_data, chains, start, algorithm, inplace):
        params, companions = tensors(start["params"]), tensors(start["companions"])
        if "temperature" in algorithm:
            log_posterior = POSTERIORS[model](num_data)
            transform, self.companions = build_posterior(log_posterior, companions, algorithm)
        else:
            transform, self.companions = build_curvature(*LIKELIHOODS[model], algorithm)
        if chains:
            self.state, self.update = Chains(params, companions), vmapped(transform)
        else:
            self.state = transform.init(params)
            self.update = lambda state, batch: transform.update(state, batch, inplace=inplace)

    def step(self, batch):
        self.state, _ = self.update(self.state, batch)


class Workload:
    def __init__(self, request):
        self.batches = [tensors(batch) for batch in request["batches"]]
        self.model = request["model"], request["numData"], request["chains"]
        self.ways = ["vmap"] if request["chains"] else ["in place", "pure"]
        self.timed = {way: self.begin(way, request["start"], request["algorithm"]) for way in self.ways}
        self.done = 0

    def begin(self, way, start, algorithm):
        return Run(*self.model, start, algorithm, way == "in place")

    def advance(self, way, start, algorithm, steps):
        run = self.begin(way, start, algorithm)
        for i in range(steps):
            run.step(self.batches[i % len(self.batches)])
        return {"params": lists(run.state.params), "companions": lists(run.companions(run.state))}

    def time(self, way, calls):
        run = self.timed[way]
        start = time.perf_counter()
        for _ in range(calls):
            run.step(self.batches[self.done % len(self.batches)])
            self.done += 1
        return {"ms": 1e3 * (time.perf_counter() - start)}


def lists(tree):
    return {name: leaf.flatten().tolist() for name, leaf in tree.items()}


torch_version = f"torch {torch.__version__}, threads: {torch.get_num_threads()}"
serve(f"{version('posteriors')} ({torch_version})", Workload)
