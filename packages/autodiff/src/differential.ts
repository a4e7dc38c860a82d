/** The derivative of a function at a point, in both directions, for transforms that run in an open trace. */

import { currentTrace, type Trace, type Value } from '@posteriors/backend';
import { flatten, type Structure, type TensorTree, unflatten } from '@posteriors/tree';
import { div, type Tensor } from '@tensorflow/tfjs-core';
import { differentiated, splitAux } from './arguments.ts';
import { pullBack, pushForward } from './differentiate.ts';
import { refusePromise } from './evaluate.ts';
import { matchingLeaves, valueLeaves } from './linear-map.ts';
import { zerosLike } from './shapes.ts';

/** What belongs to the primals: a tree like the only one, or a list with a tree for each of several. */
export type LikePrimals<P extends readonly unknown[]> = P extends readonly [infer Only] ? Only : P;

export interface Differential {
  readonly value: TensorTree;
  readonly aux: unknown;
  /** The tangent of the value, a tree like it. */
  pushforward(tangents: readonly TensorTree[]): TensorTree;
  /** Cotangents of the primals: one tree, or one for each of several. */
  pullback(cotangent: TensorTree): TensorTree;
}

/** `f` at `primals`, traced once, and its derivative there. */
export function differentialOf(
  name: string,
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  hasAux: boolean,
): Differential {
  const trace = currentTrace() as Trace;
  const { leaves, structure, tree } = differentiated(name, primals as TensorTree);
  const start = trace.equations.length;
  const result = refusePromise(name, f(...(tree as readonly TensorTree[] as never)));
  const [value, aux] = hasAux ? splitAux(name, result) : [result, undefined];
  const ys = valueLeaves(name, value);
  const output: Structure = flatten(value as TensorTree).structure;
  return {
    value: value as TensorTree,
    aux,
    pushforward(tangents) {
      const directions = matchingLeaves(name, 'tangent', tangents as TensorTree, structure, leaves);
      const known = new Map(leaves.map((leaf, i) => [(trace.atom(leaf) as Value).id, directions[i] as Tensor]));
      const atoms = ys.map((y) => trace.atom(y));
      const outgoing = pushForward(trace, trace.equations.slice(start), known, atoms, 'forward');
      const all = outgoing.map((tangent, i) => tangent ?? zerosLike(ys[i] as Tensor));
      return unflatten(output, all) as TensorTree;
    },
    pullback(cotangent) {
      const parts = pullBack(trace, start, leaves, ys, matchingLeaves(name, 'cotangent', cotangent, output, ys));
      const all = parts.map((part, i) => part ?? zerosLike(leaves[i] as Tensor));
      return likePrimals(unflatten(structure, all) as readonly TensorTree[]);
    },
  };
}

export function likePrimals(trees: readonly TensorTree[]): TensorTree {
  return trees.length === 1 ? (trees[0] as TensorTree) : trees;
}

/** `x` divided by the length of axis 0 of the first tensor of `value`, 1 for a scalar. */
export function dividedByLength(x: Tensor, value: TensorTree): Tensor {
  const length = flatten(value).leaves[0]?.shape[0] ?? 1;
  return length === 1 ? x : div(x, length);
}
