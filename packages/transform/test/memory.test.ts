// Memory that nobody frees: log posteriors that were dropped, with all that was compiled for them, and states that were forgotten.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setBackend, setMemoryBudget } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { withAux } from '../src/index.ts';
import { build, type State } from './sgld.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const buffers = (): number => tf.backend().numDataIds();

const hyper = { learningRate: 0.1, temperature: 0 };

/** A log posterior with tensors of its own, after one update with it. */
function updateOnce(i: number): WeakRef<object> {
  const logPosterior = (theta: tf.Tensor) => withAux(tf.mul(-0.5, tf.sum(tf.square(tf.sub(theta, i)))), []);
  const transform = build(logPosterior, hyper);
  const params = tf.ones([3]);
  const state = transform.init(params, { seed: i });
  transform.update(state, null, { inplace: true });
  tf.dispose([params, state.params, state.logPosterior]);
  return new WeakRef(logPosterior);
}

test.each(['cpu', 'wasm'] as const)('50 log posteriors leave nothing on %s', async (device) => {
  await setBackend(device);
  updateOnce(0);
  const before = buffers();
  const logPosteriors = Array.from({ length: 50 }, (_, i) => updateOnce(i + 1));
  const kept = (): number => logPosteriors.filter((each) => each.deref() !== undefined).length;
  expect(kept()).toBe(50);
  for (let i = 0; i < 20 && (kept() > 0 || buffers() > before); i++) {
    // What was looked at in a job stays until it ends.
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
  }
  expect(kept()).toBe(0);
  expect(buffers()).toBeLessThanOrEqual(before);
});

test('pure updates that dispose of nothing, in one synchronous loop on wasm', async () => {
  await setBackend('wasm');
  const budget = setMemoryBudget(2 ** 20);
  const n = 1000;
  // Two tensors a state: the parameters and a scalar.
  const limit = (2 * 1.25 * 2 ** 20) / (4 * n);
  const transform = build((theta: tf.Tensor) => withAux(tf.mul(-0.5, tf.sum(tf.square(theta))), []), hyper);
  const before = buffers();
  let state: State<tf.Tensor> = transform.init(tf.ones([n]), { seed: 0 });
  const early: State<tf.Tensor>[] = [];
  for (let i = 1; i <= 3000; i++) {
    [state] = transform.update(state, null);
    if (i <= 2) early.push(state);
  }
  expect(buffers() - before).toBeLessThan(limit);
  expect(early.map(({ params }) => params.dataSync()[n - 1])).toEqual([0.9, 0.81].map((x) => expect.closeTo(x, 6)));
  // It goes on from an old state as it went on then.
  const [again] = transform.update(early[0] as State<tf.Tensor>, null);
  expect(again.params.dataSync()).toEqual((early[1] as State<tf.Tensor>).params.dataSync());
  for (let i = 0; i < 3000; i++) transform.update(state, null, { inplace: true });
  expect(buffers() - before).toBeLessThan(limit);
  setMemoryBudget(budget);
});
