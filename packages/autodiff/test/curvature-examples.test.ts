// Curvature products and matrices of functions whose derivatives are written out in float64, with every choice of options, to 1e-5.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import { ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { inverse } from '../../laplace/test/inverse.ts';
import { cg, diagGgn, empiricalFisher, fvp, ggn, ggnvp, hvp, jacrev, perSamplify } from '../src/index.ts';

type Tensor = tf.Tensor;

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));
const close = { rtol: 1e-5, atol: 1e-8 };

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const times = (matrix: readonly (readonly number[])[], v: readonly number[]): number[] =>
  matrix.map((row) => dot(row, v));
/** Σ r rᵀ over rows. */
const gram = (rows: readonly (readonly number[])[]): number[][] =>
  rows[0]!.map((_, i) => rows[0]!.map((__, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)));
const scaled = (matrix: readonly (readonly number[])[], factor: number): number[][] =>
  matrix.map((row) => row.map((value) => factor * value));
const diagonal = (matrix: readonly (readonly number[])[]): number[] => matrix.map((row, i) => row[i]!);
const both = [false, true] as const;

describe('powers of 1 to 5', () => {
  const values = [1, 2, 3, 4, 5];
  const [x, v] = [tf.tensor1d(values) as Tensor, tf.ones([5])];
  const fifth = (a: Tensor): Tensor => tf.sum(tf.pow(a, 5));
  const two = (a: Tensor): Tensor => tf.stack([fifth(a), tf.sum(tf.pow(a, 3))]);
  const jacobian = [values.map((a) => 5 * a ** 4), values.map((a) => 3 * a ** 2)];

  test('hvp, with aux and without', () => {
    const [gradient, product] = [jacobian[0], values.map((a) => 20 * a ** 3)];
    expect(hvp(fifth, [x], [v])).toBeAllClose([gradient, product], close);
    const withAux = (a: Tensor): [Tensor, Tensor] => [fifth(a), tf.square(a)];
    expect(hvp(withAux, [x], [v], { hasAux: true })).toBeAllClose([gradient, product, values.map((a) => a * a)], close);
  });

  test.each(both)('fvp, normalised: %s, with aux and without', (normalize) => {
    const product = times(scaled(gram(jacobian), normalize ? 1 / 2 : 1), [1, 1, 1, 1, 1]);
    const value = [1 + 32 + 243 + 1024 + 3125, 1 + 8 + 27 + 64 + 125];
    expect(fvp(two, [x], [v], { normalize })).toBeAllClose([value, product], close);
    const withAux = (a: Tensor): [Tensor, Tensor] => [two(a), a];
    expect(fvp(withAux, [x], [v], { hasAux: true, normalize })).toBeAllClose([value, product, values], close);
  });

  test.each(['cpu', 'wasm'] as const)('cg inverts their damped Fisher matrix on %s', async (device) => {
    await setBackend(device);
    const fisher = gram(jacobian);
    const damped = fisher.map((row, i) => row.map((value, j) => value + (i === j ? 100 : 0)));
    const [solution] = cg((a: Tensor) => fvp(two, [x], [a])[1], v, { damping: 100, tol: 1e-10, maxiter: 10_000 });
    expect(solution).toBeAllClose(times(inverse(damped), [1, 1, 1, 1, 1]), { rtol: 1e-3, atol: 1e-8 });
  });
});

/** Rows `[count, width]` without structure. */
const rowsOf = (count: number, width: number): number[][] =>
  Array.from({ length: count }, (_, i) => Array.from({ length: width }, (__, j) => 1.5 * Math.sin(1 + i * i * 3 + j * j * 5 + 2 * i * j))); // biome-ignore format: one line
type Linear = { readonly bias: Tensor; readonly weight: Tensor };
const linear = ({ bias, weight }: Linear, inputs: Tensor): Tensor => tf.add(tf.matMul(inputs, weight), bias);
const makeLinear = (width: number): Linear => ({
  bias: tf.tensor1d([0.3]),
  weight: tf.tensor2d(Array.from({ length: width }, (_, j) => [Math.cos(3 * j) / 2])),
});
const flat = (tree: Linear): Tensor => ravel(tree).flat;

