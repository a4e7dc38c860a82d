import '@posteriors/backend/cpu';
import { jit } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { disposeTensors, makeState, splitStates, stackStates } from '../src/index.ts';

await setBackend('cpu');

const make = (i: number, step = 4) =>
  makeState({ params: { a: tf.tensor1d([i, 2 * i]) as tf.Tensor, b: tf.scalar(i) as tf.Tensor }, key: toKey(i) as Uint32Array | tf.Tensor, step }); // biome-ignore format: one line

test('states of one chain become one, with keys [chains, 2], and come apart again', () => {
  const states = [1, 2, 3].map((i) => make(i));
  const onDevice = makeState({ ...make(2), key: keyTensor(toKey(2)) });
  expectNoLeak(() => {
    for (const given of [states, [states[0]!, onDevice, states[2]!]]) {
      const stacked = stackStates(given);
      expect(stacked.step).toBe(4);
      expect(stacked.params.a).toBeAllClose([[1, 2], [2, 4], [3, 6]]); // biome-ignore format: a matrix
      expect(stacked.params.b).toBeAllClose([1, 2, 3]);
      expect((stacked.key as tf.Tensor).arraySync()).toEqual([[0, 1], [0, 2], [0, 3]]); // biome-ignore format: a matrix
      const apart = splitStates(stacked);
      stacked.dispose();
      expect(apart.map(({ params }) => [...params.a.dataSync(), ...params.b.dataSync()])).toEqual([[1, 2, 1], [2, 4, 2], [3, 6, 3]]); // biome-ignore format: a matrix
      expect(apart.map(({ key }) => (key as tf.Tensor).arraySync())).toEqual([[0, 1], [0, 2], [0, 3]]); // biome-ignore format: a matrix
      expect(apart.map(({ step }) => step)).toEqual([4, 4, 4]);
      for (const state of apart) state.dispose();
    }
  });
  expect(states[0]!.params.a).toBeAllClose([1, 2]);
  disposeTensors([states, onDevice]);
});

test.each<[string, () => ReturnType<typeof make>[], string]>([
  ['none', () => [], 'stackStates: there are no states; give at least one'],
  ['other steps', () => [make(1), make(2), make(3, 5)], 'stackStates: state 0 is at step 4 and state 2 at step 5; one program updates them all, so that their steps must be equal'],
  ['other shapes', () => [make(1), makeState({ ...make(2), params: { a: tf.ones([3]), b: tf.scalar(1) } })], 'stackStates: tree.stack: shapes differ at $.params.a: [2] vs [3]'],
  ['another structure', () => [make(1), makeState({ ...make(2), params: { a: tf.ones([2]) } as never })], 'stackStates: tree.stack: trees differ in structure at $.params'],
  ['several chains', () => [stackStates([make(1), make(2)])], 'stackStates: state 0 is of several chains already; splitStates takes it apart'],
  ['a promise', () => [Promise.resolve() as never], 'stackStates: the state is a promise'],
])('refuses %s', (_, states, says) => {
  const given = states();
  expectNoLeak(() => expect(() => stackStates(given)).toThrow(says));
}); // biome-ignore format: a table

test('states in a function that jit compiles, whose steps are not known', () => {
  const both = jit((one: ReturnType<typeof make>, two: ReturnType<typeof make>) => stackStates([one, two]).params);
  expect(() => both(make(1), make(2))).toThrow('stackStates: the steps are not known while a function is compiled');
});

test('a state of one chain cannot be split', () => {
  expect(() => splitStates(make(1))).toThrow('splitStates: the state is that of a single chain, and cannot be split');
});
