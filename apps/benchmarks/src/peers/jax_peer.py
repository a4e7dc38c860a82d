"""JAX as a peer: a whole step, compiled, and for small models many of them in `lax.scan`."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy
from jax import lax, random, tree
from peer_protocol import serve


def prior(params, num_data):
    return -0.5 / num_data * sum(jnp.sum(leaf**2) for leaf in tree.leaves(params))


def double_well(num_data):
    return lambda params, batch: jnp.sum(params["x"] ** 2 - 0.1 * params["x"] ** 4)


def logistic(num_data):
    def log_posterior(params, batch):
        logits = batch["inputs"] @ params["weights"]
        return jnp.mean(batch["labels"] * logits - jax.nn.softplus(logits)) + prior(params, num_data)

    return log_posterior


def network(num_data):
    def log_posterior(params, batch):
        hidden = jax.nn.relu(batch["images"] @ params["weights1"] + params["bias1"])
        log_probs = jax.nn.log_softmax(hidden @ params["weights2"] + params["bias2"])
        chosen = jnp.take_along_axis(log_probs, batch["labels"][:, None], axis=1)
        return jnp.mean(chosen) + prior(params, num_data)

    return log_posterior


MODELS = {"doubleWell": double_well, "logistic": logistic, "network": network}


def normal_like(key, params):
    leaves, structure = tree.flatten(params)
    keys = random.split(key, len(leaves))
    return tree.unflatten(structure, [random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves)])


def sghmc(log_posterior):
    """A step of state (params, momenta, key)."""

    def step(hyper, batch, state):
        params, momenta, key = state
        lr, alpha = hyper["learningRate"], hyper["alpha"]
        key, draw = random.split(key)
        _, gradient = jax.value_and_grad(log_posterior)(params, batch)
        sd = jnp.sqrt(2 * alpha * hyper["temperature"] * lr)
        next_params = tree.map(lambda theta, m: theta + lr * m, params, momenta)
        momenta = tree.map(
            lambda m, g, noise: m + lr * (g - alpha * m) + sd * noise, momenta, gradient, normal_like(draw, params)
        )
        return next_params, momenta, key

    return step


def vi_diag(log_posterior):
    """A step of state (means and log standard deviations, key, moments and count of Adam)."""

    def nelbo(variational, key, batch, temperature):
        means, log_sds = variational
        fixed_means, fixed_log_sds = lax.stop_gradient(variational)
        draw = tree.map(lambda m, s, noise: m + jnp.exp(s) * noise, means, log_sds, normal_like(key, means))
        log_q = tree.map(
            lambda x, m, s: jnp.sum(-0.5 * ((x - m) / jnp.exp(s)) ** 2 - s), draw, fixed_means, fixed_log_sds
        )
        return temperature * sum(tree.leaves(log_q)) - log_posterior(draw, batch)

    def step(hyper, batch, state):
        means, log_sds, key, first, second, count = state
        key, draw = random.split(key)
        _, gradient = jax.value_and_grad(nelbo)((means, log_sds), draw, batch, hyper["temperature"])
        count = count + 1
        first = tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        means, log_sds = tree.map(
            lambda x, m, v: x
            - hyper["learningRate"] * m / (1 - 0.9**count) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8),
            (means, log_sds),
            first,
            second,
        )
        return means, log_sds, key, first, second, count

    return step


def array(given):
    return jnp.asarray(numpy.array(given["values"], dtype=given["dtype"].replace("64", "32")).reshape(given["shape"]))


def arrays(given):
    return {name: array(each) for name, each in given.items()}


class Workload:
    def __init__(self, request):
        self.batch = arrays(request["batches"][0])
        self.chains = request["chains"]
        self.samples = request["algorithm"]["name"] == "sghmc"
        self.length = request["stepsPerScan"]
        self.ways = ["jitted step", *(["lax.scan"] if self.length else [])]
        log_posterior = MODELS[request["model"]](request["numData"])
        step = (sghmc if self.samples else vi_diag)(log_posterior)
        step = jax.vmap(step, in_axes=(None, None, 0)) if self.chains else step
        self.step = jax.jit(step)
        self.seed = 0

        @partial(jax.jit, static_argnums=3)
        def scan(hyper, batch, state, length):
            return lax.scan(lambda at, _: (step(hyper, batch, at), None), state, length=length)[0]

        self.scan = scan
        self.hyper = self.hyper_of(request["algorithm"])
        self.timed = {way: self.begin(request["start"]) for way in self.ways}

    def hyper_of(self, algorithm):
        return {name: jnp.float32(value) for name, value in algorithm.items() if name != "name"}

    def begin(self, start):
        params, companions = arrays(start["params"]), arrays(start["companions"])
        self.seed += 1
        key = random.key(self.seed)
        if self.samples:
            return params, companions, random.split(key, self.chains) if self.chains else key
        zeros = tree.map(jnp.zeros_like, (params, companions))
        return params, companions, key, zeros, zeros, jnp.float32(0)

    def advance(self, way, start, algorithm, steps):
        state, hyper = self.begin(start), self.hyper_of(algorithm)
        if way == "lax.scan":
            state = self.scan(hyper, self.batch, state, steps)
        else:
            for _ in range(steps):
                state = self.step(hyper, self.batch, state)
        lists = lambda part: {name: leaf.flatten().tolist() for name, leaf in part.items()}
        return {"params": lists(state[0]), "companions": lists(state[1])}

    def time(self, way, calls):
        state = self.timed[way]
        rounds = calls if way == "jitted step" else -(-calls // self.length)
        start = time.perf_counter()
        for _ in range(rounds):
            if way == "jitted step":
                state = self.step(self.hyper, self.batch, state)
            else:
                state = self.scan(self.hyper, self.batch, state, self.length)
        jax.block_until_ready(state)
        ms = 1e3 * (time.perf_counter() - start)
        self.timed[way] = state
        return {"ms": ms * calls / (rounds if way == "jitted step" else rounds * self.length)}


serve(jax.__version__, Workload)
