import { type Key, key as keyOf, randomKey, split } from '@posteriors/random';
import { flatten, map, mapWithPath, paths, type TensorTree } from '@posteriors/tree';
import { clone, fill, scalar, Tensor } from '@tensorflow/tfjs-core';
import type { InitOptions } from './transform.ts';

/**
 * The first state of an algorithm: other tensors on the data of the parameters, and the fields that `make` computes from them and from a key
 * of its own, with tfjs ops. If anything fails nothing is left behind. `name` begins the errors.
 *
 * @throws if there are no parameters, or one is not a float32 tensor.
 */
export function initState<P extends TensorTree, F extends object>(
  name: string,
  params: P,
  options: InitOptions,
  make: (params: P, key: Key) => F,
): F & { readonly params: P } & StateBase & Disposer {
  const given = keyFrom(options);
  return named(name, () => {
    checkParams(params);
    const fields = evaluate(name, () => {
      const [key, draw] = split(given);
      return { params: map((leaf: Tensor) => clone(leaf), params), ...make(params, draw), key, step: 0 };
    });
    return makeState(fields as typeof fields & { readonly params: P });
  });
}

/** The key that was given, or that of the seed, or one from `crypto`. Not to be called while a function is traced for the last. */
export function keyFrom({ seed, key }: InitOptions): Key {
  return key ?? (seed === undefined ? randomKey() : keyOf(seed));
}

function checkParams(params: TensorTree): void {
  const { leaves } = flatten<unknown>(params);
  if (leaves.length === 0) throw new Error('the parameters have no tensor in them; give a tree with at least one');
  requireFloats('the parameter', params, 'cast it, or pass it with the batch');
}

/**
 * A tree like the parameters from what a user may give in its place: a number for all elements, or such a tree, which is copied by
 * reference. `what` names it in errors.
 *
 * @throws if the number is not finite, or the tree differs from the parameters in structure, in a shape, or from float32.
 */
export function likeParams<P extends TensorTree>(what: string, given: number | P, params: P): P {
  if (typeof given === 'number') {
    if (!Number.isFinite(given)) throw new Error(`${what} is ${given} and must be a finite number, or a tree like the parameters`);
    return map((leaf: Tensor) => fill(leaf.shape, given), params);
  }
  const pairs = named(`the parameters and ${what}`, () => mapWithPath((path, leaf, other) => ({path, leaf, other}), params, given as never));
  return null as never;
}
