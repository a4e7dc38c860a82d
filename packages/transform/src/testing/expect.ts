/** What the checks compare with: they throw, and so run in any test runner. */

import { flatten, leaves, paths } from '@posteriors/tree';
import { Tensor, memory as tfjsMemory } from '@tensorflow/tfjs-core';

/** The numbers of a tree, by path. */
export type Values = ReadonlyMap<string, readonly number[]>;

/** Reads the numbers of a tree of tensors, typed arrays and numbers. */
export async function valuesOf(tree: unknown): Promise<Values> {
  const numbers = leaves<unknown>(tree).map(async (leaf) => {
    if (leaf instanceof Tensor) return Array.from(await leaf.data());
    return typeof leaf === 'number' ? [leaf] : Array.from(leaf as ArrayLike<number>);
  });
  const at = paths(tree);
  return new Map((await Promise.all(numbers)).map((values, i) => [at[i] as string, values]));
}

/** @throws unless the numbers are the same, to the bit or within `tolerance` of the largest of their leaf. */
export function requireSame(what: string, actual: Values, expected: Values, tolerance = 0): void {
  const [is, must] = [[...actual.keys()].join(', '), [...expected.keys()].join(', ')];
  if (is !== must) throw new Error(`${what}: the leaves are ${is} and must be ${must}`);
  for (const [path, right] of expected) {
    const values = actual.get(path) as readonly number[];
    const scale = Math.max(1, ...right.filter(Number.isFinite).map(Math.abs));
    if (values.length !== right.length)
      throw new Error(`${what}: ${path} has ${values.length} elements and must have ${right.length}`);
    right.forEach((value, i) => {
      const got = values[i] as number;
      if (Object.is(got, value) || Math.abs(got - value) <= tolerance * scale) return;
      throw new Error(`${what}: ${path}, element ${i}, is ${got} and must be ${value}`);
    });
  }
}

/** @throws if the numbers of all trees are the same. */
export function requireDifferent(what: string, trees: readonly Values[]): void {
  const texts = new Set(trees.map((values) => JSON.stringify([...values])));
  if (texts.size === 1) throw new Error(`${what}: the numbers are the same and must differ`);
}

/** @throws unless a condition holds. */
export function require(what: string, holds: boolean): asserts holds {
  if (!holds) throw new Error(what);
}

/** What lives on the device now. */
export interface Memory {
  readonly numTensors: number;
  readonly numDataBuffers: number;
  readonly numBytes: number;
}

export function memory(): Memory {
  const { numTensors, numDataBuffers, numBytes } = tfjsMemory();
  return { numTensors, numDataBuffers, numBytes };
}

/** @throws unless `now` equals `before`. */
export function requireMemory(what: string, now: Memory, before: Memory): void {
  for (const key of ['numTensors', 'numDataBuffers', 'numBytes'] as const) {
    if (now[key] !== before[key])
      throw new Error(`${what}: tf.memory().${key} is ${now[key]} and must be ${before[key]}`);
  }
}

/** @throws unless `call` throws an error whose message has `part` in it. */
export function requireThrow(what: string, call: () => unknown, part: string): void {
  try {
    call();
  } catch (error) {
    const { message } = error as Error;
    if (message.includes(part)) return;
    throw new Error(`${what}: the error is "${message}" and must contain "${part}"`, { cause: error });
  }
  throw new Error(`${what}: nothing was thrown; an error with "${part}" must be`);
}

/** A state or other tree as data that JSON can hold, and back by {@link flatten}'s inverse. */
export async function toPlain(
  tree: unknown,
): Promise<readonly { readonly values: readonly number[]; readonly shape: readonly number[] | null }[]> {
  const values = await valuesOf(tree);
  const { leaves: found } = flatten<unknown>(tree);
  return [...values.values()].map((each, i) => ({
    values: each,
    shape: found[i] instanceof Tensor ? (found[i] as Tensor).shape : null,
  }));
}
