import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { diagNormalLogProb } from '@posteriors/distributions';
import * as optim from '@posteriors/optim';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { disposeTensors, type LogProbFn, run, withAux } from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { diag } from '../src/index.ts';
import { mean, numberOf, repeat, sds, type Theta, target } from './families.ts';

beforeEach(() => setBackend('cpu'));
describe('nelbo', () => {
  test('is the Kullback-Leibler divergence from another q, to 4 standard errors', () => {
    const wrong: Theta = { a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(3.1) };
    const wide: Theta = { a: tf.tensor2d([[1, 1, 1]]), b: tf.scalar(0.2) };
    const divergence = (
      [
        [1, 0.5, 1],
        [2, 2, 1],
        [0.5, 1, 1],
        [0.1, 0.1, 0.2],
      ] as const
    ).reduce((sum, [offset, sd, qSd]) => sum + Math.log(sd / qSd) + (qSd ** 2 + offset ** 2) / (2 * sd ** 2) - 0.5, 0);
    const count = 4000;
    const keys = keyTensor(split(toKey(2), count));
    const draws = vmap((key: tf.Tensor) => diag.nelbo(wrong, wide, null, target, { key })[0])(keys);
    const { mean: average, variance } = tf.moments(draws);
    expect(divergence).toBeGreaterThan(1);
    expect(Math.abs(numberOf(average) - divergence)).toBeLessThan(4 * Math.sqrt(numberOf(variance) / count));
  });

  test('is the mean over draws of T log q - log p', () => {
    const q: Theta = { a: tf.tensor2d([[0.3, 0.6, 0.9]]), b: tf.scalar(1) };
    const [four, { theta, key }] = diag.nelbo(mean, q, null, target, { seed: 3, temperature: 0.3, nSamples: 4 });
    const terms = [0, 1, 2, 3].map((i) => {
      const draw = { a: tf.gather(theta.a, i), b: tf.gather(theta.b, i) };
      return tf.sub(tf.mul(0.3, diagNormalLogProb(draw, mean, q)), target(draw, null, { key } as never)[0]);
    });
    expect(four).toBeAllClose(tf.mean(tf.stack(terms)));
  });

  test('refuses standard deviations that do not fit', () => {
    expect(() => diag.nelbo(mean, { a: sds.a } as Theta, null, target)).toThrow(
      /^vi\.diag\.nelbo: .*sdDiag has the structure \{a: \*\} and mean has \{a: \*, b: \*\}/,
    );
  });
});

describe('init', () => {
  const params: Theta = { a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(1) };
  const optimizer = optim.adam();

  test('takes log sds as a number or as a tree, and leaves what it was given to the caller', () => {
    const byNumber = diag.init(params, optimizer, { initLogSds: -3, seed: 0 });
    expect(byNumber.logSdDiag).toBeAllClose({ a: [[-3, -3, -3]], b: -3 });
    expect(diag.init(params, optimizer, { initLogSds: tf.scalar(-3), seed: 0 }).logSdDiag).toBeAllClose({ a: [[-3, -3, -3]], b: -3 }); // biome-ignore format: one line
    const tree: Theta = { a: tf.tensor2d([[-1, -2, -3]]), b: tf.scalar(0) };
    const byTree = diag.init(params, optimizer, { initLogSds: tree, seed: 0 });
    expect(byTree.logSdDiag).toBeAllClose({ a: [[-1, -2, -3]], b: 0 });
    disposeTensors([byNumber, byTree]);
    expect([tree.a, tree.b, params.a, params.b].some((leaf) => leaf.isDisposed)).toBe(false);
  });

  test('refuses log sds that do not fit, and leaves nothing', () => {
    const init = (initLogSds: unknown) => () =>
      diag.init(params, optimizer, { initLogSds: initLogSds as number, seed: 0 });
    expectNoLeak(() => {
      expect(init(Number.NaN)).toThrow('vi.diag.init: initLogSds is NaN and must be a finite number');
      const infinite = tf.scalar(-Infinity);
      expect(init({ a: params.a, b: infinite })).toThrow(
        'vi.diag.init: initLogSds $.b is -Infinity at element 0 and must be a finite number',
      );
      infinite.dispose();
      expect(init({ a: params.a })).toThrow(
        'vi.diag.init: the parameters and initLogSds: tree.mapWithPath: trees differ in structure at $: {a, b} vs {a}',
      );
      expect(init({ a: params.b, b: params.b })).toThrow(
        'vi.diag.init: the parameters and initLogSds: shapes differ at $.a: [1,3] vs []',
      );
    });
  });
});

