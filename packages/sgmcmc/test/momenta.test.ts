// The first momenta, and the first thermostat.
import { setBackend } from '@posteriors/backend';
import { disposeTensors, type LogProbFn, withAux } from '@posteriors/transform';
import { leaves, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { sgnht } from '../src/index.ts';
import { expectMoments, samplers, standard, withMomenta } from './samplers.ts';

await setBackend('cpu');
afterEach(() => vi.restoreAllMocks());

const params = { a: [tf.ones([2, 3])], b: tf.scalar(2) };
const momenta = { a: [tf.reshape(tf.range(0, 6), [2, 3])], b: tf.scalar(-1) };
const logProb: LogProbFn<typeof params, null, []> = ({ a, b }) => withAux(tf.add(tf.sum(a[0] as tf.Tensor), b), []);
const many = (): tf.Tensor => tf.zeros([200_000]);

describe.each(withMomenta)('the first momenta of %s', (name) => {
  const { build, init } = samplers[name];

  test('are the tree that was given, which stays the caller’s', () => {
    const state = build(logProb, { learningRate: 1, momenta }).init(params, { seed: 0 });
    expect(state.momenta).toBeAllClose(momenta);
    state.dispose();
    for (const leaf of leaves([params, momenta] as TensorTree)) expect(leaf.isDisposed).toBe(false);
  });

  test('are the number that was given, in each element', () => {
    const state = build(logProb, { learningRate: 1, momenta: 0.25 }).init(params, { seed: 0 });
    expect(state.momenta).toBeAllClose({ a: [[[0.25, 0.25, 0.25], [0.25, 0.25, 0.25]]], b: 0.25 }); // biome-ignore format: a matrix
  });

  test('are the scalar that was given, in each element', () => {
    const state = build(logProb, { learningRate: 1, momenta: tf.scalar(0.25) }).init(params, { seed: 0 });
    expect(state.momenta).toBeAllClose({ a: [[[0.25, 0.25, 0.25], [0.25, 0.25, 0.25]]], b: 0.25 }); // biome-ignore format: a matrix
  });

  test('are drawn from N(0, σ² T) by default (guards against posteriors 0.1.2, which draws from N(0, 1))', () => {
    const hyper = { learningRate: 1, sigma: 3, temperature: (step: number) => 0.25 / (step + 1) };
    expectMoments(build(standard, hyper).init(many(), { seed: 12 }).momenta as tf.Tensor, {
      mean: 0,
      variance: 9 * 0.25,
    });
    expectMoments(init(many(), { seed: 12 }).momenta as tf.Tensor, { mean: 0, variance: 1 });
    const tensors = { sigma: tf.scalar(3), temperature: tf.scalar(0.25) };
    expectMoments(init(many(), { seed: 13, ...tensors }).momenta as tf.Tensor, { mean: 0, variance: 9 * 0.25 });
    const cold = { seed: 12, temperature: 0 };
    expect(init(tf.ones([3]), cold).momenta).toBeAllClose([0, 0, 0]);
  });

  test('are refused when they do not fit the parameters', () => {
    const begin = (given: unknown) => () => init(params, { momenta: given, seed: 0 } as object);
    const [row, int, gone, nan] = [tf.ones([3]), tf.ones([2, 3], 'int32'), tf.scalar(1), tf.scalar(Number.NaN)];
    gone.dispose();
    const live = tf.memory().numTensors;
    expect(begin({ a: momenta.a })).toThrow(
      `sgmcmc.${name}.init: the parameters and momenta: tree.mapWithPath: trees differ in structure at $: {a, b} vs {a}`,
    );
    expect(begin({ a: [[momenta.a[0]]], b: momenta.b })).toThrow(
      'trees differ in structure at $.a[0]: Tensor vs [1 item]',
    );
    expect(begin({ a: [row], b: momenta.b })).toThrow(
      `sgmcmc.${name}.init: the parameters and momenta: shapes differ at $.a[0]: [2,3] vs [3]`,
    );
    expect(begin({ a: [int], b: momenta.b })).toThrow(
      `sgmcmc.${name}.init: momenta $.a[0] is int32[2,3] and must be float32`,
    );
    expect(begin({ a: momenta.a, b: 3 })).toThrow(
      `sgmcmc.${name}.init: momenta $.b is a number and must be a float32 tensor`,
    );
    expect(begin({ a: momenta.a, b: gone })).toThrow(`sgmcmc.${name}.init: momenta $.b is a disposed tensor float32[]`);
    expect(begin(Number.NaN)).toThrow(`sgmcmc.${name}.init: momenta is NaN and must be a finite number`);
    expect(begin({ a: momenta.a, b: nan })).toThrow(
      `sgmcmc.${name}.init: momenta $.b is NaN at element 0 and must be a finite number`,
    );
    const sigma = { sigma: 0 };
    expect(() => init(params, sigma)).toThrow(`sgmcmc.${name}.init: sigma is 0 and must be a positive number`);
    const temperature = { temperature: -1 };
    expect(() => init(params, temperature)).toThrow(
      `sgmcmc.${name}.init: temperature is -1 and must be a number that is not negative`,
    );
    expect(tf.memory().numTensors).toBe(live);
    disposeTensors([row, int, nan]);
  });

  describe('far hotter than the temperature', () => {
    const warnings = (hyper: object): string[] => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      build(logProb, { learningRate: 1, ...hyper })
        .init(params, { seed: 0 })
        .dispose();
      return warn.mock.calls.map(([text]) => String(text));
    };

    // Their mean square is (0 + 1 + 4 + 9 + 16 + 25 + 1) / 7 = 8.
    test.each([
      ['a number', { momenta: 2, temperature: 0.01 }, 4, 0.01],
      ['a tree', { momenta, sigma: 0.5, temperature: 0.25 }, 8, 0.0625],
    ])('warn: %s', (_, hyper, squares, usual) => {
      expect(warnings(hyper)).toEqual([
        `sgmcmc.${name}.init: the mean square of the given momenta is ${squares}, and sigma² temperature, which it is in the long run, only ${usual}. Until friction ` +
          'has slowed them down the parameters are thrown far away. Leave momenta out to draw them from N(0, sigma² temperature), or give 0.',
      ]);
    });

    test.each([
      ['hot, not far hotter', { momenta, temperature: 0.09 }],
      ['cold', { momenta: 0, temperature: 0.01 }],
      ['at temperature 0, where they are the first velocity', { momenta: 2, temperature: 0 }],
      ['at a temperature that is a tensor', { momenta: 2, temperature: tf.scalar(0.01) }],
      ['by default', { temperature: 1e-4 }],
    ])('do not warn: %s', (_, hyper) => {
      expect(warnings(hyper)).toEqual([]);
    });
  });
});

