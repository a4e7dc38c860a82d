/** Trees of tensors that functions are differentiated with respect to. */

import { printAval, record } from '@posteriors/backend';
import { flatten, paths, type Structure, type TensorTree, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';

export interface Differentiated<P> {
  readonly tree: P;
  readonly leaves: readonly Tensor[];
  readonly structure: Structure;
}

/** The same values as new ones of the open trace, so that a derivative with respect to them does not see other uses of the argument. */
export function differentiated<P extends TensorTree>(name: string, argument: P): Differentiated<P> {
  const { leaves, structure } = flatten(argument as TensorTree);
  requireReal(name, 'the parameter', leaves, (i) => paths(argument)[i] as string);
  leaves.forEach((leaf, i) => {
    const path = (): string => paths(argument)[i] as string;
    if (!(leaf instanceof Tensor)) {
      throw new Error(
        `${name}: the parameter ${path()} is not a tensor but ${describeLeaf(leaf)}; make it one with tf.scalar or tf.tensor`,
      );
    }
    if (leaf.dtype !== 'float32') {
      throw new Error(
        `${name}: the parameter ${path()} is ${leaf.dtype}[${leaf.shape}], and derivatives need float32: cast it, or pass it with the batch`,
      );
    }
    if (leaf.isDisposed)
      throw new Error(`${name}: the parameter ${path()} is a disposed tensor ${printAval(leaf as never)}`);
  });
  const aliases = leaves.map((leaf) => record('Identity', [leaf]));
  return { tree: unflatten(structure, aliases) as P, leaves: aliases, structure };
}

/** @throws unless the arguments of a function are given as an array. */
export function requireArguments(name: string, primals: unknown): void {
  if (Array.isArray(primals)) return;
  throw new Error(
    `${name}: the arguments must be an array, [x] for a function of one, and are ${describeLeaf(primals)}`,
  );
}

/** Takes a tree of tensors apart; `what` names it where a leaf is no tensor or was disposed. */
export function tensorLeaves(
  name: string,
  what: string,
  tree: unknown,
): { readonly leaves: readonly Tensor[]; readonly structure: Structure } {
  const { leaves, structure } = flatten<unknown>(tree);
  leaves.forEach((leaf, i) => {
    const place = (): string => `${what} ${paths(tree)[i]}`;
    if (!(leaf instanceof Tensor)) {
      throw new Error(`${name}: ${place()} is not a tensor but ${describeLeaf(leaf)}; make it one with tf.tensor`);
    }
    if (leaf.isDisposed) throw new Error(`${name}: ${place()} is a disposed tensor ${printAval(leaf as never)}`);
  });
  requireReal(name, what, leaves, (i) => paths(tree)[i] as string);
  return { leaves: leaves as Tensor[], structure };
}

/**
 * @param what - which tree it is, for the message; `path` names a leaf of it.
 * @throws if one of the leaves is complex: a program holds real numbers.
 */
export function requireReal(
  name: string,
  what: string,
  leaves: readonly unknown[],
  path: (index: number) => string,
): void {
  leaves.forEach((leaf, i) => {
    if (!(leaf instanceof Tensor) || leaf.dtype !== 'complex64') return;
    throw new Error(
      `${name}: ${`${what} ${path(i)}`.trim()} is ${describeLeaf(leaf)}, and the arguments and results of a transform are real: ` +
        'use tf.real(x) and tf.imag(x) in its place, and join them with tf.complex',
    );
  });
}

export function describeLeaf(leaf: unknown): string {
  if (leaf instanceof Tensor) return `${leaf.dtype}[${leaf.shape}]`;
  if (leaf === null) return 'null';
  return typeof leaf === 'object' ? (leaf.constructor?.name ?? 'an object') : typeof leaf;
}

/** Splits what a function with `hasAux` returned. */
export function splitAux(name: string, result: unknown): [value: unknown, aux: unknown] {
  if (!Array.isArray(result) || result.length !== 2) {
    const got = Array.isArray(result) ? `an array of ${result.length}` : describeLeaf(result);
    throw new Error(
      `${name}: the function must return [value, aux], where aux is a tree of tensors ([] when there is nothing to hand out), and returned ${got}`,
    );
  }
  const [value, aux] = result;
  if (aux === null || aux === undefined)
    throw new Error(`${name}: aux is ${aux}; it must be a tree of tensors, [] when there is nothing to hand out`);
  const { leaves } = flatten(aux as TensorTree);
  leaves.forEach((leaf, i) => {
    if (!(leaf instanceof Tensor)) {
      throw new Error(
        `${name}: aux must be a tree of tensors, and ${paths(aux as TensorTree)[i]} is ${describeLeaf(leaf)}`,
      );
    }
  });
  return [value, aux];
}

/** @throws unless `value` is one float32 number. */
export function requireScalar(name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor))
    throw new Error(`${name}: the function must return a tensor and returned ${describeLeaf(value)}`);
  if (value.rank !== 0) {
    throw new Error(
      `${name}: the function must return a scalar (shape []) and returned shape [${value.shape}]; sum it or take its mean`,
    );
  }
  if (value.dtype !== 'float32')
    throw new Error(`${name}: the function must return float32 and returned ${value.dtype}`);
  return value;
}
