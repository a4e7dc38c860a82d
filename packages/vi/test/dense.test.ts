import { grad, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { diagNormalLogProb, LFromFlat, LToFlat, multivariateNormalLogProb } from '@posteriors/distributions';
import { cholesky, choleskyInverse } from '@posteriors/linalg';
import * as optim from '@posteriors/optim';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { disposeTensors, type LogProbFn, run, withAux } from '@posteriors/transform';
import { map, ravel, stack } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { dense } from '../src/index.ts';
import { numberOf, repeat } from './families.ts';

beforeEach(() => setBackend('cpu'));

type Theta = { readonly bias: tf.Tensor; readonly weight: tf.Tensor };

const mean: Theta = { bias: tf.tensor1d([1, -2]), weight: tf.tensor2d([[0.5, 3], [-1, 0]]) }; // biome-ignore format: leaves
/** A factor whose diagonal has both signs. */
const LFactor = tf.tensor1d(Array.from({ length: 21 }, (_, i) => ([0, 5, 14].includes(i) ? 0.7 : [2, 9, 20].includes(i) ? -1.1 : Math.sin(2 * i) / 3))); // biome-ignore format: one line
const factor = LFromFlat(LFactor);
const covariance = tf.matMul(factor, factor, false, true);

/** The normalised normal distribution with this mean and covariance, by its precision. */
const target: LogProbFn<Theta, null, Theta> = (theta) => {
  const precision = choleskyInverse(cholesky(covariance));
  return withAux(multivariateNormalLogProb(ravel(theta).flat, ravel(mean).flat, { precision }), theta);
};

describe('nelbo', () => {
  test.each([1, 4, 50])(
    'is 0 to rounding where q is a normalised target with correlations, with %i draws',
    (nSamples) => {
      for (const stl of [true, false]) {
        const [value] = dense.nelbo(mean, LFactor, null, target, { nSamples, stl, seed: 1 });
        expect(value).toBeAllClose(0, { atol: 2e-5 });
      }
    },
  );

  test('is the Kullback-Leibler divergence from another q, to 4 standard errors', () => {
    const other = LToFlat(tf.mul(0.8, tf.eye(6)));
    // (tr(C⁻¹ S) + dᵀ C⁻¹ d - n + log det C - log det S) / 2
    const inverse = choleskyInverse(cholesky(covariance)).arraySync() as number[][];
    const offset = 0.5;
    const trace = inverse.reduce((sum, row, i) => sum + 0.64 * (row[i] as number), 0);
    const square = inverse.flat().reduce((sum, value) => sum + offset ** 2 * value, 0);
    const logDet = 2 * Math.log(0.7 * 1.1 * 0.7 * 1.1 * 0.7 * 1.1);
    const divergence = (trace + square - 6 + logDet - 12 * Math.log(0.8)) / 2;
    const count = 4000;
    const moved = map((leaf: tf.Tensor) => tf.add(leaf, offset), mean) as Theta;
    const draws = vmap((key: tf.Tensor) => dense.nelbo(moved, other, null, target, { key })[0])(
      keyTensor(split(toKey(2), count)),
    );
    const { mean: average, variance } = tf.moments(draws);
    expect(divergence).toBeGreaterThan(1);
    expect(Math.abs(numberOf(average) - divergence)).toBeLessThan(4 * Math.sqrt(numberOf(variance) / count));
  });

  test('is the mean over draws of T log q - log p, of θ = mean + L ξ', () => {
    const options = { seed: 3, temperature: 0.3, nSamples: 4 };
    const [four, thetas] = dense.nelbo(mean, LFactor, null, target, options);
    const flats = vmap((theta: Theta) => ravel(theta).flat as tf.Tensor)(thetas);
    const logQ = multivariateNormalLogProb(flats, ravel(mean).flat, { covariance });
    const logP = vmap((theta: Theta) => target(theta, null, {} as never)[0])(thetas);
    expect(four).toBeAllClose(tf.mean(tf.sub(tf.mul(0.3, logQ), logP)), { rtol: 1e-5 });
  });

  test('the stick-the-landing gradient vanishes at a target with correlations, in mean and factor, and the plain one does not', () => {
    const keys = keyTensor(split(toKey(8), 1000));
    const gradients = (stl: boolean) =>
      vmap((key: tf.Tensor) => {
        const q = { mean, LFactor };
        const slope = grad((at: typeof q) => dense.nelbo(at.mean, at.LFactor, null, target, { key, stl })[0])(q);
        return { mean: ravel(slope.mean).flat as tf.Tensor, LFactor: slope.LFactor };
      })(keys);
    const [stuck, plain] = [gradients(true), gradients(false)];
    for (const part of ['mean', 'LFactor'] as const) {
      const { mean: average, variance } = tf.moments(plain[part], 0);
      expect(numberOf(tf.max(tf.div(tf.max(tf.abs(stuck[part]), 0), tf.sqrt(variance))))).toBeLessThan(2e-4);
      // The plain gradient is 0 in the mean over draws, to 4.5 standard errors for the largest of 21.
      expect(numberOf(tf.max(tf.abs(tf.div(average, tf.sqrt(tf.div(variance, 1000))))))).toBeLessThan(4.5);
    }
  });

  test('refuses a factor that does not fit', () => {
    expect(() => dense.nelbo(mean, tf.zeros([20]), null, target)).toThrow(
      'vi.dense.nelbo: distributions.LFromFlat: flat has length 20; a triangle of n rows has n (n + 1) / 2 elements, such as 15 or 21',
    );
    expect(() => dense.nelbo(mean, tf.zeros([15]), null, target)).toThrow(
      /^vi\.dense\.nelbo: .*the factor has shape \[5,5\], and mean has 6 elements in all, which takes \[6,6\]/,
    );
  });
});

describe('init', () => {
  const optimizer = optim.adam();
  const init = (initL: unknown) => dense.init(mean, optimizer, { initL: initL as number, seed: 0 });

  test('takes a number, a scalar, a matrix or its lower triangle, and leaves what it was given to the caller', () => {
    const states = [init(0.3), init(factor), init(LFactor), init(tf.scalar(0.3))] as const;
    expect(states[3].LFactor).toBeAllClose(states[0].LFactor);
    expect(states[0].LFactor).toBeAllClose(LToFlat(tf.mul(0.3, tf.eye(6))));
    expect(states[1].LFactor).toBeAllClose(LFactor, { rtol: 0, atol: 0 });
    expect(states[2].LFactor).toBeAllClose(LFactor, { rtol: 0, atol: 0 });
    disposeTensors(states);
    expect([factor, LFactor, mean.bias, mean.weight].some((leaf) => leaf.isDisposed)).toBe(false);
    const one = dense.init({ only: tf.tensor1d([2]) }, optimizer, { initL: tf.tensor2d([[0.5]]) });
    expect(one.LFactor).toBeAllClose([0.5]);
  });

  test('refuses a factor that does not fit or has no density, and leaves nothing', () => {
    const [wrong, flat, whole] = [tf.eye(5), tf.zeros([20]), tf.zeros([6, 6], 'int32')];
    const needs = '6 parameters take a number, float32[6,6], or its lower triangle, float32[21]';
    expectNoLeak(() => {
      for (const initL of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => init(initL)).toThrow(`vi.dense.init: initL is ${initL} and must be a finite number other than 0`);
      }
      expect(() => init(wrong)).toThrow(`vi.dense.init: initL is float32[5,5], and ${needs}`);
      expect(() => init(flat)).toThrow(`vi.dense.init: initL is float32[20], and ${needs}`);
      expect(() => init(whole)).toThrow(`vi.dense.init: initL is int32[6,6], and ${needs}`);
      tf.tidy(() => {
        const at = (i: number): tf.Tensor => tf.oneHot(tf.scalar(i, 'int32'), 21);
        const above = tf.oneHot(tf.tensor1d([2, 9, 9, 9, 9, 9], 'int32'), 6);
        const bad: [tf.Tensor, string][] = [
          [tf.scalar(0), '0 in row 0, column 0, and must be other than 0 on the diagonal'],
          [tf.mul(LFactor, 0), '0 in row 0, column 0, and must be other than 0 on the diagonal'],
          [tf.mul(LFactor, tf.sub(1, at(20))), '0 in row 5, column 5, and must be other than 0 on the diagonal'],
          [tf.div(LFactor, tf.sub(1, at(4))), 'Infinity in row 2, column 1, and must be finite'],
          [tf.add(factor, above), '1 in row 0, column 2, and must be 0 above the diagonal'],
        ];
        for (const [each, says] of bad) expect(() => init(each)).toThrow(`vi.dense.init: initL is ${says}`);
      });
      expect(() => init('1')).toThrow(`vi.dense.init: initL is a string, and ${needs}`);
    });
  });
});

