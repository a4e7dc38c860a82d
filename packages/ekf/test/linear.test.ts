// Where the model is linear and its noise normal: the Kalman filter and recursive least squares.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { readFileSync } from 'node:fs';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import { disposeTensors, type ForwardFn, type OuterLogProbFn, withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, diagGgn } from '../src/index.ts';
import { flat } from './model.ts';

interface Normal {
  readonly params: readonly number[];
  readonly cov: readonly number[][];
}
const golden = JSON.parse(readFileSync(new URL('./golden/ekf.json', import.meta.url), 'utf8')).linear as {
  readonly noiseSd: number;
  readonly x: number[][];
  readonly y: number[][];
  readonly initCov: number[][];
  readonly transitionCov: number[][];
  readonly posterior: Normal;
  readonly batchSize: number;
  readonly kalman: readonly Normal[];
};

type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
type Params = { readonly weight: tf.Tensor };

const forward: ForwardFn<Params, Batch, []> = ({ weight }, { x }) => withAux(tf.matMul(x, weight), []);
const noise = golden.noiseSd ** 2;
const total: OuterLogProbFn<Batch> = (z, { y }) => tf.mul(-0.5 / noise, tf.sum(tf.square(tf.sub(y, z))));
const average: OuterLogProbFn<Batch> = (z, { y }) => tf.mul(-0.5 / noise, tf.mean(tf.sum(tf.square(tf.sub(y, z)), 1)));

function* batches(size: number): Generator<Batch> {
  for (let i = 0; i < golden.x.length; i += size)
    yield { x: tf.tensor2d(golden.x.slice(i, i + size)), y: tf.tensor2d(golden.y.slice(i, i + size)) };
}

const maximum = (values: readonly number[][]): number => Math.max(...values.flat().map(Math.abs));

describe.each(['cpu', 'wasm'] as const)('denseGgn on %s', (device) => {
  beforeEach(() => setBackend(device));
  const start = (): Params => ({ weight: tf.zeros([3, 2]) });

  const expectNormal = (state: denseGgn.State<Params>, expected: Normal, tolerance: number): void => {
    expect(flat(state.params)).toBeAllClose(expected.params, { rtol: tolerance, atol: 0 });
    expect(state.cov.arraySync()).toBeAllClose(expected.cov, {
      rtol: 0,
      atol: tolerance * maximum(expected.cov as number[][]),
    });
  };

  test.each([1, 10, 120])(
    'is the posterior of all data, in batches of %i: recursive least squares, to 1e-5',
    (size) => {
      const builds = [
        denseGgn.build(forward, total, { learningRate: 1, initCov: tf.tensor2d(golden.initCov) }),
        denseGgn.build(forward, average, { learningRate: size, initCov: tf.tensor2d(golden.initCov) }),
      ];
      for (const transform of builds) {
        const state = transform.init(start(), { seed: 0 });
        for (const batch of batches(size)) {
          transform.update(state, batch, { inplace: true });
          disposeTensors(batch);
        }
        expectNormal(state, golden.posterior, 1e-5);
        state.dispose();
      }
    },
  );

  test('is the Kalman filter where the parameters walk, to 1e-5', () => {
    const transitionCov = tf.tensor2d(golden.transitionCov);
    const transform = denseGgn.build(forward, total, {
      learningRate: 1,
      transitionCov,
      initCov: tf.tensor2d(golden.initCov),
    });
    const state = transform.init(start(), { seed: 0 });
    let step = 0;
    for (const batch of batches(golden.batchSize)) {
      transform.update(state, batch, { inplace: true });
      expectNormal(state, golden.kalman[step++] as Normal, 1e-5);
    }
    expect(step).toBe(golden.kalman.length);
  });
});

