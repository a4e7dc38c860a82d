import '@posteriors/backend/cpu';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { flatten, map, paths, stack, unflatten } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { disposeTensors, makeState } from '../src/index.ts';

await setBackend('cpu');

const make = () => makeState({ params: { b: tf.scalar(1), a: [tf.ones([2])] }, none: null, key: key(3), step: 4 });

test('a state is a tree of tensors, its key and its step', () => {
  const state = make();
  expect(paths(state)).toEqual(['$.key', '$.params.a[0]', '$.params.b', '$.step']);
  const { leaves, structure } = flatten<unknown>(state);
  const again = unflatten(structure, leaves) as typeof state;
  expect(again).toEqual(state);
  expect(Object.getPrototypeOf(again)).toBe(Object.getPrototypeOf(state));
  const doubled = map(
    (leaf: unknown) => (leaf instanceof tf.Tensor ? tf.mul(2, leaf) : leaf),
    state as unknown,
  ) as typeof state;
  expect(doubled.params).toBeAllClose({ a: [[2, 2]], b: 2 });
  expect(doubled.step).toBe(4);
  doubled.dispose();
  expect(state.params.b.isDisposed).toBe(false);
  again.dispose();
  expect(state.params.b.isDisposed).toBe(true);
});

test('vmap maps over the tensors of a state and passes key and step as they are', () => {
  const states = makeState({ params: tf.tensor1d([1, 2, 3]), key: key(3), step: 4 });
  const next = vmap((state: typeof states) =>
    makeState({ ...state, params: tf.square(state.params), step: state.step + 1 }),
  )(states);
  expect(next.params).toBeAllClose([1, 4, 9]);
  expect(next.step).toBe(5);
  expect(next.key).toEqual(key(3));
  expect(typeof next.dispose).toBe('function');
});

test('dispose frees all tensors, once, also by Symbol.dispose', () => {
  expectNoLeak(() => {
    const state = make();
    state.params.b.dispose();
    state.dispose();
    state.dispose();
    make()[Symbol.dispose]();
  });
});

test('disposeTensors passes by what is no tensor, and what is disposed', () => {
  expectNoLeak(() => {
    const tree = [tf.scalar(1), { x: tf.scalar(2), y: 3, z: null }, 'text'] as const;
    tree[0].dispose();
    disposeTensors(tree);
    disposeTensors(undefined);
  });
});

test('states stack like other trees', () => {
  const stacked = stack([tf.scalar(1), tf.scalar(2)].map((params) => ({ params })));
  expect(stacked.params).toBeAllClose([1, 2]);
});
