import '@tensorflow/tfjs-backend-cpu';
import { memory, ones, scalar, type Tensor, tensor1d, variable, zeros } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extract, insert, insertInplace, leaves, map, size, type TensorTree } from '../src/index.ts';
import { type LeafPlan, tensorPlan, toTensor, treeOf } from './trees.ts';

const isBias = (_: Tensor, path: string) => path.endsWith('.bias');
const free = (tree: unknown) => {
  for (const leaf of leaves(tree)) (leaf as Tensor).dispose();
};

test('extract empties what is rejected and keeps the dtype', () => {
  const before = memory().numTensors;
  const tree = { bias: ones([2]), key: zeros([2], 'int32'), none: null };
  const sub = extract(tree, isBias);
  expect(sub.bias).toBe(tree.bias);
  expect([sub.key.shape, sub.key.dtype]).toEqual([[0], 'int32']);
  expect(sub.none).toBeNull();
  expect(size(sub)).toBe(2);
  expect(memory().numTensors).toBe(before + 3);
  free([tree, sub.key]);
  expect(memory().numTensors).toBe(before);
});

test('insert undoes extract', () => {
  fc.assert(
    fc.property(treeOf(tensorPlan), fc.integer({ min: 1, max: 3 }), (plan, rank) => {
      const tree = map((leaf) => toTensor(leaf as LeafPlan), plan) as TensorTree;
      const predicate = (leaf: Tensor) => leaf.rank < rank;
      const sub = extract(tree, predicate);
      expect(leaves(sub).map((leaf) => leaf.size)).toEqual(
        leaves(tree).map((leaf) => (predicate(leaf) ? leaf.size : 0)),
      );
      const back = insert(tree, sub, predicate);
      leaves(back).forEach((leaf, i) => {
        expect(leaf).toBe(leaves(tree)[i]);
      });
      free([tree, sub]);
    }),
  );
});

test('insert takes chosen leaves from the second tree and makes none', () => {
  const full = { bias: scalar(1), weight: scalar(2) };
  const sub = { bias: scalar(3), weight: scalar(4) };
  const before = memory().numTensors;
  expect(insert(full, sub, isBias)).toEqual({ bias: sub.bias, weight: full.weight });
  expect(insert(full, sub)).toEqual(sub);
  expect(memory().numTensors).toBe(before);
  free([full, sub]);
});

test('insert refuses other structures and another choice of leaves', () => {
  const full = { bias: ones([2]), weight: ones([3]) };
  const sub = extract(full, isBias);
  expect(() => insert(full, { bias: full.bias } as typeof full)).toThrow(
    'tree.insert: trees differ in structure at $: {bias, weight} vs {bias}',
  );
  expect(() => insert(full, sub)).toThrow(
    'tree.insert: the leaf at $.weight has shape [3] and its replacement is empty',
  );
  free([full, sub.weight]);
});

test('insertInplace replaces leaves, disposes the old ones and leaves the second tree whole', () => {
  const before = memory().numTensors;
  const full: Record<'bias' | 'weight' | 'frozen', Tensor> = {
    bias: tensor1d([1]),
    weight: tensor1d([2]),
    frozen: tensor1d([3]),
  };
  const sub = { bias: tensor1d([4]), weight: tensor1d([5]), frozen: zeros([0]) };
  const { bias, frozen } = full;
  const result = insertInplace(full, sub, (_, path) => path !== '$.frozen');
  expect(result).toBe(full);
  expect(full.bias.dataSync()[0]).toBe(4);
  expect(full.frozen).toBe(frozen);
  expect(bias.isDisposed).toBe(true);
  expect(memory().numTensors).toBe(before + 6);
  free(sub);
  expect(full.weight.dataSync()[0]).toBe(5);
  free(full);
  expect(memory().numTensors).toBe(before);
});

test('insertInplace assigns variables', () => {
  const before = memory().numTensors;
  const full = [variable(scalar(1))];
  const [own] = full;
  const sub = [scalar(2)];
  insertInplace<TensorTree>(full, sub);
  expect(full[0]).toBe(own);
  free(sub);
  expect(full[0]?.dataSync()[0]).toBe(2);
  free(full);
  expect(memory().numTensors).toBe(before + 1); // the tensor that the variable was made from
});