describe('one parameter p and normal data around it', () => {
  beforeEach(() => setBackend('cpu'));
  const scalar = (p: tf.Tensor, y: tf.Tensor): [tf.Tensor, []] =>
    withAux(tf.mul(-0.5, tf.mean(tf.square(tf.sub(p, y)))), []);
  const identity: ForwardFn<tf.Tensor, tf.Tensor, []> = (p, y) => withAux(tf.mul(p, tf.onesLike(y)), []);
  const likelihood: OuterLogProbFn<tf.Tensor> = (z, y) => tf.mul(-0.5, tf.sum(tf.square(tf.sub(z, y))));

  test('diagGgn has the exact variance and mean', () => {
    const transform = diagGgn.build(identity, likelihood, { learningRate: 1, initSds: 2 });
    const [state] = transform.update(transform.init(tf.scalar(0), { seed: 0 }), tf.tensor1d([1, 2, 4]));
    const variance = 1 / (1 / 4 + 3);
    expect(state.sdDiag).toBeAllClose(Math.sqrt(variance));
    expect(state.params).toBeAllClose(variance * 7);
  });

  // A filter whose covariance grows with data has the sign of the curvature wrong.
  test('denseFisher: the variance shrinks with data, from 1 to 0.8 (guards against the sign in posteriors 0.1.2, where it grows to 1.379)', () => {
    const transform = denseFisher.build(scalar, { learningRate: 0.1 });
    const [state] = transform.update(transform.init(tf.scalar(0), { seed: 0 }), tf.tensor1d([1, 2]));
    expect(state.cov).toBeAllClose([[0.8]]);
    expect(state.params).toBeAllClose(0.1 * 0.8 * 1.5);
    const far = denseFisher.build(scalar, { learningRate: 1 });
    const [next] = far.update(far.init(tf.scalar(0), { seed: 0 }), tf.tensor1d([3]));
    expect(next.cov).toBeAllClose([[0.1]]);
  });

  test('the empirical Fisher has squared residuals in it: too sure of large ones, not sure enough of small ones', () => {
    const fisher = denseFisher.build(scalar, { learningRate: 2 });
    const exact = denseGgn.build(identity, likelihood, { learningRate: 1 });
    const variances = (residual: number): [number, number] => {
      const batch = tf.tensor1d([residual, -residual]);
      const [byFisher] = fisher.update(fisher.init(tf.scalar(0), { seed: 0 }), batch);
      const [byCurvature] = exact.update(exact.init(tf.scalar(0), { seed: 0 }), batch);
      return [flat(byFisher.cov)[0] as number, flat(byCurvature.cov)[0] as number];
    };
    expect(variances(1)).toBeAllClose([1 / 3, 1 / 3], { rtol: 1e-6 });
    expect(variances(3)).toBeAllClose([1 / 19, 1 / 3], { rtol: 1e-6 });
    expect(variances(0.1)).toBeAllClose([1 / 1.02, 1 / 3], { rtol: 1e-6 });
  });

  // On every element it would correlate what is independent.
  test('a scalar transition covariance goes to the diagonal (guards against posteriors 0.1.2, where it goes to every element)', () => {
    const flatLikelihood = (p: tf.Tensor, y: tf.Tensor): [tf.Tensor, []] =>
      withAux(tf.mul(0, tf.mul(tf.sum(p), y)), []);
    const flatOuter: OuterLogProbFn<tf.Tensor> = (z) => tf.mul(0, tf.sum(z));
    const settings = { learningRate: 1, transitionCov: 0.25, initCov: 2 };
    const byFisher = denseFisher.build(flatLikelihood, { ...settings, perSample: true });
    const byCurvature = denseGgn.build((p: tf.Tensor) => withAux(p, []), flatOuter, settings);
    for (const transform of [byFisher, byCurvature]) {
      const [state] = transform.update(transform.init(tf.zeros([3]), { seed: 0 }), tf.zeros([1]));
      expect(state.cov).toBeAllClose([[2.25, 0, 0], [0, 2.25, 0], [0, 0, 2.25]]); // biome-ignore format: a matrix
    }
  });
});
