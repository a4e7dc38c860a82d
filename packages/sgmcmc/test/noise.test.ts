// The noise of the samplers: its variance, what becomes of it in the long run, and that it is independent.
import { setBackend } from '@posteriors/backend';
import { check, type LogProbFn } from '@posteriors/transform';
import { map } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { stationaryLaw } from './laws.ts';
import {
  expectMoments,
  moments,
  type Name,
  names,
  pick,
  samplers,
  updated,
  withBeta,
  withMomenta,
} from './samplers.ts';
import { expectLaw, runUntilStationary } from './stationary.ts';

beforeEach(() => setBackend('wasm'));

const [learningRate, alpha, sigma, temperature] = [0.1, 1, 2, 0.5];
const common = { learningRate, alpha, sigma, temperature };
const size = 10_000;
/** A log posterior without a slope. */
const flat: LogProbFn<tf.Tensor, null, []> = (theta) => [tf.mul(0, tf.sum(theta)), []];

describe('one step from rest without a slope', () => {
  const beta = 3;
  const decay = Math.exp((-2 * learningRate * alpha) / sigma ** 2);
  const euler = temperature * learningRate * (2 * alpha - temperature * learningRate * beta);
  const ou = sigma ** 2 * temperature * (1 - decay);
  const expected: { readonly [name in Name]: { readonly params: number; readonly momenta?: number } } = {
    sgld: { params: temperature * learningRate * (2 - temperature * learningRate * beta) },
    sglrw: { params: 2 * temperature * learningRate },
    sghmc: { params: 0, momenta: euler },
    sgnht: { params: 0, momenta: euler },
    baoa: { params: (learningRate / 2 / sigma ** 2) ** 2 * ou, momenta: ou },
  };

  test.each(names)('%s adds noise of the variance of its formula', (name) => {
    const options = pick(name, { ...common, beta, momenta: 0 });
    const transform = samplers[name].build(flat, options);
    const state = updated(transform, transform.init(tf.zeros([200_000]), { seed: 1 }), 1);
    const { params, momenta } = expected[name];
    if (params === 0) expect(state.params.dataSync().every((x) => x === 0)).toBe(true);
    else expectMoments(state.params, { mean: 0, variance: params });
    if (momenta !== undefined) expectMoments(state.momenta as tf.Tensor, { mean: 0, variance: momenta });
  });

  test('sglrw makes steps of one length, up and down', () => {
    const transform = samplers.sglrw.build(flat, { learningRate, temperature });
    const state = updated(transform, transform.init(tf.zeros([1000]), { seed: 1 }), 1);
    const delta = Math.fround(Math.sqrt(2 * temperature * learningRate));
    expect(new Set(state.params.dataSync())).toEqual(new Set([delta, -delta]));
  });
});

test('closed forms of stationary laws: the recursion of moments agrees with them', () => {
  const law = (name: Name) => stationaryLaw(name, common).law;
  expect(law('sgld').params).toBeCloseTo(temperature / (1 - learningRate / 2), 12);
  expect(law('sglrw').params).toBeCloseTo(temperature, 12);
  expect(law('baoa').params).toBeCloseTo(temperature, 12);
  expect(law('baoa').momenta).toBeCloseTo(sigma ** 2 * temperature, 12);
  expect(law('sghmc').params).toBeCloseTo(0.555907, 6);
  expect(law('sghmc').momenta).toBeCloseTo(2.248928, 6);
  expect(law('sgnht').xi).toBeCloseTo(1.1135, 4);
  expect(law('sgnht').params).toBeCloseTo(0.49367, 5);
  expect(law('sgnht').momenta).toBeCloseTo(sigma ** 2 * temperature, 12);
});

describe('stationary variances over 10,000 dimensions', () => {
  test.each(names)('%s', (name) => {
    const problem = { ...common, alpha: 2, sigma: 1.5 };
    expectLaw(runUntilStationary(name, size, problem, 10));
  });

  test('sgnht, with gradient noise that no beta tells it of: its thermostat keeps the momenta at the temperature', () => {
    const problem = { ...common, alpha: 2, sigma: 1.5, gradientNoise: 10 };
    const { state, law } = runUntilStationary('sgnht', size, problem, 20);
    expectLaw({ state, law });
    expect(law.momenta).toBeCloseTo(1.5 ** 2 * temperature, 9);
    expect(law.xi).toBeGreaterThan(3);
    // The thermostat settles as the mean square of 10,000 momenta does.
    expect(state.xi).toBeAllClose(law.xi, { rtol: 0.05 });
  });

  test('sglrw, with gradient noise: none of it is seen, as a step is as long as any other', () => {
    const problem = { ...common, learningRate: 0.02, gradientNoise: 3 };
    const { state, law } = runUntilStationary('sglrw', size, problem, 30);
    expect(law.params).toBeCloseTo(temperature, 12);
    expectLaw({ state, law });
    // 6 % are 4 standard errors.
    expect(stationaryLaw('sgld', problem).law.params).toBeGreaterThan(1.06 * temperature);
  });
});