describe('a linear model', () => {
  const rows = rowsOf(2, 4);
  const params = makeLinear(4);
  const batch = { x: tf.tensor2d(rows), y: tf.tensor1d([0.5, -1]) };
  const residuals = (p: Linear): Tensor => tf.sub(batch.y, tf.reshape(linear(p, batch.x), [-1]));
  const jacobian = rows.map((row) => [-1, ...row.map((a) => -a)]);

  test.each(both)('empiricalFisher, normalised: %s, with aux and without, and fvp', (normalize) => {
    const expected = scaled(gram(jacobian), normalize ? 1 / 2 : 1);
    expect(empiricalFisher(residuals, { normalize })(params)).toBeAllClose(expected, close);
    const withAux = (p: Linear): [Tensor, Linear] => [residuals(p), p];
    const [matrix, aux] = empiricalFisher(withAux, { hasAux: true, normalize })(params);
    expect(matrix).toBeAllClose(expected, close);
    expect(aux).toBeAllClose(params);
    const direction = { bias: tf.tensor1d([0.7]), weight: tf.tensor2d([[1], [-0.2], [0.4], [2]]) };
    const [, product] = fvp(residuals, [params], [direction], { normalize });
    expect(flat(product)).toBeAllClose(times(expected, [0.7, 1, -0.2, 0.4, 2]), close);
  });

  test.each(['cpu', 'wasm'] as const)('cg inverts its Fisher matrix of 100 examples on %s', async (device) => {
    await setBackend(device);
    const many = rowsOf(100, 10);
    const [inputs, start] = [tf.tensor2d(many), makeLinear(10)];
    const fisher = gram(many.map((row) => [1, ...row]));
    const product = (v: Linear): Linear => fvp((p: Linear) => linear(p, inputs), [start], [v])[1];
    const [solution, { converged }] = cg(product, start, { tol: 1e-10 });
    const wanted = times(inverse(fisher), Array.from(flat(start).dataSync()));
    expect(flat(solution)).toBeAllClose(wanted, { rtol: 1e-3, atol: 1e-8 });
    expect(converged.shape).toEqual([]);
  });
});

describe('logistic regression', () => {
  const rows = rowsOf(3, 10);
  const labels = [[1], [0], [1]];
  const params = makeLinear(10);
  const batch = { inputs: tf.tensor2d(rows), labels: tf.tensor2d(labels) };
  type Batch = typeof batch;
  const meanLoss = (logits: Tensor, targets: Tensor): Tensor =>
    tf.mean(tf.sub(tf.softplus(logits), tf.mul(targets, logits)));
  const logLikelihood = (p: Linear, data: { readonly inputs: Tensor; readonly labels: Tensor }): Tensor =>
    tf.neg(meanLoss(linear(p, data.inputs), data.labels));
  const theta = Array.from(flat(params).dataSync());
  const design = rows.map((row) => [1, ...row]);
  const logits = design.map((row) => dot(row, theta));
  const chance = logits.map((z) => 1 / (1 + Math.exp(-z)));

  test('perSamplify gives the log likelihood of each example, and its batch may be set beforehand', () => {
    const each = perSamplify(logLikelihood);
    const expected = logits.map((z, i) => labels[i]![0]! * z - Math.log1p(Math.exp(z)));
    expect(each(params, batch)).toBeAllClose(expected, close);
    const ofParams = (p: Linear): Tensor => each(p, batch);
    expect(ofParams(params)).toBeAllClose(expected, close);
    expect(fvp(ofParams, [params], [params])[0]).toBeAllClose(expected, close);
  });

  test('the empirical Fisher matrix', () => {
    const gradients = design.map((row, i) => row.map((a) => a * (labels[i]![0]! - chance[i]!)));
    const matrix = empiricalFisher(perSamplify(logLikelihood))(params, batch);
    expect(matrix).toBeAllClose(gram(gradients), { rtol: 1e-5, atol: 1e-7 });
  });

  test('the Gauss-Newton matrix, its diagonal and its products', () => {
    const weighted = design.map((row, i) => row.map((a) => a * Math.sqrt((chance[i]! * (1 - chance[i]!)) / 3)));
    const expected = gram(weighted);
    const forward = (p: Linear, { inputs }: Batch): Tensor => linear(p, inputs);
    const loss = (z: Tensor): Tensor => meanLoss(z, batch.labels);
    expect(ggn(forward, loss)(params, batch)).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-7 });
    expect(flat(diagGgn(forward, loss)(params, batch))).toBeAllClose(diagonal(expected), close);
    const [[z, slope], product] = ggnvp((p: Linear) => forward(p, batch), loss, [params], [params]);
    expect(z).toBeAllClose(
      logits.map((value) => [value]),
      { rtol: 1e-5, atol: 1e-6 },
    );
    expect(slope).toBeAllClose(
      chance.map((p, i) => [(p - labels[i]![0]!) / 3]),
      { rtol: 1e-5, atol: 1e-7 },
    );
    expect(flat(product)).toBeAllClose(times(expected, theta), { rtol: 1e-5, atol: 1e-6 });
  });
});