test('sample has the moments of q, to 4 standard errors', () => {
  const count = 100_000;
  const draws = dense.sample({ params: mean, LFactor }, { seed: 2, sampleShape: [count] });
  const flats = vmap((theta: Theta) => ravel(theta).flat as tf.Tensor)(draws);
  const { mean: average } = tf.moments(flats, 0);
  const centred = tf.sub(flats, average);
  const found = tf.div(tf.matMul(centred, centred, true), count - 1).arraySync() as number[][];
  const [wanted, offsets] = [covariance.arraySync() as number[][], tf.sub(average, ravel(mean).flat).dataSync()];
  for (const [i, row] of wanted.entries()) {
    const variance = row[i] as number;
    expect(Math.abs(offsets[i] as number)).toBeLessThan(4 * Math.sqrt(variance / count));
    for (const [j, value] of row.entries()) {
      const error = Math.sqrt((variance * ((wanted[j] as number[])[j] as number) + value ** 2) / count);
      expect(Math.abs(((found[i] as number[])[j] as number) - value)).toBeLessThan(4 * error);
    }
  }
});

test('vmap over states and temperatures equals one after another', () => {
  const transform = dense.build(target, optim.adam({ learningRate: 0.05 }), { initL: 0.5, nSamples: 2 });
  const states = [0, 1, 2].map((seed) => transform.init(mean, { key: keyTensor(toKey(seed)) }));
  const temperatures = [0, 0.5, 2];
  const fields = ({ params, LFactor: L, nelbo }: dense.State<Theta>) => ({ params, LFactor: L, nelbo });
  const expected = states.map((state, i) =>
    fields(transform.update(state, null, { hyper: { temperature: temperatures[i] as number } })[0]),
  );
  const stacked = stack(states.map(({ params, LFactor: L, optState, nelbo, key }) => ({ params, LFactor: L, optState, nelbo, key: key as tf.Tensor }))); // biome-ignore format: one line
  const all = vmap((tensors: typeof stacked, temperature: tf.Tensor) => {
    const state = { ...tensors, step: 0 } as unknown as dense.State<Theta>;
    return fields(transform.update(state, null, { hyper: { temperature } })[0]);
  })(stacked, tf.tensor1d(temperatures));
  expect(all).toBeAllClose(stack(expected), { rtol: 1e-4, atol: 1e-5 });
});