describe('sample', () => {
  const state = diag.init({ a: tf.tensor1d([1, -2]), b: tf.scalar(3) }, optim.adam(), {
    initLogSds: { a: tf.tensor1d([0, -1]), b: tf.scalar(1) },
    seed: 1,
  });

  test('has the moments of q, to 4 standard errors', () => {
    const count = 100_000;
    const { a, b } = diag.sample(state, { seed: 2, sampleShape: [count] });
    const expectColumn = (values: tf.Tensor, mu: number, logSd: number) => {
      const { mean, variance } = tf.moments(values);
      expect(Math.abs(numberOf(mean) - mu)).toBeLessThan((4 * Math.exp(logSd)) / Math.sqrt(count));
      expect(Math.abs(numberOf(variance) / Math.exp(2 * logSd) - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    };
    expectColumn(tf.slice(a, [0, 0], [count, 1]), 1, 0);
    expectColumn(tf.slice(a, [0, 1], [count, 1]), -2, -1);
    expectColumn(b, 3, 1);
  });
});

describe('fits', () => {
  const mu = [1, -2, 3];
  const precision = [
    [2, 0.8, -0.3],
    [0.8, 1, 0.2],
    [-0.3, 0.2, 0.5],
  ];
  const correlated: LogProbFn<{ theta: tf.Tensor }, null, []> = ({ theta }) => {
    const centred = tf.reshape(tf.sub(theta, tf.tensor1d(mu)), [1, 3]);
    return withAux(tf.mul(-0.5, tf.sum(tf.mul(centred, tf.matMul(centred, tf.tensor2d(precision))))), []);
  };

  // The plain gradient keeps its noise at the optimum, so it comes less close with as many draws.
  test.each([
    { stl: true, rtol: 0.01 },
    { stl: false, rtol: 0.02 },
  ])('a correlated normal: its mean, and the variances 1 / Λii, %o', async ({ stl, rtol }) => {
    await setBackend('wasm');
    const steps = 1500;
    const optimizer = optim.adam({ learningRate: optim.cosineDecaySchedule(0.02, steps) });
    const transform = diag.build(correlated, optimizer, { nSamples: 400, stl, initLogSds: -1 });
    const state = await run(transform, transform.init({ theta: tf.zeros([3]) }, { seed: 6 }), repeat(steps));
    const variances = tf.exp(tf.mul(2, state.logSdDiag.theta));
    expect(state.params.theta).toBeAllClose(mu, { rtol, atol: 0 });
    expect(variances).toBeAllClose(
      precision.map((row, i) => 1 / (row[i] as number)),
      { rtol, atol: 0 },
    );
  });

  test('at temperature T variances T times as large', async () => {
    const steps = 800;
    const transform = diag.build(target, optim.adam({ learningRate: optim.cosineDecaySchedule(0.1, steps) }), {
      temperature: 0.25,
      initLogSds: -1,
    });
    const state = await run(
      transform,
      transform.init(map((m: tf.Tensor) => tf.add(m, 0.5), mean) as Theta, { seed: 7 }),
      repeat(steps),
    );
    expect(state.params).toBeAllClose(mean as TensorTree, { rtol: 0.01 });
    expect(map((logSd: tf.Tensor) => tf.exp(logSd), state.logSdDiag)).toBeAllClose(
      map((sd: tf.Tensor) => tf.mul(0.5, sd), sds),
      { rtol: 0.01 },
    );
  });
});
