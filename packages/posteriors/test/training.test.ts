import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { jit, modelParameters, modelToFunction, random, setBackend } from '../src/index.ts';

test('a model with dropout and batch normalisation trains from a key', async () => {
  await setBackend('cpu');
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [4], units: 3 }),
      tf.layers.batchNormalization({}),
      tf.layers.dropout({ rate: 0.5 }),
    ],
  });
  const train = jit(modelToFunction(model, { training: true, random }));
  const inputs = tf.randomUniform([8, 4]);
  const run = (seed: number) => train(modelParameters(model), inputs, { key: random.key(seed) });
  const [[first, statistics], [again], [other]] = [run(0), run(0), run(1)];
  expect(first).toBeAllClose(again, { rtol: 0, atol: 0 });
  expect(first.dataSync()).not.toEqual(other.dataSync());
  const zeros = Array.from(first.dataSync()).filter((value) => value === 0).length;
  expect(zeros).toBeGreaterThan(0);
  const [moving] = Object.values(statistics);
  expect(Object.keys(moving ?? {}).sort()).toEqual(['moving_mean', 'moving_variance']);
});
