import '@tensorflow/tfjs-backend-cpu';
import { memory, scalar, type Tensor, tensor, tensor1d, tensor2d, zeros } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leaves, map, ravel, size, type TensorTree } from '../src/index.ts';
import { type LeafPlan, tensorPlan, toTensor, treeOf } from './trees.ts';

const free = (tree: unknown) => {
  for (const leaf of leaves(tree)) (leaf as Tensor).dispose();
};

test('is leaf after leaf in row-major order', () => {
  const before = memory().numTensors;
  const tree = {
    w: tensor2d([
      [1, 2],
      [3, 4],
    ]),
    b: scalar(5),
    a: [tensor1d([6])],
  };
  const { flat, unravel } = ravel(tree);
  expect(Array.from(flat.dataSync())).toEqual([6, 5, 1, 2, 3, 4]);
  const back = unravel(flat);
  expect(back.w.arraySync()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(back.b.shape).toEqual([]);
  expect(memory().numTensors).toBe(before + 3 + 1 + 3);
  free([tree, flat, back]);
  expect(memory().numTensors).toBe(before);
});

test('goes there and back', () => {
  fc.assert(
    fc.property(treeOf(tensorPlan), (plan) => {
      const before = memory().numTensors;
      const tree = map((leaf) => toTensor(leaf as LeafPlan), plan) as TensorTree;
      const { flat, unravel } = ravel(tree);
      expect(flat.shape).toEqual([size(tree)]);
      const back = unravel(flat);
      const describeLeaf = (leaf: Tensor) => ({ shape: leaf.shape, dtype: leaf.dtype, data: leaf.arraySync() });
      expect(map(describeLeaf, back)).toStrictEqual(map(describeLeaf, tree));
      free([tree, flat, back]);
      expect(memory().numTensors).toBe(before);
    }),
  );
});

test('an empty tree gives an empty vector', () => {
  const { flat, unravel } = ravel([null, {}]);
  expect(flat.shape).toEqual([0]);
  expect(flat.dtype).toBe('float32');
  expect(unravel(flat)).toEqual([null, {}]);
  flat.dispose();
});

test('the vector is a tensor of its own, even for one vector', () => {
  const x = tensor1d([1, 2]);
  const { flat } = ravel(x);
  x.dispose();
  expect(Array.from(flat.dataSync())).toEqual([1, 2]);
  flat.dispose();
});

test('keeps integers, and empty leaves keep a dtype of their own', () => {
  const tree = { key: tensor([16777217, 2], [2], 'int32'), none: zeros([0, 3]) };
  const { flat, unravel } = ravel(tree);
  expect(flat.dtype).toBe('int32');
  const back = unravel(flat);
  expect(Array.from(back.key.dataSync())).toEqual([16777217, 2]);
  expect([back.none.dtype, back.none.shape]).toEqual(['float32', [0, 3]]);
  free([tree, flat, back]);
});

test('refuses mixed dtypes, leaves that are no tensors and vectors that do not fit', () => {
  const before = memory().numTensors;
  const tree = { a: scalar(1), b: tensor([1, 2], [2], 'int32'), c: tensor([1], [1], 'int32') };
  expect(() => ravel(tree)).toThrow('tree.ravel: leaves differ in dtype: float32 at $.a vs int32 at $.b');
  expect(() => ravel({ a: [1] } as unknown as TensorTree)).toThrow('tree.ravel: the leaf at $.a[0] is number');
  const { flat, unravel } = ravel({ a: tree.a });
  const wrong = 'tree.ravel: unravel takes float32 of shape [1]';
  expect(() => unravel(tree.b)).toThrow(`${wrong}, got int32 of shape [2]`);
  expect(() => unravel(tree.c)).toThrow(`${wrong}, got int32 of shape [1]`);
  expect(() => unravel(tree.a)).toThrow(`${wrong}, got float32 of shape []`);
  free([tree, flat]);
  expect(memory().numTensors).toBe(before);
});
