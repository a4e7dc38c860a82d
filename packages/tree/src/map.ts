import type { Tensor } from '@tensorflow/tfjs-core';
import { build, flatten } from './flatten.ts';
import { align } from './mismatch.ts';
import { structurePaths } from './path.ts';
import type { LeafOf, MapLeaves, TensorTree } from './types.ts';

/**
 * A tree of the same structure with `f(leaf, ...restLeaves)` for each leaf, called in the order of the leaves. The trees
 * in `rest` must have the structure of the first.
 *
 * What `f` returns goes into the result as it is and belongs to the caller; a leaf that `f` returns unchanged is the same
 * object in both trees. Nothing is disposed.
 *
 * @throws when a tree of `rest` has another structure.
 */
export function map<T extends TensorTree, R extends readonly T[]>(
  f: (leaf: Tensor, ...rest: { [K in keyof R]: Tensor }) => Tensor,
  tree: T,
  ...rest: R
): T;
export function map<T extends TensorTree, B>(
  f: (leaf: Tensor, ...rest: Tensor[]) => B,
  tree: T,
  ...rest: NoInfer<T>[]
): MapLeaves<T, B>;
export function map<T, B>(
  f: (leaf: LeafOf<T>, ...rest: LeafOf<T>[]) => B,
  tree: T,
  ...rest: NoInfer<T>[]
): MapLeaves<T, B>;
export function map(f: (...leaves: never[]) => unknown, tree: unknown, ...others: unknown[]): unknown {
  const { leaves, structure, rest } = align('tree.map', tree, others);
  return build(structure, mapLeaves(f as (...leaves: unknown[]) => unknown, leaves, rest), 0);
}

/** `f` over aligned lists of leaves. */
function mapLeaves(
  f: (...leaves: unknown[]) => unknown,
  leaves: readonly unknown[],
  rest: readonly (readonly unknown[])[],
): unknown[] {
  const mapped: unknown[] = [];
  const [second] = rest;
  if (second === undefined) for (let i = 0; i < leaves.length; i++) mapped.push(f(leaves[i]));
  else if (rest.length === 1) for (let i = 0; i < leaves.length; i++) mapped.push(f(leaves[i], second[i]));
  else for (let i = 0; i < leaves.length; i++) mapped.push(f(leaves[i], ...rest.map((other) => other[i])));
  return mapped;
}

/** `map` with the path of the leaf first: `f('$.layers[1].bias', leaf, ...restLeaves)`. */
export function mapWithPath<T extends TensorTree, R extends readonly T[]>(
  f: (path: string, leaf: Tensor, ...rest: { [K in keyof R]: Tensor }) => Tensor,
  tree: T,
  ...rest: R
): T;
export function mapWithPath<T extends TensorTree, B>(
  f: (path: string, leaf: Tensor, ...rest: Tensor[]) => B,
  tree: T,
  ...rest: NoInfer<T>[]
): MapLeaves<T, B>;
export function mapWithPath<T, B>(
  f: (path: string, leaf: LeafOf<T>, ...rest: LeafOf<T>[]) => B,
  tree: T,
  ...rest: NoInfer<T>[]
): MapLeaves<T, B>;
export function mapWithPath(
  f: (path: string, ...leaves: never[]) => unknown,
  tree: unknown,
  ...others: unknown[]
): unknown {
  const { leaves, structure, rest } = align('tree.mapWithPath', tree, others);
  const labelled = [leaves, ...rest];
  return build(structure, mapLeaves(f as (...leaves: unknown[]) => unknown, structurePaths(structure), labelled), 0);
}

/** Folds the leaves into one value, in order: `f(f(initial, first), second)` and so on. */
export function reduce<A, T extends TensorTree>(f: (accumulator: A, leaf: Tensor) => A, initial: A, tree: T): A;
export function reduce<A, T>(f: (accumulator: A, leaf: LeafOf<T>) => A, initial: A, tree: T): A;
export function reduce<A>(f: (accumulator: A, leaf: never) => A, initial: A, tree: unknown): A {
  const { leaves } = flatten(tree);
  let accumulator = initial;
  for (let i = 0; i < leaves.length; i++) accumulator = f(accumulator, leaves[i] as never);
  return accumulator;
}
