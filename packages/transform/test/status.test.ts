// What becomes of numbers that are not finite: what an update refuses, and what check and the loops find afterwards.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { check, disposeTensors, makeState, stepper, withAux } from '../src/index.ts';
import { build } from './sgld.ts';

type Tensors = { readonly a: tf.Tensor; readonly nested: { readonly b: tf.Tensor; readonly count: tf.Tensor } };
const start = () =>
  makeState({ a: tf.zeros([7]), nested: { b: tf.scalar(1), count: tf.scalar(1, 'int32') }, key: toKey(0), step: 3 });

describe.each(['cpu', 'wasm'] as const)('an update on %s', (device) => {
  const remedy = (field: string, hyper: object): string => `Look at ${field}, ${JSON.stringify(hyper)}.`;
  const put = stepper<Tensors, tf.Tensor, object, []>(
    'test.update',
    ({ nested: { b, count } }, batch) => [{ a: batch, nested: { b: tf.add(b, tf.sum(tf.mul(0, batch))), count } }, []],
    { value: 'a', remedy, hyper: ['rate'] },
  );

  test.each([
    ...[0, 3, 4, 6].map((element) => [element, Number.NaN] as const),
    [5, Infinity] as const,
    [2, -Infinity] as const,
  ])('with element %i that is %f throws and leaves the state, pure and in place', async (element, value) => {
    await setBackend(device);
    const [good, bad] = [
      tf.fill([7], 3e38),
      tf.tensor1d(Array.from({ length: 7 }, (_, i) => (i === element ? value : 1))),
    ];
    const state = start();
    disposeTensors(put(state, good, () => ({}))[0]);
    const { a, nested } = state;
    expectNoLeak(() => {
      for (const inplace of [false, true]) {
        expect(() => put(state, bad, () => ({ rate: 2 }), { inplace })).toThrow(
          `test.update: element ${element} of a is ${value} at step 3. Look at a, {"rate":2}. The state is as it was; { check: false } goes on regardless.`,
        );
      }
      put(state, bad, () => ({}), { check: false })[0].dispose();
    });
    expect(state).toEqual({ a, nested, key: toKey(0), step: 3 });
    expect(a).toBeAllClose(tf.zeros([7]));
    put(state, good, () => ({}), { inplace: true });
    expect(state.step).toBe(4);
    disposeTensors([state, good, bad]);
  });

  test('refuses options and hyper-parameters that there are not', async () => {
    await setBackend(device);
    const state = start();
    const call = (options: object) => () => put(state, state.a, () => ({}), options);
    expect(call({ inPlace: true })).toThrow(
      'test.update: there is no option inPlace; there are inplace, aux, compile, check, hyper',
    );
    expect(call({ hyper: { rat: 1 } })).toThrow('test.update: there is no option rat; there are rate');
    expect(call({ hyper: 3 })).toThrow('test.update: the options are 3 and must be an object with rate');
    const none = stepper<Tensors, null, object, []>('test.update', (tensors) => [tensors, []]);
    expect(() => none(state, null, () => ({}), { hyper: {} })).toThrow(
      'test.update: there is no option hyper; there are inplace, aux, compile, check',
    );
    state.dispose();
  });
});

describe('check', () => {
  // Falls off an edge at 2, where it has no logarithm.
  const transform = build((theta: tf.Tensor) => withAux(tf.sum(tf.log(tf.sub(2, theta))), []), {
    learningRate: 1,
    temperature: 0,
  });

  test('takes a state that has not been updated, and one that is finite', async () => {
    await setBackend('wasm');
    const state = transform.init(tf.tensor1d([0, 1]), { seed: 0 });
    await expectNoLeak(async () => {
      await check(state);
      const [next] = transform.update(state, null);
      await check(next);
      next.dispose();
    });
    state.dispose();
  });

  test('names the tensor, the element and the updates, and changes nothing', async () => {
    const state = transform.init(tf.tensor1d([1, 2]), { seed: 0 });
    transform.update(state, null, { inplace: true, check: false });
    await expect(check(state)).rejects.toThrow(
      /^check: after 1 updates logPosterior is -Infinity\. .* go back to an earlier state/,
    );
    transform.update(state, null, { inplace: true, check: false });
    await expect(check(makeState({ params: state.params, key: state.key, step: 2 }))).rejects.toThrow(
      'check: after 2 updates element 1 of params is -Infinity.',
    );
    state.dispose();
  });

  test('names the chains of a state that was mapped', async () => {
    const keys = keyTensor(split(toKey(1), 4));
    const starts = tf.tensor2d([[0, 1], [1, 3], [0, 0], [1, 5]]); // biome-ignore format: chains
    const first = vmap((theta: tf.Tensor, key: tf.Tensor) => transform.init(theta, { key }) as never)(starts, keys);
    const chains = vmap((state: never) => transform.update(state, null)[0] as never)(first);
    await expect(check(first as never)).resolves.toBeUndefined();
    await expect(check(chains as never)).rejects.toThrow(
      'check: after 1 updates logPosterior in chain 1 is NaN, as in 2 of 4 chains: 1, 3.',
    );
    disposeTensors([first, chains, keys, starts]);
  });
});