test('perSamplify puts the axis of the examples in front of values and of aux, which keep that of a batch of one', () => {
  const sums = perSamplify((p: Tensor, b: Tensor): [Tensor, Tensor] => [tf.add(p, b), p]);
  expect(sums(tf.scalar(1), tf.tensor1d([1, 2]))).toBeAllClose([[[2], [3]], [1, 1]]); // biome-ignore format: rows
  const rows = perSamplify((p: Tensor, b: Tensor): [Tensor, { seen: Tensor }] => [tf.sum(tf.mul(p, b)), { seen: b }]);
  const batch = tf.tensor2d(rowsOf(4, 3));
  const [values, { seen }] = rows(tf.ones([3]), batch);
  expect([values.shape, seen.shape]).toEqual([[4], [4, 1, 3]]); // biome-ignore format: shapes
  expect(tf.reshape(seen, [4, 3])).toBeAllClose(batch);
});

describe('a network of powers with a softmax over two examples', () => {
  const values = [0.9, 0.4, 0.7, 0.2, 1.1, 0.5, 0.3, 0.8, 0.6, 1];
  const direction = [1, -0.5, 0.25, 2, 1, 0.1, -0.3, 0.6, 0.2, -1];
  const weights = [1, 0.5, 0.25, 2, 1.5];
  const x = { a: tf.tensor1d(values) as Tensor };
  const v = { a: tf.tensor1d(direction) as Tensor };
  const scales = [1, 0.5];
  // z[i, k] = Σ_j (s_i x_j)^(k+1), and the loss Σ_k w_k Σ_i log softmax_i z[., k].
  const forward = ({ a }: { a: Tensor }): Tensor =>
    tf.stack(scales.map((s) => tf.stack(weights.map((_, k) => tf.sum(tf.pow(tf.mul(s, a), k + 1))))));
  const loss = (z: Tensor): Tensor => {
    const logs = tf.sub(z, tf.logSumExp(z, 0, true));
    return tf.sum(tf.mul(logs, tf.tensor1d(weights)));
  };
  const z = scales.map((s) => weights.map((_, k) => values.reduce((sum, a) => sum + (s * a) ** (k + 1), 0)));
  const chance = weights.map((_, k) => 1 / (1 + Math.exp(z[1]![k]! - z[0]![k]!)));
  const slope = [0, 1].map((i) => weights.map((w, k) => w * (1 - 2 * (i === 0 ? chance[k]! : 1 - chance[k]!))));
  // The Hessian of the loss in column k is -2 w p (1 - p) [[1, -1], [-1, 1]], so that G = -Σ_k 2 w p (1 - p) d dᵀ, d = J_0k - J_1k.
  const differences = weights.map((w, k) =>
    values.map(
      (a) => Math.sqrt(2 * w * chance[k]! * (1 - chance[k]!)) * (k + 1) * a ** k * (1 - scales[1]! ** (k + 1)),
    ),
  );
  const expected = scaled(gram(differences), -1);

  const forwardAux = (p: { a: Tensor }): [Tensor, { a: Tensor }] => [forward(p), p];
  const lossAux = (outputs: Tensor): [Tensor, Tensor] => [loss(outputs), outputs];
  const auxes = { 'no aux': [], 'aux of forward': [{ a: values }], 'aux of loss': [z], 'aux of both': [{ a: values }, z] }; // biome-ignore format: one line
  const cases = Object.entries(auxes).flatMap(([name, aux]) => both.map((normalize) => [name, normalize, aux] as const)); // biome-ignore format: one line

  test.each(cases)('%s, normalised: %s', (name, normalize, aux) => {
    const forwardHasAux = name === 'aux of forward' || name === 'aux of both';
    const lossHasAux = name === 'aux of loss' || name === 'aux of both';
    const options = { forwardHasAux, lossHasAux, normalize };
    const f = (forwardHasAux ? forwardAux : forward) as typeof forward;
    const l = (lossHasAux ? lossAux : loss) as typeof lossAux;
    const factor = normalize ? 1 / 2 : 1;
    const one = close;
    const product = { a: times(expected, direction).map((value) => factor * value) };
    expect(ggnvp(f, l, [x], [v], options as never)).toBeAllClose([[z, slope], product, ...aux], one);
    const matrix = scaled(expected, factor);
    const list = (result: unknown): unknown[] => (aux.length === 0 ? [result] : (result as unknown[]));
    expect(list(ggn(f, l, options as never)(x))).toBeAllClose([matrix, ...aux], one);
    expect(list(diagGgn(f, l, options as never)(x))).toBeAllClose([{ a: diagonal(matrix) }, ...aux], one);
  });

  test('the matrix times a vector is the product, and its Jacobian that of jacrev', () => {
    const matrix = ggn(forward, loss)(x).arraySync() as number[][];
    expect(ggnvp(forward, loss, [x], [v])[1].a).toBeAllClose(times(matrix, direction), { rtol: 1e-5, atol: 1e-6 });
    const jacobian = jacrev(forward)(x).a.arraySync() as unknown as number[][][];
    const [first, second] = jacobian as [number[][], number[][]];
    differences.forEach((row, k) => {
      const root = Math.sqrt(2 * weights[k]! * chance[k]! * (1 - chance[k]!));
      expect(first[k]!.map((a, j) => root * (a - second[k]![j]!))).toBeAllClose(row, { rtol: 1e-5, atol: 1e-6 });
    });
  });
});

test('cg solves a complex Hermitian system, its numbers a tree of real and imaginary parts', () => {
  // H = [[2, 1 + i], [1 - i, -1]], indefinite, and the solution [1 + 2i, -i].
  type Complex = { readonly re: tf.Tensor; readonly im: tf.Tensor };
  const re = tf.tensor2d([[2, 1], [1, -1]]); // biome-ignore format: a matrix
  const im = tf.tensor2d([[0, 1], [-1, 0]]); // biome-ignore format: a matrix
  const times = (x: Complex): Complex => ({
    re: tf.sub(tf.dot(re, x.re), tf.dot(im, x.im)),
    im: tf.add(tf.dot(re, x.im), tf.dot(im, x.re)),
  });
  const solution: Complex = { re: tf.tensor1d([1, 0]), im: tf.tensor1d([2, -1]) };
  const [x, { converged }] = cg(times, times(solution), { tol: 1e-6 });
  expect(x).toBeAllClose({ re: [1, 0], im: [2, -1] }, { atol: 1e-4 });
  expect(converged.dataSync()[0]).toBe(1);
});
