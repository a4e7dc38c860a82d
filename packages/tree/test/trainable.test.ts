import '@tensorflow/tfjs-backend-cpu';
import { add, memory, mul, scalar, sum, type Tensor, tensor1d, tidy, variable } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  extractTrainable,
  extractTrainableAndFunction,
  insertTrainable,
  insertTrainableInplace,
  leaves,
  type Mask,
  map,
  resolveMask,
  size,
} from '../src/index.ts';
import { Point } from './trees.ts';

const make = () => ({ encoder: [{ b: tensor1d([1]), w: tensor1d([2, 3]) }], head: { b: scalar(4), w: null } });
const sizes = (tree: unknown) => leaves(tree).map((leaf) => (leaf as Tensor).size);
const free = (tree: unknown) => {
  for (const leaf of leaves(tree)) (leaf as Tensor).dispose();
};

describe('masks', () => {
  test.each<[string, Mask, number[]]>([
    ['a predicate', (leaf, path) => path.startsWith('$.encoder') && leaf.size > 1, [0, 2, 0]],
    ['a whole tree', { encoder: [{ b: true, w: false }], head: { b: true, w: null } }, [1, 0, 1]],
    ['a prefix', { encoder: false, head: true }, [0, 0, 1]],
    ['one boolean', true, [1, 2, 1]],
  ])('%s', (_, mask, expected) => {
    const tree = make();
    const sub = extractTrainable(tree, mask);
    expect(sizes(sub)).toEqual(expected);
    expect(insertTrainable(tree, sub, mask)).toEqual(tree);
    const resolved = resolveMask(tree, mask);
    expect(leaves(resolved)).toEqual(expected.map((count) => count > 0));
    expect(resolved.head.w).toBe(null);
    free([tree, sub]);
  });

  test('by default the variables that are not trainable are frozen', () => {
    const initial = scalar(1);
    const tree = { free: variable(initial), frozen: variable(initial, false), plain: initial };
    const sub = extractTrainable(tree);
    expect(sizes(sub)).toEqual([1, 0, 1]);
    free([tree, sub]);
  });

  test('reach into registered classes', () => {
    const point = new Point(scalar(1), scalar(2)) as unknown as { x: Tensor; y: Tensor };
    const sub = extractTrainable(point, { x: false, y: true });
    expect(sub).toBeInstanceOf(Point);
    expect(sizes(sub)).toEqual([0, 1]);
    free([point, sub]);
  });

  test.each<[unknown, string]>([
    [{ encoder: false }, '$ is {encoder}, expected boolean or {encoder, head}'],
    [{ encoder: [true, true], head: true }, '$.encoder is [2 items], expected boolean or [1 item]'],
    [{ encoder: [{ b: 1, w: true }], head: true }, '$.encoder[0].b is number, expected boolean;'],
    [{ encoder: true, head: { b: true, w: [] } }, '$.head.w is [0 items], expected boolean or null'],
  ])('%j is refused', (mask, message) => {
    const tree = make();
    const before = memory().numTensors;
    expect(() => extractTrainable(tree, mask as Mask)).toThrow(`tree.extractTrainable: the mask at ${message}`);
    expect(memory().numTensors).toBe(before);
    free(tree);
  });
});

test('insertTrainableInplace writes the trainable leaves alone', () => {
  const before = memory().numTensors;
  const tree = make();
  const mask = { encoder: false, head: true };
  const { encoder } = tree;
  const sub = extractTrainable(tree, mask);
  const next = map((leaf) => mul(leaf, 10), sub);
  const bias = tree.encoder[0]?.b;
  expect(insertTrainableInplace(tree, next, mask)).toBe(tree);
  expect(tree.encoder).toBe(encoder);
  expect(tree.encoder[0]?.b).toBe(bias);
  expect(tree.head.b.dataSync()[0]).toBe(40);
  free([tree, sub, next]);
  expect(memory().numTensors).toBe(before);
});

describe('extractTrainableAndFunction', () => {
  const mask = { encoder: false, head: true };
  const total = (tree: ReturnType<typeof make>, factor: number) =>
    tidy(() => factor * leaves(tree).reduce((total, leaf) => total + (sum(leaf).arraySync() as number), 0));

  test('gives the function of the trainable leaves', () => {
    const tree = make();
    const { subtree, subfunction } = extractTrainableAndFunction(tree, mask, total);
    expect(size(subtree)).toBe(1);
    expect(subfunction(subtree, 2)).toBe(total(tree, 2));
    const next = map((leaf) => add(leaf, 1), subtree);
    expect(subfunction(next, 1)).toBe(total(tree, 1) + 1);
    expect(tree.head.b.dataSync()[0]).toBe(4);
    free([tree, subtree, next]);
  });

  test('in place the tree follows, and the arguments stay whole', () => {
    const before = memory().numTensors;
    const tree = make();
    const { subtree, subfunction } = extractTrainableAndFunction(tree, mask, total, { inplace: true });
    const first = map((leaf) => add(leaf, 1), subtree);
    const second = map((leaf) => add(leaf, 2), subtree);
    expect(subfunction(first, 1)).toBe(11);
    expect(subfunction(second, 1)).toBe(12);
    expect(tree.head.b.dataSync()[0]).toBe(6);
    expect(first.head.b.dataSync()[0]).toBe(5);
    expect(subtree.head.b.dataSync()[0]).toBe(4);
    free([tree, subtree, first, second]);
    expect(memory().numTensors).toBe(before);
  });
});
