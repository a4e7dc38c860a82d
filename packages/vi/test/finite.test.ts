// What variational inference does where the new state would not be finite, or the log posterior is not on the scale of its temperature.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import { sgd } from '@posteriors/optim';
import { withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, vi as mock, test } from 'vitest';
import { dense, diag } from '../src/index.ts';

afterEach(() => mock.restoreAllMocks());

const optimizer = sgd({ learningRate: 0.1 });
type Density = (theta: tf.Tensor) => tf.Tensor;
/** The two families with small spreads, for a log posterior of the parameters and a batch that is not looked at. */
const families = {
  'vi.diag': (density: Density, temperature: number) =>
    diag.build((theta: tf.Tensor, _: unknown) => withAux(density(theta), []), optimizer, {
      temperature,
      initLogSds: -3,
    }),
  'vi.dense': (density: Density, temperature: number) =>
    dense.build((theta: tf.Tensor, _: unknown) => withAux(density(theta), []), optimizer, {
      temperature,
      initL: 0.05,
    }),
};
const names = Object.keys(families) as (keyof typeof families)[];

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  test.each(names)(
    '%s throws at temperature 0, when q has shrunk to a point, and names the temperature',
    async (name) => {
      await setBackend(device);
      const transform = families[name]((theta) => tf.mul(-0.5, tf.sum(tf.square(theta))), 0);
      const state = transform.init(tf.tensor1d([1, 2]), { seed: 0 });
      Object.assign(state, name === 'vi.diag' ? { logSdDiag: tf.fill([2], -200) } : { LFactor: tf.zeros([3]) });
      for (const inplace of [false, true]) {
        expect(() => transform.update(state as never, null, { inplace })).toThrow(
          new RegExp(`^${name}\\.update: nelbo is NaN at step 0\\. At temperature 0 no q is the best one: it shrinks`),
        );
      }
      expect([state.step, ...state.params.dataSync()]).toEqual([0, 1, 2]);
    },
  );

  test.each(names)('%s does not take a step that is not finite', async (name) => {
    await setBackend(device);
    // 0, whose derivative is 0 / 0.
    const transform = families[name]((theta) => tf.neg(tf.sum(tf.sqrt(tf.square(tf.mul(theta, 0))))), 0.1);
    const state = transform.init(tf.tensor1d([1, 2]), { seed: 0 });
    for (const inplace of [false, true]) {
      expect(() => transform.update(state as never, null, { inplace })).toThrow(
        /update: element 0 of \w+ is NaN at step 0\. Either the gradient of the NELBO is not finite/,
      );
    }
    expect([state.step, ...state.params.dataSync()]).toEqual([0, 1, 2]);
  });
});

test.each(names)('%s warns, once, of a log posterior that looks like a mean at temperature 1', async (name) => {
  await setBackend('cpu');
  const warn = mock.spyOn(console, 'warn').mockImplementation(() => {});
  const run = (value: number, temperature: number): string[] => {
    const transform = families[name]((theta) => tf.add(value, tf.mul(1e-9, tf.sum(theta))), temperature);
    for (let i = 0; i < 2; i++) transform.update(transform.init(tf.zeros([50])) as never, tf.zeros([100, 2]));
    return warn.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('log posterior'));
  };
  expect(run(-230, 1)).toEqual([]);
  expect(run(-2.3, 1 / 60_000)).toEqual([]);
  const found = run(-2.3, 1);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(`${name}.update: the log posterior of a batch of 100 is -2.30, which may be a mean`);
});
