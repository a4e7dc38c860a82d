// Trees of variables, whose flags say what is trained: the flags go with the leaves.
import '@tensorflow/tfjs-backend-cpu';
import { dispose, memory, scalar, sum, type Tensor, tensor1d, tidy, variable } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  extractTrainable,
  extractTrainableAndFunction,
  insertTrainable,
  insertTrainableInplace,
  isTrainable,
  leaves,
  size,
} from '../src/index.ts';

const values = (tree: unknown): number[][] => leaves(tree).map((leaf) => Array.from((leaf as Tensor).dataSync()));
const trainable = (tree: object): unknown[] => Object.values(tree).map((leaf) => leaf.trainable);
const make = () => ({ a: variable(tensor1d([1, 2])), b: variable(tensor1d([3, 4]), false) });
let before = 0;
let tree: ReturnType<typeof make>;
beforeEach(() => {
  before = memory().numTensors;
  tree = tidy(make);
});
afterEach(() => {
  dispose(tree);
  expect(memory().numTensors).toBe(before);
});

test('what is extracted is the trainable variable itself', () => {
  const sub = extractTrainable(tree);
  expect(sub.a).toBe(tree.a);
  expect(values(sub)).toEqual([[1, 2], []]);
  dispose(sub.b);
});

test('a pure insertion leaves the tree and its flags as they were', () => {
  const sub = extractTrainable(tree);
  const next = { a: tensor1d([5, 6]), b: sub.b };
  const merged = insertTrainable(tree, next as never);
  expect(values(merged)).toEqual([[5, 6], [3, 4]]); // biome-ignore format: rows
  expect(merged.b).toBe(tree.b);
  expect(values(tree)).toEqual([[1, 2], [3, 4]]); // biome-ignore format: rows
  expect(trainable(tree)).toEqual([true, false]);
  dispose(next);
});

test('an insertion in place assigns the trainable variable, and keeps both flags', () => {
  const [{ a, b }, sub] = [tree, extractTrainable(tree)];
  const next = { a: tensor1d([5, 6]), b: sub.b };
  insertTrainableInplace(tree, next as never);
  dispose(next);
  expect([tree.a, tree.b]).toEqual([a, b]);
  expect(values(tree)).toEqual([[5, 6], [3, 4]]); // biome-ignore format: rows
  expect(trainable(tree)).toEqual([true, false]);
});

test('a function of what is trainable sees the frozen leaves, and in place writes into the variables', () => {
  const total = (params: object): number =>
    tidy(() => (leaves(params) as Tensor[]).reduce((all, leaf) => all + (sum(leaf).arraySync() as number), 0));
  const pure = extractTrainableAndFunction(tree, isTrainable, total as never);
  expect((pure.subfunction as (sub: object) => number)(pure.subtree)).toBe(10);
  const inplace = extractTrainableAndFunction(tree, isTrainable, total as never, { inplace: true });
  const next = { a: tensor1d([5, 6]), b: inplace.subtree.b };
  expect((inplace.subfunction as (sub: object) => number)(next)).toBe(18);
  expect(values(tree)).toEqual([[5, 6], [3, 4]]); // biome-ignore format: rows
  expect(values(next.a)).toEqual([[5, 6]]);
  dispose([next.a, pure.subtree.b, inplace.subtree]); // in place the subtree has tensors of its own
});

test('numbers have a size, alone and beside tensors', () => {
  expect([size(1), size(1.2), size({ a: 3, b: tree.a })]).toEqual([1, 1, 3]);
  const one = scalar(2);
  expect(size(one)).toBe(1);
  one.dispose();
});