describe('beta = V / T² makes up for gradient noise of variance V, over 10,000 dimensions', () => {
  const gradientNoise = 4;
  const beta = gradientNoise / temperature ** 2;

  test.each(withBeta)('%s', (name) => {
    const problem = { ...common, alpha: 2, sigma: 1.5 };
    const { law } = stationaryLaw(name, problem);
    const restored = runUntilStationary(name, size, { ...problem, gradientNoise, beta }, 40);
    expect(restored.law).toBeAllClose(law, { rtol: 1e-9 });
    expectLaw({ ...restored, law });
    const spoilt = runUntilStationary(name, size, { ...problem, gradientNoise }, 50);
    expectLaw(spoilt);
    // 10 standard errors away, so that the test can see it. The thermostat of sgnht makes up for it without being told.
    const excess = (spoilt.law.params / law.params - 1) / Math.sqrt(2 / size);
    if (name !== 'sgnht') expect(excess).toBeGreaterThan(10);
    else expect(spoilt.law.xi).toBeGreaterThan(law.xi * 1.1);
  });
});

describe('the noise is independent from leaf to leaf and from step to step', () => {
  const half = 100_000;
  type Params = { readonly a: tf.Tensor; readonly b: tf.Tensor };
  // What the second step keeps of what the first one added, with alpha = ε = σ = 1; the thermostat is 1 - T = 0.5 then.
  const kept: { readonly [name in Name]: number } = { sgld: 1, sglrw: 1, sghmc: 0, sgnht: 0.5, baoa: Math.exp(-1) };
  const both: LogProbFn<Params, null, []> = ({ a, b }) => [tf.mul(0, tf.sum(tf.mul(a, b))), []];

  test.each(names)('%s', (name) => {
    const hyper = pick(name, { learningRate: 1, alpha: 1, sigma: 1, temperature: 0.5, momenta: 0 });
    const transform = samplers[name].build(both, hyper);
    const state = updated(transform, transform.init({ a: tf.zeros([half]), b: tf.zeros([half]) }, { seed: 4 }), 1);
    const now = (): Params => (withMomenta.includes(name) ? (state.momenta as Params) : state.params);
    const first = map((leaf: tf.Tensor) => tf.clone(leaf), now());
    updated(transform, state, 1);
    const second = map((leaf: tf.Tensor, old: tf.Tensor) => tf.sub(leaf, tf.mul(kept[name], old)), now(), first);
    const pairs: [tf.Tensor, tf.Tensor][] = [[first.a, first.b], [first.a, second.a], [first.a, second.b]]; // biome-ignore format: three pairs
    for (const [x, y] of pairs) {
      const { mean } = moments(tf.mul(x, y));
      const sd = Math.sqrt(moments(x).variance * moments(y).variance);
      expect(Math.abs(mean)).toBeLessThan((4 * sd) / Math.sqrt(half));
    }
  });
});

describe.each(['cpu', 'wasm'] as const)('a gradient that is NaN where the log posterior is not, on %s', (device) => {
  // At 0 the derivative of √θ² is 0 / 0.
  const cusp: LogProbFn<tf.Tensor, null, []> = (theta) => [tf.neg(tf.sum(tf.sqrt(tf.square(theta)))), []];

  test.each(names)('%s throws, pure and in place, and leaves the state; unchecked it hands it on', async (name) => {
    await setBackend(device);
    const transform = samplers[name].build(cusp, pick(name, { ...common, momenta: 0 }));
    const state = transform.init(tf.tensor1d([1, 0, 2]), { seed: 1 });
    const field = withMomenta.includes(name) ? 'momenta' : 'params';
    const before = [...state.params.dataSync()];
    for (const inplace of [false, true]) {
      expect(() => transform.update(state, null, { inplace })).toThrow(
        new RegExp(
          `^sgmcmc\\.${name}\\.update: element 1 of ${field} is NaN at step 0\\. Either the gradient .* is not finite`,
        ),
      );
      expect([state.step, ...state.params.dataSync()]).toEqual([0, ...before]);
    }
    const [next] = transform.update(state, null, { check: false });
    const touched = next[field] as tf.Tensor;
    expect([...touched.dataSync()].map(Number.isNaN)).toEqual([false, true, false]);
    expect(() => transform.update(next, null)).toThrow('is NaN at step 1');
    await expect(check(next)).rejects.toThrow(`check: after 1 updates element 1 of ${field} is NaN`);
    await expect(check(state)).resolves.toBeUndefined();
  });

  // At 0 the derivative of √θ is infinite, and so is a step along it.
  test.each(names)('%s does not take an infinite step', async (name) => {
    await setBackend(device);
    const root: LogProbFn<tf.Tensor, null, []> = (theta) => [tf.neg(tf.sum(tf.sqrt(theta))), []];
    const transform = samplers[name].build(root, pick(name, { ...common, momenta: 0 }));
    const state = transform.init(tf.tensor1d([0, 1]), { seed: 1 });
    if (name === 'sglrw') expect(transform.update(state, null)[0].params.dataSync().every(Number.isFinite)).toBe(true);
    else expect(() => transform.update(state, null)).toThrow(/element 0 of \w+ is (-Infinity|NaN) at step 0/);
    expect([...state.params.dataSync()]).toEqual([0, 1]);
  });

  test.each(names)('%s throws where the log posterior is minus infinity', async (name) => {
    await setBackend(device);
    const edge: LogProbFn<tf.Tensor, null, []> = (theta) => [tf.add(tf.mul(0, tf.sum(theta)), tf.log(0)), []];
    const transform = samplers[name].build(edge, pick(name, { ...common, momenta: 0 }));
    const state = transform.init(tf.tensor1d([0, 1]), { seed: 1 });
    expect(() => transform.update(state, null)).toThrow(
      `sgmcmc.${name}.update: logPosterior is -Infinity at step 0. Either`,
    );
  });
});
