import { type Disposer, evaluate } from '@posteriors/autodiff';
import { foldIn, type Key, key as keyOf, randomKey, split } from '@posteriors/random';
import { flatten, map, mapWithPath, paths, type TensorTree } from '@posteriors/tree';
import { clone, fill, mul, scalar, Tensor } from '@tensorflow/tfjs-core';
import type { HyperCheck } from './hyper.ts';
import { named } from './named.ts';
import { readsAtOnce } from './reads-at-once.ts';
import { makeState, type StateBase } from './state.ts';
import type { InitOptions } from './transform.ts';

/**
 * What the keys of a state are told apart by from all others that come from the key or the seed of its `init`: nothing is ever split into so
 * many, so that draws with the same seed, by `sample` or `normalLike`, have nothing in common with those of the state.
 */
const STATES = 0x73746174;

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
  return named(name, () => {
    const given = keyFrom(options);
    checkParams(params);
    const fields = evaluate(name, () => {
      const [key, draw] = split(foldIn(given, STATES));
      return { params: map((leaf: Tensor) => clone(leaf), params), ...make(params, draw), key, step: 0 };
    });
    return makeState(fields as typeof fields & { readonly params: P });
  });
}

/**
 * The key that was given, or that of the seed, or one from `crypto`. Not to be called while a function is traced for the last. The options are
 * what is left when a function has taken its own out of those it was given.
 *
 * @throws if the key given is a batch of keys, or there are other options than these.
 */
export function keyFrom(options: InitOptions): Key {
  const { seed, key, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new Error(`there is no option ${unknown}; besides those of its own this takes seed and key`);
  if (key !== undefined) return requireOneKey(key);
  return seed === undefined ? randomKey() : keyOf(seed);
}

/** @throws if the key is a batch of keys: one state has one key. */
export function requireOneKey(key: Key): Key {
  if (key instanceof Tensor && key.rank > 1) {
    throw new Error(
      `the key has shape [${key.shape}] and must be a single one, of shape [2]; for several chains take chains(transform), whose init makes their keys of a single one, or map with vmap`,
    );
  }
  return key;
}

function checkParams(params: TensorTree): void {
  if (flatten(params).leaves.length === 0) throw new Error('the parameters have no tensor in them; give at least one');
  requireFloats('the parameter', params);
}

function requireFloats(what: string, tree: TensorTree): void {
  flatten<unknown>(tree).leaves.forEach((leaf, i) => {
    const at = (): string => `${what} ${paths(tree)[i]}`;
    if (!(leaf instanceof Tensor)) throw new Error(`${at()} is a ${typeof leaf} and must be a float32 tensor`);
    if (leaf.isDisposed) throw new Error(`${at()} is a disposed tensor ${leaf.dtype}[${leaf.shape}]`);
    if (leaf.dtype !== 'float32') {
      throw new Error(
        `${at()} is ${leaf.dtype}[${leaf.shape}] and must be float32; cast it, or pass it with the batch if it is not inferred`,
      );
    }
  });
}

/**
 * A tree like the parameters from what a user may give in its place: a number or a scalar tensor for all elements, or such a tree, whose data
 * is shared. `option` is its name, for errors.
 *
 * @throws if the number is not finite, or the tree differs from the parameters in structure, in a shape or from float32.
 */
export function likeParams<P extends TensorTree>(option: string, given: number | Tensor | P, params: P): P {
  if (typeof given === 'number') {
    if (!Number.isFinite(given))
      throw new Error(`${option} is ${given} and must be a finite number, or a tree like the parameters`);
    return map((leaf: Tensor) => fill(leaf.shape, given), params);
  }
  requireFloats(option, given);
  if (given instanceof Tensor && given.rank === 0) {
    return map((leaf: Tensor) => mul(fill(leaf.shape, 1), given), params);
  }
  return named(`the parameters and ${option}`, () =>
    mapWithPath(
      (path: string, leaf: Tensor, other: Tensor) => {
        if (`${other.shape}` !== `${leaf.shape}`)
          throw new Error(`shapes differ at ${path}: [${leaf.shape}] vs [${other.shape}]`);
        return clone(other);
      },
      params,
      given as never,
    ),
  ) as P;
}

/**
 * Looks at what {@link likeParams} may be given: at a number, and, where they can be read at once, at the elements of a
 * tensor or of a tree of tensors. To be called outside of an `evaluate` of one's own, within which nothing can be read.
 *
 * @throws unless they all pass the check.
 */
export function requireElements(option: string, given: number | TensorTree, { test, must }: HyperCheck): void {
  if (typeof given !== 'object' || given === null) {
    if (typeof given === 'number' && test(given)) return;
    throw new Error(`${option} is ${given} and must be ${must}`);
  }
  if (!readsAtOnce()) return;
  flatten<unknown>(given).leaves.forEach((leaf, i) => {
    if (!(leaf instanceof Tensor) || leaf.isDisposed) return;
    const values = leaf.dataSync<'float32'>();
    const wrong = values.findIndex((value) => !test(value));
    if (wrong < 0) return;
    const at = given instanceof Tensor ? option : `${option} ${paths(given)[i]}`;
    throw new Error(`${at} is ${values[wrong]} at element ${wrong} and must be ${must}`);
  });
}

/** A float32 NaN: the log density of a state that has not been updated. */
export function notYet(): Tensor {
  return scalar(Number.NaN);
}