describe('the first thermostat', () => {
  const xiOf = (options: Partial<sgnht.Config<typeof params>>): number =>
    sgnht
      .build(logProb, { learningRate: 1, ...options })
      .init(params, { seed: 0 })
      .xi.dataSync()[0] as number;

  test('is alpha by default, at its first step', () => {
    expect(xiOf({})).toBeCloseTo(0.01, 8);
    expect(xiOf({ alpha: 0.5 })).toBe(0.5);
    expect(xiOf({ alpha: (step) => 2 + step })).toBe(2);
    expect(xiOf({ alpha: tf.scalar(0.5) })).toBe(0.5);
    expect(sgnht.init(params, { seed: 0 }).xi.dataSync()[0]).toBeCloseTo(0.01, 8);
  });

  test('is what is given, 0 and negative numbers among them (guards against posteriors 0.1.2, which puts alpha in place of 0)', () => {
    expect(xiOf({ xi: 0, alpha: 0.5 })).toBe(0);
    expect(xiOf({ xi: -1.5 })).toBe(-1.5);
    const xi = tf.scalar(0.25);
    const state = sgnht.init(params, { seed: 0, xi });
    expect(state.xi.dataSync()[0]).toBe(0.25);
    state.dispose();
    expect(xi.isDisposed).toBe(false);
  });

  test('is refused unless it is finite and a scalar', () => {
    expect(() => sgnht.init(params, { xi: Number.NaN })).toThrow(
      'sgmcmc.sgnht.init: xi is NaN and must be a finite number',
    );
    expect(() => sgnht.init(params, { xi: tf.ones([2]) })).toThrow(
      'sgmcmc.sgnht.init: xi has shape [2] and must be a scalar',
    );
  });

  test('is one for the whole tree: it moves by ε (σ⁻² mean m² - T), the mean over all elements', () => {
    const [learningRate, sigma, temperature] = [0.1, 2, 0.5];
    const state = sgnht.init(params, { seed: 0, xi: 0.3, momenta });
    const [{ xi }] = sgnht.update(state, null, logProb, { learningRate, sigma, temperature });
    expect(xi).toBeAllClose(0.3 + learningRate * (8 / sigma ** 2 - temperature), { rtol: 1e-6 });
  });
});
