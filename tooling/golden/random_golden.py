"""Golden numbers of `jax.random` for `@posteriors/random`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python random_golden.py

Writes packages/random/test/golden/random.json. Floats are stored as the 32 bits of their float32 form, so that nothing is lost in JSON.
"""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_threefry_partitionable", True)
jax.config.update("jax_platforms", "cpu")

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "random" / "test" / "golden" / "random.json"
SEEDS = [0, 1, 42, 2**31 - 1, 2**32 - 1, 2**32 + 5, 2**53 - 1]
SHAPES = [[], [1], [0], [2], [7], [33], [3, 5], [2, 0, 3], [2, 3, 4]]


def words(array):
    """The elements in row-major order as unsigned 32-bit integers."""
    array = np.ascontiguousarray(np.asarray(array))
    assert array.dtype in (np.uint32, np.float32, np.int32), array.dtype
    return array.reshape(-1).view(np.uint32).tolist()


def make_key(seed):
    with jax.enable_x64(True):
        data = np.asarray(jax.random.key_data(jax.random.key(np.uint64(seed))))
    return jax.random.wrap_key_data(jnp.asarray(data, dtype=jnp.uint32))


def data_of(key):
    return words(jax.random.key_data(key))


def keys():
    return [{"seed": seed, "key": data_of(make_key(seed))} for seed in SEEDS]


def splits():
    return [
        {"key": data_of(make_key(seed)), "count": count, "keys": [data_of(k) for k in jax.random.split(make_key(seed), count)]}
        for seed in (0, 42, 2**53 - 1)
        for count in (1, 2, 3, 10)
    ]


def folds():
    return [
        {"key": data_of(make_key(seed)), "data": data, "folded": data_of(jax.random.fold_in(make_key(seed), np.uint32(data)))}
        for seed in (0, 42, 2**53 - 1)
        for data in (0, 1, 7, 2**31, 2**32 - 1)
    ]


def samples():
    cases = []
    for seed in (0, 42, 2**53 - 1):
        key = make_key(seed)
        for shape in SHAPES:
            size = tuple(shape)
            cases.append(
                {
                    "key": data_of(key),
                    "shape": shape,
                    "bits": words(jax.random.bits(key, size)),
                    "uniform": words(jax.random.uniform(key, size)),
                    "normal": words(jax.random.normal(key, size)),
                }
            )
    return cases


def ranges():
    """Operation by operation: compiled as one, XLA may fuse the product and the sum into one rounding, depending on the machine."""
    key = make_key(7)
    cases = []
    for low, high in ((-1.0, 1.0), (0.1, 0.3), (-3.7, 12.9), (1e-3, 1e5), (-1e-6, 1e-7)):
        with jax.disable_jit():
            draws = jax.random.uniform(key, (50,), minval=low, maxval=high)
        cases.append({"key": data_of(key), "min": low, "max": high, "shape": [50], "uniform": words(draws)})
    return cases


def normal_of_bits():
    """`normal` of given random bits, through the extremes of both tails and both sides of the branches of the inverse error function."""
    generator = np.random.default_rng(0)
    edge = np.arange(40)
    mantissa = np.concatenate(
        [edge, 2**23 - 1 - edge, 2**22 - 20 + edge, generator.integers(0, 2**23, 100), generator.integers(0, 2**15, 60)]
        + [np.int64((1 + sign * np.sqrt(level)) * 2**22) - 3 + np.arange(6) for level in (0.75, 1 - np.exp(-5.0)) for sign in (-1, 1)]
    ).astype(np.uint32)
    low = np.nextafter(np.float32(-1), np.float32(0))
    unit = (mantissa | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    u = np.maximum(low, unit * (np.float32(1) - low) + low).astype(np.float32)
    values = jax.lax.mul(np.float32(np.sqrt(2)), jax.lax.erf_inv(u))
    return {"bits": (mantissa << np.uint32(9)).tolist(), "normal": words(values)}


def bernoullis():
    key = make_key(3)
    vector = np.array([0.0, 0.1, 0.5, 0.9, 1.0], np.float32)
    return [
        {"key": data_of(key), "probability": p, "shape": shape, "draws": np.asarray(jax.random.bernoulli(key, np.float32(p), shape)).astype(int).reshape(-1).tolist()}
        for p in (0.0, 0.3, 0.5, 1.0)
        for shape in ([], [17], [3, 4])
    ] + [
        {"key": data_of(key), "probability": vector.tolist(), "shape": shape, "draws": np.asarray(jax.random.bernoulli(key, vector, shape)).astype(int).reshape(-1).tolist()}
        for shape in ([5], [8, 5])
    ]


def categoricals():
    key = make_key(11)
    logits = np.round(np.random.default_rng(1).normal(size=(4, 6)) * 2, 3).astype(np.float32)
    cases = []
    for axis, shape in ((-1, None), (0, None), (1, [4]), (-1, [5, 4]), (0, [3, 2, 6])):
        draws = jax.random.categorical(key, logits, axis=axis, shape=None if shape is None else tuple(shape))
        cases.append({"key": data_of(key), "logits": words(logits), "logitsShape": [4, 6], "axis": axis, "shape": shape, "draws": np.asarray(draws).reshape(-1).tolist(), "drawsShape": list(draws.shape)})
    return cases


def permutations():
    return [
        {"key": data_of(make_key(seed)), "size": size, "order": np.asarray(jax.random.permutation(make_key(seed), size)).tolist()}
        for seed in (0, 42)
        for size in (0, 1, 2, 3, 10, 257)
    ] + [
        # Two rounds of sorting; only a checksum and the first elements are stored.
        {"key": data_of(make_key(0)), "size": size, "first": order[:20].tolist(), "checksum": int(np.sum((np.arange(size) % 1000) * order.astype(np.int64)))}
        for size in (1625, 1626, 60000)
        for order in [np.asarray(jax.random.permutation(make_key(0), size))]
    ]


def main():
    golden = {
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
        "settings": "jax_threefry_partitionable=True, float32, cpu",
        "keys": keys(),
        "splits": splits(),
        "folds": folds(),
        "samples": samples(),
        "ranges": ranges(),
        "normalOfBits": normal_of_bits(),
        "bernoullis": bernoullis(),
        "categoricals": categoricals(),
        "permutations": permutations(),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sections = (f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in golden.items())
    OUTPUT.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
