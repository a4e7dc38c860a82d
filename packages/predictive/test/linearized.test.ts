import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jacrev, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { type Key, key, normal } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import type { ForwardFn, StepContext } from '@posteriors/transform';
import { map, ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { diagGgn } from '../../laplace/src/index.ts';
import { inverse } from '../../laplace/test/inverse.ts';
import { linearizedForwardDiag, linearizedPredictive } from '../src/index.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

// The fixture of the golden numbers: outputs [Xw + b, sin(w0) x1 + w2].
type Params = { readonly b: tf.Tensor; readonly w: tf.Tensor };
const params: Params = { b: tf.tensor1d([0.1]), w: tf.tensor1d([0.2, -0.4, 0.6]) };
const sdDiag: Params = { b: tf.tensor1d([0.5]), w: tf.tensor1d([0.1, 0.2, 0.3]) };
const x = tf.tensor2d([[1, 2, -1], [0.5, -0.3, 0.8], [-1.2, 0.4, 0.1], [2, 1, 0]]); // biome-ignore format: a matrix
const forward = ({ b, w }: Params, inputs: tf.Tensor): [tf.Tensor, []] => {
  const first = tf.add(tf.matMul(inputs, tf.reshape(w, [3, 1])), b);
  const second = tf.add(tf.mul(tf.sin(tf.slice(w, 0, 1)), tf.slice(inputs, [0, 1], [-1, 1])), tf.slice(w, 2, 1));
  return [tf.concat([first, second], 1), []];
};
const product = (factor: tf.Tensor): tf.Tensor => tf.matMul(factor, factor, false, true);
const diagonal = (matrix: tf.Tensor): tf.Tensor => {
  const [count, n] = matrix.shape as [number, number];
  return tf.gather(tf.reshape(matrix, [count, n * n]), tf.range(0, n * n, n + 1, 'int32'), 1);
};

test('linearizedForwardDiag gives the numbers of the library in Python', () => {
  const [mean, factor, aux] = linearizedForwardDiag(forward, params, x, sdDiag);
  expect(mean).toBeAllClose(
    [[-1.1, 0.9973387], [0.8000001, 0.5403992], [-0.24, 0.6794677], [0.1, 0.7986693]], // biome-ignore format: a matrix
    { rtol: 1e-6 },
  );
  expect(factor).toBeAllClose(
    [
      [[0.7141429, 0], [-0.0985779, 0.344534]],
      [[0.5600893, 0], [0.1259262, 0.2738742]],
      [[0.5212485, 0], [0.0082411, 0.3024383]],
      [[0.5744563, 0], [0.0341215, 0.3137531]],
    ], // biome-ignore format: matrices
    { rtol: 1e-5, atol: 1e-6 },
  );
  expect(aux).toEqual([]);
});

describe('linearizedPredictive', () => {
  const sds = ravel(sdDiag).flat;
  const covariance = tf.add(tf.diag(tf.square(sds)), 0.01);
  const spreads: [string, Parameters<typeof linearizedPredictive>[3], tf.Tensor][] = [
    ['sdDiag, a tree', { sdDiag }, tf.diag(tf.square(sds))],
    ['sdDiag, a number', { sdDiag: 0.7 }, tf.mul(0.49, tf.eye(4))],
    ['sdDiag, a scalar tensor', { sdDiag: tf.scalar(0.7) }, tf.mul(0.49, tf.eye(4))],
    ['precDiag, a tree', { precDiag: map((sd: tf.Tensor) => tf.pow(sd, -2), sdDiag) }, tf.diag(tf.square(sds))],
    ['precDiag, a number', { precDiag: 4 }, tf.mul(0.25, tf.eye(4))],
    ['logSdDiag, a tree', { logSdDiag: map((sd: tf.Tensor) => tf.log(sd), sdDiag) }, tf.diag(tf.square(sds))],
    ['covariance', { covariance }, covariance],
    ['a covariance of rank 1', { covariance: tf.ones([4, 4]) }, tf.ones([4, 4])],
    ['precision', { precision: tf.diag(tf.tensor1d([1, 2, 4, 8])) }, tf.diag(tf.tensor1d([1, 0.5, 0.25, 0.125]))],
    ['a root of rank 1', { root: tf.fill([4, 1], 2) }, tf.fill([4, 4], 4)],
    ['a square root', { root: tf.diag(sds) }, tf.diag(tf.square(sds))],
  ];

  test.each(spreads)('%s: J S Jᵀ, symmetric, with its diagonal', (_, spread, s) => {
    const [, full] = linearizedPredictive(forward, params, x, spread);
    const [, variance] = linearizedPredictive(forward, params, x, spread, { output: 'variance' });
    // The Jacobian written out: rows [1, x] and [0, cos(w0) x1, 0, 1].
    const j = (x.arraySync() as number[][]).map((row) => [[1, ...row], [0, Math.cos(0.2) * row[1]!, 0, 1]]); // biome-ignore format: rows
    const expected = j.map((rows) => tf.matMul(tf.matMul(tf.tensor2d(rows), s as tf.Tensor2D), tf.tensor2d(rows), false, true)); // biome-ignore format: one line
    expect(full).toBeAllClose(tf.stack(expected), { rtol: 1e-5, atol: 1e-5 });
    expect(variance).toBeAllClose(diagonal(full), { rtol: 1e-5, atol: 1e-6 });
    expect(full.arraySync()).toEqual(tf.transpose(full, [0, 2, 1]).arraySync());
  });

  test('a factor is that of the covariance; jitter is added to the variances', () => {
    const [, full] = linearizedPredictive(forward, params, x, { covariance }, { jitter: 0.5 });
    const [, factor] = linearizedPredictive(forward, params, x, { covariance }, { jitter: 0.5, output: 'factor' });
    const [, variance] = linearizedPredictive(forward, params, x, { covariance }, { jitter: 0.5, output: 'variance' });
    const [, without] = linearizedPredictive(forward, params, x, { covariance });
    expect(product(factor)).toBeAllClose(full, { rtol: 1e-5, atol: 1e-6 });
    expect(full).toBeAllClose(tf.add(without, tf.mul(0.5, tf.eye(2))), { rtol: 1e-6 });
    expect(variance).toBeAllClose(diagonal(full), { rtol: 1e-6 });
  });

  test('outputs that go together have a covariance and variances, but a factor only with jitter', () => {
    const twice = (p: Params, inputs: tf.Tensor): [tf.Tensor, []] => {
      const [z] = forward(p, inputs);
      return [tf.concat([z, z], 1), []];
    };
    const name = 'predictive.linearizedForwardDiag';
    expect(() => linearizedForwardDiag(twice, params, x, 1)).toThrow(
      /^predictive\.linearizedForwardDiag: cholesky: the matrix is not positive definite: pivot \d.*give jitter, about 1e-5 of a typical variance/,
    );
    expect(() => expectNoLeak(() => expect(() => linearizedForwardDiag(twice, params, x, 1)).toThrow(name))).not.toThrow(); // biome-ignore format: one line
    const [, factor] = linearizedForwardDiag(twice, params, x, 1, { jitter: 1e-3 });
    const [, full] = linearizedPredictive(twice, params, x, { sdDiag: 1 });
    expect(product(factor)).toBeAllClose(full, { rtol: 1e-3, atol: 2e-3 });
    // More outputs than parameters, so that the Jacobian is taken forward.
    const powers = (p: tf.Tensor, inputs: tf.Tensor): [tf.Tensor, []] => [
      tf.concat([1, 2, 3].map((n) => tf.mul(inputs, tf.pow(p, n))), 1),
      [],
    ]; // biome-ignore format: a list
    const inputs = tf.tensor2d([[1], [2]]);
    const [, variance] = linearizedPredictive(powers, tf.scalar(0.5), inputs, { sdDiag: 2 }, { output: 'variance' });
    const slopes = [1, 2 * 0.5, 3 * 0.25];
    expect(variance).toBeAllClose([1, 2].map((a) => slopes.map((slope) => (2 * a * slope) ** 2)), { rtol: 1e-5 }); // biome-ignore format: one line
  });

  test.each(['cpu', 'wasm'] as const)('Bayesian linear regression on %s: the predictive variance is exact', async (device) => {
    await setBackend(device);
    const design = normal(key(1), [50, 3]);
    const precision = tf.add(tf.mul(tf.matMul(design, design, true), 4), tf.mul(2, tf.eye(3)));
    const inputs = normal(key(2), [20, 3]);
    const linear = (w: tf.Tensor, rows: tf.Tensor): [tf.Tensor, []] => [tf.matMul(rows, tf.reshape(w, [3, 1])), []];
    const w = tf.tensor1d([1, -2, 0.5]);
    const [mean, variance] = linearizedPredictive(linear, w, inputs, { precision }, { output: 'variance' });
    const rows = inputs.arraySync() as number[][];
    const covariance = inverse(precision.arraySync() as number[][]);
    const exact = rows.map((a) => [a.reduce((sum, ai, i) => sum + a.reduce((inner, aj, j) => inner + ai * covariance[i]![j]! * aj, 0), 0)]); // biome-ignore format: a formula
    expect(mean).toBeAllClose(tf.matMul(inputs, tf.reshape(w, [3, 1])));
    expect(variance).toBeAllClose(exact, { rtol: 1e-4 });
  }); // biome-ignore format: a title

  test('many examples in chunks equal few at a time, of a model with more parameters than are held at once', async () => {
    await setBackend('wasm');
    const width = 1500;
    const wide = { hidden: tf.mul(0.01, normal(key(3), [width, width])), out: tf.mul(0.1, normal(key(4), [width, 2])) };
    const model = (p: typeof wide, rows: tf.Tensor): [tf.Tensor, []] => [
      tf.matMul(tf.tanh(tf.matMul(rows, p.hidden)), p.out),
      [],
    ];
    const rows = normal(key(5), [3, width]);
    const all = linearizedPredictive(model, wide, rows, { sdDiag: 0.1 });
    const apart = [0, 1, 2].map((i) => linearizedPredictive(model, wide, tf.slice(rows, [i, 0], [1, width]), { sdDiag: 0.1 })); // biome-ignore format: one line
    expect(all[0]).toBeAllClose(tf.concat(apart.map(([mean]) => mean)), { rtol: 1e-4, atol: 1e-5 });
    expect(all[1]).toBeAllClose(tf.concat(apart.map(([, full]) => full)), { rtol: 1e-4 });
  });

  test('a small language model: 50 logits for each of three texts', async () => {
    await setBackend('wasm');
    const [words, features] = [50, 8];
    type Model = { readonly embedding: tf.Tensor; readonly weight: tf.Tensor; readonly bias: tf.Tensor };
    const model: Model = {
      embedding: normal(key(6), [words, features]),
      weight: normal(key(7), [features, words]),
      bias: normal(key(8), [words]),
    };
    const tokens = tf.tensor2d([[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8]], [3, 4], 'int32'); // biome-ignore format: a matrix
    const logits = ({ embedding, weight, bias }: Model, texts: tf.Tensor): [tf.Tensor, []] => [
      tf.add(tf.matMul(tf.mean(tf.tanh(tf.gather(embedding, tf.cast(texts, 'int32'))), 1), weight), bias),
      [],
    ];
    const sds = map((leaf: tf.Tensor) => tf.add(0.1, tf.mul(0.02, tf.abs(leaf))), model);
    const [mean, factor] = linearizedForwardDiag(logits, model, tokens, sds);
    expect([mean.shape, factor.shape]).toEqual([[3, words], [3, words, words]]); // biome-ignore format: shapes
    expect(mean).toBeAllClose(logits(model, tokens)[0], { rtol: 1e-5, atol: 1e-6 });
    const { flat, unravel } = ravel(model);
    const jacobian = jacrev((vector: tf.Tensor) => logits(unravel(vector), tokens)[0])(flat);
    const wide = tf.mul(jacobian, ravel(sds).flat);
    expect(product(factor)).toBeAllClose(tf.matMul(wide, wide, false, true), { rtol: 1e-4, atol: 1e-5 });
  });

  test('batches that are trees, with integers; compiled; mapped over spreads; differentiated', () => {
    type Batch = { readonly rows: tf.Tensor; readonly token: tf.Tensor };
    const embedding = (p: { table: tf.Tensor }, { rows, token }: Batch): [tf.Tensor, tf.Tensor] => [
      tf.mul(tf.gather(p.table, tf.cast(token, 'int32')), rows),
      token,
    ];
    const batch = { rows: tf.tensor2d([[1, 2], [3, 4]]), token: tf.tensor1d([2, 0], 'int32') }; // biome-ignore format: a matrix
    const p = { table: tf.tensor2d([[1, 2], [3, 4], [5, 6]]) }; // biome-ignore format: a matrix
    const predict = (sd: number | tf.Tensor): tf.Tensor => {
      const sds = { table: tf.mul(sd, tf.ones([3, 2])) };
      return linearizedPredictive(embedding, p, batch, { sdDiag: sds }, { output: 'variance' })[1];
    };
    const scaled = (p: { table: tf.Tensor }, { scale, ...batch }: Batch & { scale: tf.Tensor }): [tf.Tensor, []] => [
      tf.mul(scale, embedding(p, batch)[0]),
      [],
    ];
    const variance = linearizedPredictive(scaled, p, { ...batch, scale: tf.scalar(3) }, { sdDiag: 1 }, { output: 'variance' })[1]; // biome-ignore format: one line
    expect(variance).toBeAllClose([[9, 36], [81, 144]]); // biome-ignore format: a matrix
    const [mean, , token] = linearizedPredictive(embedding, p, batch, { sdDiag: 1 });
    expect(mean).toBeAllClose([[5, 12], [3, 8]]); // biome-ignore format: a matrix
    expect(token).toBeAllClose([2, 0]);
    const variances = [[1, 4], [9, 16]]; // biome-ignore format: a matrix
    expect(predict(1)).toBeAllClose(variances);
    expect(jit(() => predict(2))()).toBeAllClose(variances.map((row) => row.map((v) => 4 * v)));
    const many = vmap(predict)(tf.tensor1d([1, 3]));
    expect(many).toBeAllClose([variances, variances.map((row) => row.map((v) => 9 * v))]);
    expect(grad((sd: tf.Tensor) => tf.sum(predict(sd)))(tf.scalar(3))).toBeAllClose(6 * 30);
  });

  test('takes the functions and the states of the algorithms, as laplace has them', () => {
    const model: ForwardFn<Params, tf.Tensor, []> = (p, inputs, { key: drawn, step }) => {
      expect([drawn.shape, drawn.dtype, step.shape, step.dtype]).toEqual([[2], 'int32', [], 'int32']);
      return forward(p, inputs);
    };
    const outer = (z: tf.Tensor): tf.Tensor => tf.mul(-0.5, tf.sum(tf.square(z)));
    const transform = diagGgn.build(model, outer, { initPrecDiag: 1 });
    const [{ precDiag }] = transform.update(transform.init(params), x);
    const [mean, variance] = linearizedPredictive(model, params, x, { precDiag }, { output: 'variance' });
    const byHand = { sdDiag: map((precision: tf.Tensor) => tf.pow(precision, -0.5), precDiag) };
    const [same, expected] = linearizedPredictive(model, params, x, byHand, { output: 'variance' });
    expect(mean).toBeAllClose(same);
    expect(variance).toBeAllClose(expected, { rtol: 1e-5 });
  });

  test.each(['cpu', 'wasm'] as const)('a model that draws has a key of the seed, by default always the same, on %s', async (device) => {
    await setBackend(device);
    const noisy = (p: Params, inputs: tf.Tensor, context: StepContext): [tf.Tensor, tf.Tensor] => {
      const [z] = forward(p, inputs);
      const shift = normal(context.key, [2]);
      return [tf.add(z, tf.mul(shift, tf.sum(p.b))), tf.cast(context.step, 'float32')];
    };
    const run = (options?: { seed?: number; key?: Key }): unknown => {
      const [mean, full, step] = linearizedPredictive(noisy, params, x, { sdDiag }, options);
      expect(step).toBeAllClose(0);
      return [mean.arraySync(), full.arraySync()];
    };
    expect(run()).toEqual(run());
    expect(run()).toEqual(run({ seed: 0 }));
    expect(run({ key: key(5) })).toEqual(run({ seed: 5 }));
    expect(run({ seed: 5 })).not.toEqual(run());
    const [drawn] = linearizedForwardDiag(noisy, params, x, sdDiag, { seed: 5 });
    expect(drawn.arraySync()).toEqual((run({ seed: 5 }) as unknown[])[0]);
    expect(jit((p: Params) => linearizedPredictive(noisy, p, x, { sdDiag })[0])(params)).toBeAllClose((run() as number[][][])[0], { rtol: 1e-6 });
  }); // biome-ignore format: a title

  test('nothing is left behind', () => {
    expectNoLeak(() => {
      for (const output of ['covariance', 'factor', 'variance'] as const) {
        const [mean, spread] = linearizedPredictive(forward, params, x, { sdDiag }, { output });
        tf.dispose([mean, spread]);
      }
    });
  });
});

describe('bad input', () => {
  const call = (spread: unknown, options?: object) => () =>
    linearizedPredictive(forward, params, x, spread as { sdDiag: number }, options);
  const name = 'predictive.linearizedPredictive';

  test.each<[unknown, string | RegExp]>([
    [{}, 'the spread is given by {  } and must be given by one of { sdDiag }, { precDiag }, { logSdDiag }, { covariance }, { precision }, { root }'],
    [{ sdDiag: 1, root: x }, 'the spread is given by { sdDiag, root } and must be given by one of'],
    [undefined, 'the spread is given by {  } and must be'],
    [{ factor: x }, 'the spread is given by { factor } and must be given by one of'],
    [{ sdDiag: -1 }, 'sdDiag is -1 and must be a number that is not negative'],
    [{ sdDiag: { b: params.b, w: tf.tensor1d([1, -2, 1]) } }, 'sdDiag $.w is -2 at element 1 and must be a number that is not negative'],
    [{ precDiag: 0 }, 'precDiag is 0 and must be a positive number'],
    [{ precDiag: { b: tf.tensor1d([0]), w: params.w } }, 'precDiag $.b is 0 at element 0 and must be a positive number'],
    [{ logSdDiag: Number.NaN }, 'logSdDiag is NaN and must be a finite number'],
    [{ sdDiag: { b: params.b, w: params.b } }, 'the parameters and sdDiag: shapes differ at $.w: [3] vs [1]'],
    [{ sdDiag: { b: params.b } }, /differ in structure at \$/],
    [{ covariance: tf.ones([3, 3]) }, 'covariance is float32[3,3] and must be float32 [4,4], with a row for each of the 4 elements'],
    [{ precision: tf.ones([4, 3]) }, 'precision is float32[4,3] and must be float32 [4,4]'],
    [{ root: tf.ones([3, 3]) }, 'root is float32[3,3] and must be float32 [4, r]'],
    [{ root: 3 }, 'root is number and must be float32 [4, r]'],
    [{ precision: tf.ones([4, 4]) }, /cholesky: the matrix is not positive definite: pivot 1/],
  ])('a spread %#', (spread, says) => {
    expect(call(spread)).toThrow(says);
    expect(call(spread)).toThrow(name);
  }); // biome-ignore format: a table

  test('options', () => {
    expect(call({ sdDiag }, { jitter: -1 })).toThrow(`${name}: jitter is -1 and must be a number that is not negative`);
    expect(call({ sdDiag }, { outputs: 'variance' })).toThrow(`${name}: there is no option outputs; there are output, jitter, seed, key`); // biome-ignore format: one line
    expect(call({ sdDiag }, { output: 'sd' })).toThrow(`${name}: output is sd and must be 'covariance', 'factor' or 'variance'`); // biome-ignore format: one line
  });

  test('a forward function that returns no matrix, no aux, or not a row for each example', () => {
    const says = (other: unknown) => {
      const run = (): unknown => linearizedPredictive(other as typeof forward, params, x, { sdDiag });
      return expect(run);
    };
    says((p: Params, inputs: tf.Tensor) => [tf.sum(forward(p, inputs)[0], 1), []]).toThrow(
      `${name}: the function must return float32 [examples, outputs], and returned float32[4]; reshape it to [examples, 1] for one output`,
    );
    says((p: Params, inputs: tf.Tensor) => forward(p, inputs)[0]).toThrow(`${name}: the function must return [value, aux]`); // biome-ignore format: one line
    says((p: Params, inputs: tf.Tensor) => [tf.cast(forward(p, inputs)[0], 'int32'), []]).toThrow(
      'returned int32[4,2]',
    );
    says((p: Params, inputs: tf.Tensor) => [tf.sum(forward(p, inputs)[0], 0, true), []]).toThrow(
      `${name}: the function must return a row for each of the 4 examples of the batch, and returned [1,2]`,
    );
    says(async (p: Params, inputs: tf.Tensor) => forward(p, inputs)).toThrow('the function is async');
  });
});
