// A normal posterior of two correlated parameters, from far away: mean, covariance and divergence, over an ensemble of chains.
import { setBackend } from '@posteriors/backend';
import { normalLike } from '@posteriors/distributions';
import { key } from '@posteriors/random';
import { type LogProbFn, withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { names, pick, samplers, updated } from './samplers.ts';

beforeEach(() => setBackend('wasm'));

type Pair = readonly [number, number];
interface Normal {
  readonly mean: Pair;
  readonly covariance: readonly [Pair, Pair];
}

const determinant = ([[a, b], [c, d]]: Normal['covariance']): number => a * d - b * c; // biome-ignore format: a matrix
const inverse = (matrix: Normal['covariance']): Normal['covariance'] => {
  const [[a, b], [c, d]] = matrix; // biome-ignore format: a matrix
  const scale = 1 / determinant(matrix);
  return [[d * scale, -b * scale], [-c * scale, a * scale]]; // biome-ignore format: a matrix
};

/** KL(p ‖ q) of two normal laws in two dimensions. */
const divergence = (p: Normal, q: Normal): number => {
  const precision = inverse(q.covariance);
  const shift = [q.mean[0] - p.mean[0], q.mean[1] - p.mean[1]] as const;
  let sum = Math.log(determinant(q.covariance) / determinant(p.covariance)) - 2;
  for (const i of [0, 1] as const) {
    for (const j of [0, 1] as const) sum += precision[i][j] * (p.covariance[j][i] + shift[i] * shift[j]);
  }
  return sum / 2;
};

const target: Normal = { mean: [0.8, -1.3], covariance: [[1.24, 0.42], [0.42, 0.86]] }; // biome-ignore format: a matrix
const chains = 20_000;
const logPosterior: LogProbFn<tf.Tensor, null, []> = (theta) => {
  const centred = tf.sub(theta, tf.tensor1d([...target.mean]));
  const precision = tf.tensor2d(inverse(target.covariance).map((row) => [...row]));
  return withAux(tf.mul(-0.5, tf.sum(tf.mul(centred, tf.matMul(centred, precision)))), []);
};

const normalOf = (draws: tf.Tensor): Normal => {
  const values = draws.dataSync<'float32'>();
  const mean = ([0, 1] as const).map((i) => values.reduce((sum, x, at) => (at % 2 === i ? sum + x : sum), 0) / chains);
  const [m0, m1] = mean as [number, number];
  let [c00, c01, c11] = [0, 0, 0];
  for (let at = 0; at < values.length; at += 2) {
    const [x, y] = [(values[at] as number) - m0, (values[at + 1] as number) - m1];
    c00 += (x * x) / chains;
    c01 += (x * y) / chains;
    c11 += (y * y) / chains;
  }
  return { mean: [m0, m1], covariance: [[c00, c01], [c01, c11]] }; // biome-ignore format: a matrix
};

// θ of SGD with learning rate 0.01, momentum 0.9 and dampening 0.9, in the terms of the samplers.
const options = { alpha: 10, sigma: Math.sqrt(10), momenta: 0 };

describe.each(names)('%s', (name) => {
  test('finds mean and covariance to 0.1, which is 12 and 8 standard errors, and comes ever closer', () => {
    const learningRate = name.startsWith('sgl') ? 0.02 : 0.1;
    const transform = samplers[name].build(logPosterior, pick(name, { learningRate, ...options }));
    const params = tf.mul(10, normalLike(key(3), tf.zeros([chains, 2])));
    const initial: Normal = { mean: [0, 0], covariance: [[100, 0], [0, 100]] }; // biome-ignore format: a matrix
    let state = transform.init(params, { seed: 42 });
    const path = [divergence(initial, target)];
    for (let i = 0; i < 20; i++) {
      state = updated(transform, state, 100);
      path.push(divergence(normalOf(state.params), target));
    }
    const found = normalOf(state.params);
    console.log(
      `${name}: mean ${found.mean.map((x) => x.toFixed(3))}, covariance ${found.covariance.flat().map((x) => x.toFixed(3))}`,
    );
    for (const i of [0, 1] as const) {
      expect(Math.abs(found.mean[i] - target.mean[i])).toBeLessThan(0.1);
      for (const j of [0, 1] as const) {
        expect(Math.abs(found.covariance[i][j] - target.covariance[i][j])).toBeLessThan(0.1);
      }
    }
    expect(path.at(-1)).toBeLessThan(0.01 * (path[0] as number));
    const best = path.indexOf(Math.min(...path));
    const descents = path.slice(1, best + 1).filter((kl, i) => kl < (path[i] as number)).length;
    expect(descents / best).toBeGreaterThan(0.5);
    expect(best).toBeGreaterThan(2);
  });
});
