// Warnings of a log posterior that is not on the scale of its temperature.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { disposeTensors, withAux } from '../src/index.ts';
import { build } from './sgld.ts';

let warn: MockInstance<typeof console.warn>;
beforeAll(() => setBackend('cpu'));
beforeEach(() => {
  warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** The warnings of two updates of two states with a log posterior of this value, for a batch of so many examples. */
function warnings(value: number, examples: number | null, temperature: number | tf.Tensor): string[] {
  const logPosterior = (theta: tf.Tensor, _: unknown) => withAux(tf.add(tf.mul(0, tf.sum(theta)), value), []);
  const transform = build(logPosterior, { learningRate: 0.1, temperature });
  const batch = examples === null ? null : { x: tf.zeros([examples, 3]), y: tf.zeros([examples]) };
  for (let run = 0; run < 2; run++) {
    const state = transform.init(tf.zeros([2]), { seed: 0 });
    for (let i = 0; i < 2; i++) transform.update(state, batch, { inplace: true });
    state.dispose();
  }
  disposeTensors(batch);
  return warn.mock.calls.map((call) => String(call[0])).filter((text) => text.startsWith('sgld'));
}

test('a mean at temperature 1 is warned of, once', () => {
  const found = warnings(-2.3, 32, 1);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(
    /^sgld.update: the log posterior of a batch of 32 is -2.30, which may be a mean over the batch, and the temperature is 1\. If it is, .* set temperature to 1 \/ number of data/,
  );
});

test('a log prior that is not divided by the number of data is warned of, once', () => {
  const found = warnings(-46_743, 32, 1 / 60_000);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(
    /is -4.67e\+4, which is much for a mean over the batch, .* the log likelihood must be a mean and the log prior divided by that number/,
  );
});

test('a sum at 1 / number of data is warned of', () => {
  expect(warnings(-138, 200, 1 / 200)).toHaveLength(1);
});

test.each([
  ['a sum at temperature 1', -2.3 * 32, 32, 1],
  ['a mean at 1 / number of data', -2.3, 32, 1 / 60_000],
  ['a sum of squares at its optimum', 0, 100, 1],
  ['no batch', -2.3, null, 1],
  ['a batch of few', -2.3, 4, 1],
  ['temperature 0', -1e6, 32, 0],
  ['a high temperature', -2.3, 32, 0.5],
])('%s is not', (_, value, examples, temperature) => {
  expect(warnings(value, examples, temperature)).toEqual([]);
});

test('the value of a temperature that is a tensor is not read', () => {
  expect(warnings(-2.3, 32, tf.scalar(1))).toEqual([]);
});
