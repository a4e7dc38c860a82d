import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import { foldIn, key as toKey } from '@posteriors/random';
import { map } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { makeState, stepCache, stepper, withAux } from '../src/index.ts';
import { build } from './sgld.ts';

await setBackend('cpu');

describe('stepper', () => {
  type Tensors = { readonly params: tf.Tensor };
  const step = stepper<Tensors, null, { rate: tf.Tensor }, { key: tf.Tensor; step: tf.Tensor; rate: tf.Tensor }>(
    'test.update',
    ({ params }, _, { rate }, context) => [{ params: tf.add(params, rate) }, { ...context, rate }],
  );

  test.each([true, false])('gives the step its key, its number and its hyper-parameters, compile: %s', (compile) => {
    let state = makeState({ params: tf.scalar(0), key: toKey(5), step: 0 });
    for (const number of [0, 1, 2]) {
      const hyperAt = vi.fn(() => ({ rate: 10 ** number }));
      const [next, aux] = step(state, null, hyperAt, { compile });
      expect(hyperAt.mock.calls).toEqual([[number]]);
      const { key, ...rest } = map((leaf: tf.Tensor) => leaf.arraySync(), aux);
      expect(rest).toEqual({ step: number, rate: 10 ** number });
      expect(key).toEqual([...new Int32Array(foldIn(toKey(5), number))]);
      expect([aux.key.dtype, aux.step.dtype, aux.rate.dtype]).toEqual(['int32', 'int32', 'float32']);
      state = next;
    }
    expect(state.params).toBeAllClose(111);
    expect(state.key).toEqual(toKey(5));
  });
});

describe('stepCache', () => {
  test('makes one thing for the same objects and settings', () => {
    const cache = stepCache();
    const [a, b] = [{}, {}];
    const make = vi.fn(() => ({}));
    const made = cache([a, b], 'x', make);
    expect(cache([a, b], 'x', make)).toBe(made);
    expect(make).toHaveBeenCalledTimes(1);
    const others = [
      cache([b, a], 'x', make),
      cache([a, b], 'y', make),
      cache([a], 'x', make),
      stepCache()([a, b], 'x', make),
    ];
    expect(new Set([made, ...others]).size).toBe(5);
  });

  test('lets two transforms with one log posterior share a program', () => {
    let calls = 0;
    const logPosterior = (theta: tf.Tensor): [tf.Tensor, []] => {
      calls++;
      return withAux(tf.neg(tf.sum(tf.square(theta))), []);
    };
    const [one, two] = [0.1, 0.2].map((learningRate) => build(logPosterior, { learningRate, temperature: 0 }));
    const state = one?.init(tf.tensor1d([1, 2]), { seed: 0 });
    if (one === undefined || two === undefined || state === undefined) throw new Error('unreachable');
    expect(one.update(state, null)[0].params).toBeAllClose([0.8, 1.6]);
    expect(calls).toBe(2); // Traced twice, to see that it is pure.
    expect(two.update(state, null)[0].params).toBeAllClose([0.6, 1.2]);
    one.update(state, null, { hyper: { learningRate: 0.3, temperature: tf.scalar(1) } });
    expect(calls).toBe(2);
    one.update(state, null, { aux: false });
    expect(calls).toBe(4); // A program of its own, without aux.
  });
});
