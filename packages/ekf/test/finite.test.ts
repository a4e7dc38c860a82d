// What a filter does where the new state would not be finite.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import { type LogProbFn, withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';

type Batch = { readonly x: tf.Tensor };
const forward = (w: tf.Tensor, { x }: Batch) => withAux(tf.mul(x, w), []);
const makeBatch = (): Batch => ({ x: tf.tensor1d([2, 0.5]) });

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  test.each([
    [
      'diagGgn',
      diagGgn,
      /^ekf\.diagGgn\.update: element 0 of sdDiag is NaN at step 0\. Either the outer log likelihood is not concave/,
    ],
    [
      'denseGgn',
      denseGgn,
      /^ekf\.denseGgn\.update: cholesky: .*pivot 0 is -7, and must be positive\. Either the outer log likelihood is not concave/,
    ],
  ] as const)(
    '%s says so where the outer log likelihood is not concave, and keeps its state',
    async (_, { build, sample }, says) => {
      await setBackend(device);
      // The curvature of Σ z² is -2 x², and 1 - 2 · 4 is negative.
      const transform = build(forward, (z: tf.Tensor) => tf.sum(tf.square(z)), { learningRate: 1 });
      const [state, batch] = [transform.init(tf.tensor1d([1, 2]), { seed: 0 }), makeBatch()];
      const live = tf.memory().numTensors;
      for (const inplace of [false, true])
        expect(() => transform.update(state as never, batch, { inplace })).toThrow(says);
      expect(tf.memory().numTensors).toBe(live);
      expect([state.step, ...state.params.dataSync()]).toEqual([0, 1, 2]);
      expect(sample(state as never, { seed: 1 })).toBeDefined();
    },
  );

  // The derivative of √θ is infinite at 0.
  const root: LogProbFn<tf.Tensor, Batch, []> = (w, { x }) => withAux(tf.sum(tf.mul(x, tf.sqrt(w))), []);
  test.each([
    ['diagFisher', diagFisher],
    ['denseFisher', denseFisher],
  ] as const)('%s says so where the gradient of an example is not finite', async (name, { build }) => {
    await setBackend(device);
    const transform = build(root, { learningRate: 1 });
    const [state, batch] = [transform.init(tf.tensor1d([0, 1]), { seed: 0 }), { x: tf.ones([3, 2]) }];
    for (const inplace of [false, true]) {
      expect(() => transform.update(state as never, batch, { inplace })).toThrow(
        new RegExp(
          `^ekf\\.${name}\\.update: .* is NaN.*The gradient of the log likelihood of an example is not finite`,
        ),
      );
    }
    expect([state.step, ...state.params.dataSync()]).toEqual([0, 0, 1]);
  });
});

test('hyper-parameters that there are not are refused', async () => {
  await setBackend('cpu');
  const loglik: LogProbFn<tf.Tensor, Batch, []> = (w, { x }) => withAux(tf.neg(tf.sum(tf.square(tf.sub(x, w)))), []);
  const state = diagFisher.init(tf.tensor1d([0, 1]), { seed: 0 });
  const hyper = { learningRate: 1, transitionCov: 1 };
  const says = 'ekf.diagFisher.update: there is no option transitionCov; there are learningRate, transitionSd';
  expect(() => diagFisher.update(state, { x: tf.ones([3, 2]) }, loglik, hyper)).toThrow(says);
  const transform = diagFisher.build(loglik, { learningRate: 1 });
  expect(() => transform.update(state, { x: tf.ones([3, 2]) }, { hyper })).toThrow(says);
  expect(() => diagFisher.init(tf.tensor1d([0, 1]), { sed: 0 } as never)).toThrow(
    'ekf.diagFisher.init: there is no option sed; besides those of its own this takes seed and key',
  );
  expect(() => diagFisher.sample(state, { sampelShape: [2] } as never)).toThrow(
    'ekf.diagFisher.sample: there is no option sampelShape',
  );
});
