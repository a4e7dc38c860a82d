import '@posteriors/backend/cpu';
import { jit, vmap } from '@posteriors/autodiff';
import { key, keyTensor, normal, split } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { leaves } from '@posteriors/tree';
import { ones, scalar, stack, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { normalLike } from '../src/index.ts';

const tree = { layers: [{ weight: zeros([2, 3]), bias: ones([3]) }, null], scale: scalar(7) };

test('draws each leaf with its own key, in the order of the leaves', () => {
  const [bias, weight, scale] = split(key(3), 3);
  const drawn = normalLike(key(3), tree);
  expect(drawn.layers[1]).toBeNull();
  expect(drawn).toEqual({
    layers: [{ weight: expect.anything(), bias: expect.anything() }, null],
    scale: expect.anything(),
  });
  expect(leaves(drawn)).toBeAllClose([normal(bias!, [3]), normal(weight!, [2, 3]), normal(scale!, [])]);
});

test('puts the sample shape in front', () => {
  const drawn = normalLike(key(3), tree, { sampleShape: [4, 2] });
  expect(leaves(drawn).map(({ shape }) => shape)).toEqual([
    [4, 2, 3],
    [4, 2, 2, 3],
    [4, 2],
  ]);
});

test('the same key gives the same numbers, another key others, and values of the tree do not matter', () => {
  const once = normalLike(key(1), { a: zeros([50]) });
  expect(normalLike(key(1), { a: ones([50]) })).toBeAllClose(once, { rtol: 0, atol: 0 });
  expect(normalLike(key(2), { a: zeros([50]) })).not.toBeAllClose(once, { rtol: 0.1 });
});

test('a tree without leaves', () => {
  expect(normalLike(key(1), { a: null })).toEqual({ a: null });
});

test('is the same compiled and mapped over keys', () => {
  const keys = [key(1), key(2), key(3)];
  const weight = (k: Tensor | Uint32Array): Tensor => normalLike(k, tree).layers[0]!.weight;
  const expected = stack(keys.map(weight));
  expect(vmap(weight)(keyTensor(keys))).toBeAllClose(expected);
  expect(jit(vmap(weight))(keyTensor(keys))).toBeAllClose(expected);
});

test('nothing leaks', () => {
  const deviceKey = keyTensor(key(1));
  expectNoLeak(() => {
    for (const k of [key(1), deviceKey]) for (const leaf of leaves(normalLike(k, tree))) (leaf as Tensor).dispose();
  });
});
