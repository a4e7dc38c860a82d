import { clone, fill, scalar, Tensor } from '@tensorflow/tfjs-core';
import { type Key, key as keyOf, randomKey, split } from '@posteriors/random';
import { flatten, map, mapWithPath, paths, type TensorTree } from '@posteriors/tree';
import type { InitOptions } from './transform.ts';

/** The keys of a new state: one to keep, one for what `init` draws. */
export function initKeys(options: InitOptions): [state: Key, init: Key] {
  return split(keyFrom(options));
}

/** The key that was given, or that of the seed, or one from `crypto`. */
export function keyFrom({ seed, key }: InitOptions): Key {
  return key ?? (seed === undefined ? randomKey() : keyOf(seed));
}

/**
 * The parameters as a state owns them: other tensors on the same data.
 *
 * @throws if there are none, or one is not a float32 tensor.
 */
export function ownParams<P extends TensorTree>(name: string, params: P): P {
  checkParams(name, params);
  return map((leaf: Tensor) => clone(leaf), params);
}

function checkParams(name: string, params: TensorTree): void {
  const { leaves } = flatten<unknown>(params);
  if (leaves.length === 0) throw new Error(`${name}: the parameters have no tensor in them`);
  leaves.forEach((leaf, i) => {
    const path = (): string => paths(params)[i] as string;
    if (!(leaf instanceof Tensor)) throw new Error(`${name}: the parameter ${path()} is a ${typeof leaf} and must be a float32 tensor`);
    if (leaf.isDisposed) throw new Error(`${name}: the parameter ${path()} is a disposed tensor ${leaf.dtype}[${leaf.shape}]`);
    if (leaf.dtype !== 'float32') {
      throw new Error(`${name}: the parameter ${path()} is ${leaf.dtype}[${leaf.shape}] and must be float32; cast it, or pass it with the batch`);
    }
  });
}

/**
 * A tree like the parameters from what a user may give in its place: a number for all elements, or such a tree, which is copied by
 * reference.
 *
 * @throws if the tree differs from the parameters in structure or in a shape.
 */
export function likeParams<P extends TensorTree>(name: string, what: string, given: number | P, params: P): P {
  if (typeof given === 'number') return map((leaf: Tensor) => fill(leaf.shape, given), params);
  return mapWithPath(
    (path: string, leaf: Tensor, other: Tensor) => {
      if (`${other.shape}` !== `${leaf.shape}`) {
        throw new Error(`${name}: ${what} ${path} has shape [${other.shape}] and the parameter has [${leaf.shape}]`);
      }
      return clone(other);
    },
    params,
    given as never,
  ) as P;
}

/** A float32 NaN: the log density of a state that has not been updated. */
export function notYet(): Tensor {
  return scalar(Number.NaN);
}
