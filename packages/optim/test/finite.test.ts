import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import { withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { adam, build } from '../src/index.ts';

test.each(['cpu', 'wasm'] as const)('a gradient that is not finite is not followed, on %s', async (device) => {
  await setBackend(device);
  // At 0 the derivative of √θ is infinite.
  const transform = build((theta: tf.Tensor, _: null) => withAux(tf.sum(tf.sqrt(theta)), []), adam());
  const state = transform.init(tf.tensor1d([1, 0]), { seed: 0 });
  for (const inplace of [false, true]) {
    expect(() => transform.update(state, null, { inplace })).toThrow(
      /^optim\.update: element 1 of \S+ is (NaN|Infinity) at step 0\. Either the gradient of the loss is not finite/,
    );
  }
  expect([state.step, ...state.params.dataSync()]).toEqual([0, 1, 0]);
});

test('there are no hyper-parameters to replace in an update', async () => {
  await setBackend('cpu');
  const transform = build((theta: tf.Tensor, _: null) => withAux(tf.sum(theta), []), adam());
  const state = transform.init(tf.tensor1d([1, 0]), { seed: 0 });
  // @ts-expect-error The optimiser has them.
  expect(() => transform.update(state, null, { hyper: { learningRate: 100 } })).toThrow(
    'optim.update: there is no option hyper; there are inplace, aux, compile, check',
  );
});
