// The parts of a state: written in place they are seen in it, replaced in a copy they are not.
import '@posteriors/backend/cpu';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { insertInplace } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { disposeTensors, makeState } from '../src/index.ts';

await setBackend('cpu');

test('parameters inserted in place are those of the state', () => {
  expectNoLeak(() => {
    const state = makeState({ params: { w: tf.ones([3]) }, key: key(0), step: 0 });
    const next = { w: tf.fill([3], 2) };
    insertInplace(state.params, next);
    disposeTensors(next);
    expect(state.params).toBeAllClose({ w: [2, 2, 2] });
    state.dispose();
  });
});

test('a copy with one field replaced shares the others, and the first state stays as it was', () => {
  const state = makeState({ params: tf.ones([3]), note: ['first', null], key: key(0), step: 0 });
  const next = makeState({ ...state, note: ['second', tf.ones([3])] as const, step: 1 });
  expect(next.params).toBe(state.params);
  expect([state.note, state.step]).toEqual([['first', null], 0]);
  expect([next.note[0], next.step]).toEqual(['second', 1]);
  next.dispose();
  expect(state.params.isDisposed).toBe(true);
});

test('vmap makes states of several parameters, with more fields', () => {
  const init = (params: tf.Tensor, more: tf.Tensor) => makeState({ params, more, key: key(0), step: 0 });
  const [params, more] = [tf.reshape(tf.range(0, 15), [5, 3]), tf.zeros([5, 2])];
  const states = vmap(init)(params, more);
  expect(states.params).toBeAllClose(params, { rtol: 0, atol: 0 });
  expect(states.more).toBeAllClose(more, { rtol: 0, atol: 0 });
  expect(typeof states.dispose).toBe('function');
});
