import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import { build } from './flatten.ts';
import { replaceLeaves } from './inplace.ts';
import { align } from './mismatch.ts';
import { structurePaths } from './path.ts';
import type { Structure } from './structure.ts';
import { flattenTensors } from './tensors.ts';
import type { LeafPredicate, TensorTree } from './types.ts';

/** Decides for each leaf of a tree, in order, whether it is chosen. */
export type Chooser = (leaves: readonly Tensor[], structure: Structure) => boolean[];

export function choose(predicate: LeafPredicate): Chooser {
  return (leaves, structure) => {
    const paths = structurePaths(structure);
    return leaves.map((leaf, i) => predicate(leaf, paths[i] as string));
  };
}

/**
 * A tree of the same structure in which the leaves that the predicate rejects are empty tensors (shape `[0]`, same
 * dtype), so that sizes, ravels and random draws concern the chosen leaves alone. Chosen leaves are the same tensors as
 * in `tree` (and end when an in-place function replaces them there); the empty ones are new and the caller's to dispose.
 */
export function extract<T extends TensorTree>(tree: T, predicate: LeafPredicate): T {
  return extractChosen('tree.extract', tree, choose(predicate));
}

export function extractChosen<T extends TensorTree>(caller: string, tree: T, chooser: Chooser): T {
  const { leaves, structure } = flattenTensors(caller, tree);
  const chosen = chooser(leaves, structure);
  const extracted = leaves.map((leaf, i) => (chosen[i] ? leaf : zeros([0], leaf.dtype)));
  return build(structure, extracted, 0) as T;
}

/**
 * The tree with the leaves that the predicate chooses taken from `sub`: the inverse of `extract` with the same predicate,
 * which sees the leaves of `full`. All leaves are the same tensors as in `full` and `sub`; none is made.
 *
 * @param predicate by default every leaf is chosen.
 * @throws when the trees differ in structure, or when a chosen leaf of `sub` is empty and that of `full` is not: it was
 *   extracted with another predicate.
 */
export function insert<T extends TensorTree>(full: T, sub: NoInfer<T>, predicate: LeafPredicate = () => true): T {
  return insertChosen('tree.insert', full, sub, choose(predicate));
}

export function insertChosen<T extends TensorTree>(caller: string, full: T, sub: T, chooser: Chooser): T {
  const { chosen, leaves, subLeaves, structure } = pair(caller, full, sub, chooser);
  const merged = leaves.map((leaf, i) => (chosen[i] ? subLeaves[i] : leaf));
  return build(structure, merged, 0) as T;
}

/**
 * `insert` that changes `full` itself and returns it, under the rules of `mapInplace`: the leaves that are replaced are
 * disposed, Variables are assigned, and `sub` stays whole and its owner's (`full` holds references of its own).
 */
export function insertInplace<T extends TensorTree>(
  full: T,
  sub: NoInfer<T>,
  predicate: LeafPredicate = () => true,
): T {
  return insertChosenInplace('tree.insertInplace', full, sub, choose(predicate));
}

export function insertChosenInplace<T extends TensorTree>(caller: string, full: T, sub: T, chooser: Chooser): T {
  const { chosen, subLeaves } = pair(caller, full, sub, chooser);
  replaceLeaves(caller, (i, leaf) => (chosen[i] ? subLeaves[i] : leaf), full, [sub]);
  return full;
}

interface Pair {
  readonly chosen: readonly boolean[];
  readonly leaves: readonly Tensor[];
  readonly subLeaves: readonly Tensor[];
  readonly structure: Structure;
}

function pair(caller: string, full: unknown, sub: unknown, chooser: Chooser): Pair {
  const { leaves, structure } = flattenTensors(caller, full);
  const subLeaves = flattenTensors(caller, sub).leaves;
  align(caller, full, [sub]);
  const chosen = chooser(leaves, structure);
  const wrong = leaves.findIndex((leaf, i) => chosen[i] && leaf.size > 0 && subLeaves[i]?.size === 0);
  if (wrong >= 0) {
    throw new Error(
      `${caller}: the leaf at ${structurePaths(structure)[wrong]} has shape [${leaves[wrong]?.shape}] and its ` +
        'replacement is empty; extract and insert with the same choice of leaves',
    );
  }
  return { chosen, leaves, subLeaves, structure };
}
