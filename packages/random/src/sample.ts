import type { Attributes } from '@posteriors/backend';
import { add, argMax, less, log, maximum, mul, neg, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { sampleBits, sampleNormal, sampleUniform } from './kernels.ts';
import { isHostKey, type Key, keyTensor } from './key.ts';

/** The smallest normal float32 number, in the place of a uniform number that is 0, as in JAX. */
const SMALLEST_NORMAL = 2 ** -126;

type Sampler = (inputs: readonly Tensor[], attributes: Attributes) => Tensor;

/**
 * 32 random bits each, as an int32 tensor (the bits of a uint32). Equals `jax.random.bits`.
 *
 * @param key a key on the host or a tensor of keys `[...batch, 2]`, each of which draws its own numbers.
 * @param shape the shape of one key's draw.
 * @returns `[...batch, ...shape]`, which the caller owns.
 */
export function bits(key: Key, shape: readonly number[]): Tensor {
  return draw('bits', sampleBits, key, shape);
}

/**
 * Uniform numbers in `[min, max)`, float32, in steps of `(max - min) 2^-23`. Equals `jax.random.uniform`.
 *
 * @param key a key on the host or a tensor of keys `[...batch, 2]`.
 * @param shape the shape of one key's draw.
 * @param range `min` (default 0) and `max` (default 1), finite, `min < max`.
 * @returns `[...batch, ...shape]`, which the caller owns.
 */
export function uniform(key: Key, shape: readonly number[], range: { min?: number; max?: number } = {}): Tensor {
  const { min = 0, max = 1 } = range;
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max)) {
    throw new Error(`random.uniform: min is ${min} and max is ${max}; both must be finite, and min below max`);
  }
  if (min === 0 && max === 1) return draw('uniform', sampleUniform, key, shape);
  const low = Math.fround(min);
  const width = Math.fround(Math.fround(max) - low);
  return tidy(() => maximum(add(mul(draw('uniform', sampleUniform, key, shape), width), low), low));
}

/**
 * Standard normal numbers, float32, as `sqrt(2) erfinv(u)` of a uniform u. Equals `jax.random.normal` to 1e-6 relative; the same bits on
 * cpu and wasm in every JavaScript engine, 1e-5 relative on webgpu.
 *
 * @param key a key on the host or a tensor of keys `[...batch, 2]`.
 * @param shape the shape of one key's draw.
 * @returns `[...batch, ...shape]`, which the caller owns.
 */
export function normal(key: Key, shape: readonly number[]): Tensor {
  return draw('normal', sampleNormal, key, shape);
}

/**
 * Draws that are true with the given probability, `uniform < probability`. Equals `jax.random.bernoulli`.
 *
 * @param key a key on the host or a tensor of keys `[...batch, 2]`.
 * @param probability a number in [0, 1], or a float32 tensor that broadcasts to `shape`.
 * @param shape the shape of one key's draw; by default the shape of `probability`.
 * @returns bool `[...batch, ...shape]`, which the caller owns.
 */
export function bernoulli(key: Key, probability: number | Tensor, shape?: readonly number[]): Tensor {
  if (typeof probability === 'number' && !(probability >= 0 && probability <= 1)) {
    throw new Error(`random.bernoulli: the probability is ${probability}; give a number from 0 to 1`);
  }
  const size = shape ?? (typeof probability === 'number' ? [] : probability.shape);
  return tidy(() => less(draw('bernoulli', sampleUniform, key, size), probability));
}

/**
 * Categories with probabilities `softmax(logits)` along an axis, by the largest of `logits + Gumbel noise`. Equals
 * `jax.random.categorical` except where two sums agree to float32 rounding.
 *
 * @param key a key on the host or a tensor of keys `[...batch, 2]`.
 * @param logits float32, the unnormalised log probabilities; the same for each key.
 * @param options `axis` of the categories (default the last) and `shape` of one key's draw: it ends with the shape of `logits` without
 *   the axis, or with one that this broadcasts to, and leading dimensions make as many draws (default one).
 * @returns int32 `[...batch, ...shape]`, which the caller owns.
 */
export function categorical(
  key: Key,
  logits: Tensor,
  options: { axis?: number; shape?: readonly number[] } = {},
): Tensor {
  const { axis = -1, shape } = options;
  const { rank } = logits;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new Error(`random.categorical: axis ${axis} is not one of logits of shape [${logits.shape}]`);
  }
  const fromEnd = axis < 0 ? axis : axis - rank;
  const position = rank + fromEnd;
  const rest = logits.shape.filter((_, i) => i !== position);
  const result = shape ?? rest;
  if (result.length < rest.length || !rest.every((n, i) => n === 1 || n === result[result.length - rest.length + i])) {
    throw new Error(
      `random.categorical: logits of shape [${logits.shape}] without axis ${axis} are [${rest}], which does not broadcast to shape [${result}]`,
    );
  }
  const split = result.length + 1 + fromEnd;
  const noiseShape = [...result.slice(0, split), logits.shape[position]!, ...result.slice(split)];
  return tidy(() => {
    const u = maximum(draw('categorical', sampleUniform, key, noiseShape), SMALLEST_NORMAL);
    const noisy = add(neg(log(neg(log(u)))), logits);
    return argMax(noisy, noisy.rank + fromEnd);
  });
}

function draw(name: string, sampler: Sampler, key: Key, shape: readonly number[]): Tensor {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new Error(`random.${name}: the shape is [${shape}]; give non-negative integers`);
  }
  isHostKey(key, name);
  return tidy(() => sampler([keyTensor(key)], { shape }));
}