describe('fits', () => {
  // Conjugate linear regression: N(0, 1) prior, noise of variance s², posterior precision XᵀX / s² + I.
  const [rows, features, variance] = [40, 3, 0.25];
  const x = tf.tensor2d(Array.from({ length: rows }, (_, i) => [1, Math.sin(i), Math.cos(2 * i) + 0.5 * Math.sin(i)])); // biome-ignore format: one line
  const y = tf.tensor1d(Array.from({ length: rows }, (_, i) => 1 - 2 * Math.sin(i) + 0.7 * Math.cos(3 * i)));
  const precision = tf.add(tf.div(tf.matMul(x, x, true), variance), tf.eye(features));
  const posterior = choleskyInverse(cholesky(precision));
  const center = tf.reshape(tf.matMul(posterior, tf.div(tf.matMul(x, tf.reshape(y, [rows, 1]), true), variance)), [
    features,
  ]);
  type Line = { readonly slopes: tf.Tensor; readonly offset: tf.Tensor };
  const logPosterior: LogProbFn<Line, readonly [tf.Tensor, tf.Tensor], []> = (line, [inputs, targets]) => {
    const weights = tf.concat([tf.reshape(line.offset, [1]), line.slopes]);
    const predicted = tf.reshape(tf.matMul(inputs, tf.reshape(weights, [features, 1])), [rows]);
    const logLikelihood = diagNormalLogProb(targets, predicted, Math.sqrt(variance));
    return withAux(tf.div(tf.add(logLikelihood, diagNormalLogProb(line)), rows), []);
  };

  test.each([1, 4])(
    'the exact posterior of a linear model, to 1e-5, with %i draws and temperature 1 / N',
    async (nSamples) => {
      const steps = 800;
      const optimizer = optim.adam({ learningRate: optim.cosineDecaySchedule(0.03, steps) });
      const transform = dense.build(logPosterior, optimizer, { temperature: 1 / rows, nSamples, initL: 0.1 });
      const start = { slopes: tf.zeros([2]), offset: tf.scalar(0) };
      const batches = Array.from({ length: steps }, () => [x, y] as const);
      const state = await run(transform, transform.init(start, { seed: 6 }), batches);
      expect(ravel(state.params).flat).toBeAllClose(center, { rtol: 1e-5, atol: 1e-5 });
      const fitted = LFromFlat(state.LFactor);
      const scale = tf.max(posterior);
      const found = tf.div(tf.matMul(fitted, fitted, false, true), scale);
      expect(found).toBeAllClose(tf.div(posterior, scale), { rtol: 0, atol: 1e-5 });
    },
  );

  test('at temperature T a covariance T times as large', async () => {
    const steps = 700;
    const optimizer = optim.adam({ learningRate: optim.cosineDecaySchedule(0.05, steps) });
    const transform = dense.build(target, optimizer, { temperature: 0.25, initL: 0.5, nSamples: 2 });
    const state = await run(transform, transform.init(mean, { seed: 7 }), repeat(steps));
    const fitted = LFromFlat(state.LFactor);
    expect(tf.matMul(fitted, fitted, false, true)).toBeAllClose(tf.mul(0.25, covariance), { rtol: 0, atol: 1e-4 });
    expect(state.params).toBeAllClose({ ...mean }, { rtol: 0, atol: 1e-4 });
  });
});
