import '@tensorflow/tfjs-backend-cpu';
import { memory, scalar, type Tensor, tensor1d, zeros } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { leaves, stack, unstack } from '../src/index.ts';

const free = (tree: unknown) => {
  for (const leaf of leaves(tree)) (leaf as Tensor).dispose();
};

test('stack puts trees on a leading axis and unstack takes them off', () => {
  const before = memory().numTensors;
  const trees = [1, 2, 3].map((n) => ({ a: scalar(n), b: [tensor1d([n, -n]), null] }));
  const stacked = stack(trees);
  expect(stacked.a.arraySync()).toEqual([1, 2, 3]);
  expect((stacked.b[0] as Tensor).arraySync()).toEqual([
    [1, -1],
    [2, -2],
    [3, -3],
  ]);
  const back = unstack(stacked);
  expect(back.map((tree) => tree.a.arraySync())).toEqual([1, 2, 3]);
  expect(back.map((tree) => tree.b[1])).toEqual([null, null, null]);
  expect(back.map((tree) => tree.b[0]?.arraySync())).toEqual([
    [1, -1],
    [2, -2],
    [3, -3],
  ]);
  expect(memory().numTensors).toBe(before + 6 + 2 + 6);
  free([trees, stacked, back]);
  expect(memory().numTensors).toBe(before);
});

test('what cannot be stacked is refused', () => {
  const [a, b] = [{ w: zeros([2]) }, { w: zeros([3]) }];
  expect(() => stack([])).toThrow('tree.stack: there are no trees');
  expect(() => stack([a, b])).toThrow('tree.stack: shapes differ at $.w: [2] vs [3]');
  expect(() => stack<{ w: Tensor } | null>([a, null])).toThrow(
    'tree.stack: trees differ in structure at $: {w} vs null',
  );
  expect(() => unstack({ a: a.w, b: b.w })).toThrow('got shape [3] at $.b');
  expect(() => unstack([null])).toThrow('got no leaves');
  const x = scalar(1);
  expect(() => unstack(x)).toThrow('got shape [] at $');
  free([a, b, x]);
});
