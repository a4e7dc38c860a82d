// The exact stationary laws of the samplers over 200,000 dimensions, to 4 standard errors (1.3 % of a variance), at three step sizes and two
// temperatures; and the law of the thermostat, which has no closed form but in continuous time.
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { normalLike } from '@posteriors/distributions';
import { key, keyTensor, split } from '@posteriors/random';
import { disposeTensors } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { sgnht } from '../src/index.ts';
import { moments, type Name, names, standard } from './samplers.ts';
import { expectLaw, runUntilStationary } from './stationary.ts';

beforeEach(() => setBackend('wasm'));

// sglrw: small enough that p₊ is hardly ever clipped. At 0.1 that begins at 4.5 standard deviations.
const learningRates: { readonly [name in Name]: readonly number[] } = {
  sgld: [0.05, 0.2, 0.5],
  sghmc: [0.05, 0.1, 0.3],
  sgnht: [0.05, 0.1, 0.2],
  baoa: [0.1, 0.5, 1.2],
  sglrw: [0.02, 0.05, 0.1],
};

describe.each(names)('%s', (name) => {
  const cases = learningRates[name].flatMap((learningRate, i) =>
    [0.25, 2].map((temperature, j): [number, number, number] => [learningRate, temperature, 100 * (2 * i + j)]),
  );

  test.each(cases)('learning rate %d, temperature %d', (learningRate, temperature, seed) => {
    const problem = { learningRate, alpha: 2, sigma: 1.5, temperature };
    const { state, law } = runUntilStationary(name, 200_000, problem, seed);
    expectLaw({ state, law });
    if (state.xi) expect(state.xi).toBeAllClose(law.xi, { rtol: 0.02 });
    disposeTensors(state);
  });
});

describe('the thermostat of sgnht with 5 parameters, over 4,000 chains', () => {
  const chains = 4_000;
  const [learningRate, alpha, sigma, temperature, dimensions] = [0.02, 2, 1.5, 0.5, 5];
  const update = vmap(
    (state: sgnht.State<tf.Tensor>) =>
      sgnht.update(state, null, standard, { learningRate, alpha, sigma, temperature }, { aux: false })[0],
  );

  test('has the law N(α, σ² T / d), θ has N(0, T), and on average σ⁻² m² is T', () => {
    const keys = keyTensor(split(key(1), chains));
    const first = tf.mul(Math.sqrt(temperature), normalLike(key(2), tf.zeros([chains, dimensions])));
    let state = vmap((chain: tf.Tensor, params: tf.Tensor) =>
      sgnht.init(params, { key: chain, sigma, temperature, xi: alpha }),
    )(keys, first);
    const [burnIn, time] = [500, 1_000];
    let [heat, before] = [0, alpha];
    for (let step = 0; step < burnIn + time; step++) {
      if (step === burnIn) before = moments(state.xi).mean;
      if (step >= burnIn) heat += tf.mean(tf.square(state.momenta)).dataSync<'float32'>()[0]! / sigma ** 2 / time;
      const next = update(state);
      disposeTensors(state);
      state = next;
    }
    // The moments of the scheme differ from those of continuous time by O(ε), here by less than 3 %.
    const bias = 0.03;
    const spread = (sigma ** 2 * temperature) / dimensions;
    const thermostat = moments(state.xi);
    expect(Math.abs(thermostat.mean - alpha)).toBeLessThan(4 * Math.sqrt(spread / chains) + bias * alpha);
    expect(Math.abs(thermostat.variance / spread - 1)).toBeLessThan(4 * Math.sqrt(2 / chains) + bias);
    const theta = moments(state.params);
    expect(Math.abs(theta.variance / temperature - 1)).toBeLessThan(4 * Math.sqrt(2 / (chains * dimensions)) + bias);
    // Whatever ε: the thermostat has moved by the sum of what was missing, so that the average is T as nearly as the thermostat, whose mean
    // over the chains has the standard error √(spread / chains), is where it was.
    expect(heat - temperature).toBeCloseTo((thermostat.mean - before) / (learningRate * time), 5);
    const error = (4 * Math.sqrt((2 * spread) / chains)) / (learningRate * time);
    expect(Math.abs(heat - temperature)).toBeLessThan(error);
  });
});
