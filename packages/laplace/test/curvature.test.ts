// What the precisions are: sums over data that do not depend on how these are cut into batches, and closed forms.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { readFileSync } from 'node:fs';
import { jacrev, makeProgram } from '@posteriors/autodiff';
import { type Equation, type Program, setBackend, simplify } from '@posteriors/backend';
import { key, normal } from '@posteriors/random';
import type { LogProbFn, StateBase, Transform } from '@posteriors/transform';
import { ravel, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';
import { type Batch, logLikelihoods, makeBatch, models, type Values } from './models.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

type Line = { readonly bias: tf.Tensor; readonly weight: tf.Tensor };
type State = StateBase & { readonly prec?: tf.Tensor; readonly precDiag?: Line };

const COUNT = 100;
const WIDTH = 10;
const NOISE = 0.5;
/** A linear regression: inputs `[100, 10]`, parameters far from the best ones, noise of standard deviation 0.5. */
const x = normal(key(0), [COUNT, WIDTH]);
const y = tf.add(tf.sum(x, 1), tf.mul(NOISE, normal(key(1), [COUNT])));
const line: Line = { bias: tf.tensor1d([0.3]), weight: tf.tensor2d(Array.from({ length: WIDTH }, (_, i) => [1 + 0.1 * Math.sin(i)])) }; // biome-ignore format: one line
const batches = (size: number): Batch[] =>
  Array.from({ length: COUNT / size }, (_, i) => ({
    x: tf.slice(x, [i * size, 0], [size, WIDTH]),
    y: tf.slice(y, [i * size], [size]),
  }));

const forward = ({ bias, weight }: Line, batch: Batch): [tf.Tensor, []] => [
  tf.add(tf.reshape(tf.matMul(batch.x, weight), [-1]), bias),
  [],
];
const each = (z: tf.Tensor, batch: Batch): tf.Tensor => tf.mul(-0.5 / NOISE ** 2, tf.square(tf.sub(batch.y, z)));
const outer = (z: tf.Tensor, batch: Batch): tf.Tensor => tf.sum(each(z, batch));
const logPrior = ({ bias, weight }: Line): tf.Tensor =>
  tf.mul(-0.5, tf.add(tf.sum(tf.square(bias)), tf.sum(tf.square(weight))));
const logPosterior: LogProbFn<Line, Batch, []> = (params, batch) => [
  tf.add(outer(forward(params, batch)[0], batch), logPrior(params)),
  [],
];
const logPosteriors: LogProbFn<Line, Batch, []> = (params, batch) => [
  tf.add(each(forward(params, batch)[0], batch), logPrior(params)),
  [],
];

// The same in float64: rows of the design with a 1 for the bias in front, gradients of the data, their sums of outer products.
const rows = (x.arraySync() as number[][]).map((row) => [1, ...row]);
const theta = [0.3, ...Array.from(line.weight.dataSync())];
const residuals = rows.map((row, i) => (y.arraySync() as number[])[i]! - row.reduce((sum, a, j) => sum + a * theta[j]!, 0)); // biome-ignore format: a formula
const gradients = rows.map((row, i) => row.map((a, j) => (a * residuals[i]!) / NOISE ** 2 - theta[j]!));
const outerProducts = (vectors: readonly number[][], scale = 1): number[][] =>
  theta.map((_, i) => theta.map((_, j) => scale * vectors.reduce((sum, v) => sum + v[i]! * v[j]!, 0)));
const diagonalOf = (matrix: number[][]): number[] => matrix.map((row, i) => row[i]!);
const plus = (matrix: number[][], constant: number): number[][] =>
  matrix.map((row, i) => row.map((value, j) => value + (i === j ? constant : 0)));

const fisher = outerProducts(gradients);
const curvature = outerProducts(rows, NOISE ** -2);

const precisionOf = ({ prec, precDiag }: State): number[] | number[][] =>
  (prec ?? ravel(precDiag as TensorTree).flat).arraySync() as number[] | number[][];

const algorithms: [name: string, transform: Transform<Line, State, Batch, []>, expected: number[] | number[][]][] = [
  ['diagFisher', diagFisher.build(logPosterior), diagonalOf(fisher)],
  ['diagFisher, perSample', diagFisher.build(logPosteriors, { perSample: true }), diagonalOf(fisher)],
  ['denseFisher', denseFisher.build(logPosterior), fisher],
  ['denseFisher, perSample', denseFisher.build(logPosteriors, { perSample: true }), fisher],
  ['diagGgn', diagGgn.build(forward, outer), diagonalOf(curvature)],
  ['denseGgn', denseGgn.build(forward, outer), curvature],
  ['denseHessian', denseHessian.build((p, batch) => [outer(forward(p, batch)[0], batch), []]), curvature],
];

describe.each(algorithms)('%s', (_, transform, expected) => {
  test.each([['cpu', 2], ['cpu', 20], ['cpu', 100], ['wasm', 20]] as const)('on %s, batches of %i give the sum over the data', async (device, size) => {
    await setBackend(device);
    const state = transform.init(line);
    const largest = Math.max(...expected.flat().map(Math.abs));
    for (const batch of batches(size)) transform.update(state, batch, { inplace: true });
    expect(precisionOf(state)).toBeAllClose(expected, { rtol: 2e-5, atol: 2e-6 * largest });
    expect(state.step).toBe(COUNT / size);
    if (state.prec) expect(state.prec.arraySync()).toEqual(tf.transpose(state.prec).arraySync());
  }); // biome-ignore format: a title
});

test('a linear regression with a normal prior: denseGgn and denseHessian are its posterior precision', () => {
  const tau = 3;
  const ggn = denseGgn.build(forward, outer, { initPrec: tau });
  const hessian = denseHessian.build<Line, Batch, []>((params, batch) => [
    tf.add(outer(forward(params, batch)[0], batch), tf.mul(tau, logPrior(params))),
    [],
  ]);
  const [whole] = batches(COUNT) as [Batch];
  for (const state of [ggn.update(ggn.init(line), whole)[0], hessian.update(hessian.init(line), whole)[0]]) {
    expect(state.prec).toBeAllClose(plus(curvature, tau), { rtol: 1e-4, atol: 1e-4 });
  }
});

const golden = JSON.parse(readFileSync(new URL('./golden/laplace.json', import.meta.url), 'utf8')) as {
  readonly batches: readonly [{ readonly x: number[][]; readonly y: number[] }];
  readonly trees: { readonly [tree: string]: { readonly params: readonly Values[] } };
};

test.each(Object.entries(models))('the GGN is the expected Fisher of softmax and Bernoulli: %s', (tree, model) => {
  const params = model.params(golden.trees[tree]!.params);
  const batch = makeBatch(golden.batches[0]);
  const { flat, unravel } = ravel(params);
  // Σ over labels of p(label) g gᵀ, with the gradients of log p(label) of each datum.
  const ofLabel = (label: number): tf.Tensor => {
    const logProb = (vector: tf.Tensor): tf.Tensor =>
      logLikelihoods(model.logits(unravel(vector) as never, batch.x), { x: batch.x, y: tf.fill(batch.y.shape, label) });
    const weights = tf.exp(logProb(flat));
    const jacobian = jacrev(logProb)(flat);
    return tf.matMul(jacobian, tf.mul(jacobian, tf.reshape(weights, [-1, 1])), true);
  };
  const transform = denseGgn.build<TensorTree, Batch, []>(
    (p, data) => [model.logits(p as never, data.x), []],
    (z, data) => tf.sum(logLikelihoods(z, data)),
  );
  const [{ prec }] = transform.update(transform.init(params), batch);
  expect(prec).toBeAllClose(tf.add(ofLabel(0), ofLabel(1)), { rtol: 1e-5, atol: 1e-6 });
});

describe('outputs of any rank (guards against posteriors 0.1.2, which takes matrices alone)', () => {
  const shapes = [[COUNT], [COUNT, 1], [COUNT / 4, 2, 2], [5, 5, 2, 2]];
  test.each(shapes)('%i %i %i %i', (...shape) => {
    const [whole] = batches(COUNT) as [Batch];
    const reshaped = (params: Line, batch: Batch): [tf.Tensor, []] => [
      tf.reshape(
        forward(params, batch)[0],
        shape.filter((n) => n !== undefined),
      ),
      [],
    ];
    const flatOuter = (z: tf.Tensor, batch: Batch): tf.Tensor => outer(tf.reshape(z, [-1]), batch);
    const full = denseGgn.build(reshaped, flatOuter);
    expect(full.update(full.init(line), whole)[0].prec).toBeAllClose(curvature, { rtol: 1e-4, atol: 1e-3 });
    const diagonal = diagGgn.build(reshaped, flatOuter);
    const [{ precDiag }] = diagonal.update(diagonal.init(line), whole);
    expect(ravel(precDiag).flat).toBeAllClose(diagonalOf(curvature), { rtol: 1e-4 });
  });

  test('a scalar', () => {
    const sum = (params: Line, batch: Batch): [tf.Tensor, []] => [tf.sum(forward(params, batch)[0]), []];
    const transform = denseGgn.build(sum, (z) => tf.mul(-0.5, tf.square(z)));
    const [whole] = batches(COUNT) as [Batch];
    const total = [
      rows.reduce(
        (sums, row) => row.map((a, j) => sums[j]! + a),
        theta.map(() => 0),
      ),
    ];
    const [{ prec }] = transform.update(transform.init(line), whole);
    expect(prec).toBeAllClose(outerProducts(total), { rtol: 1e-4, atol: 1e-2 });
  });
});

test.each([
  [300, 1000, 64],
  [3, 1, 5000],
])(
  'the diagonal approximations of a layer of %i times %i weights hold no Jacobian of a batch of %i',
  (inputs, units, examples) => {
    const weights = tf.ones([inputs, units]);
    const batch = { x: tf.ones([examples, inputs]), y: tf.ones([examples]) };
    const outputs = (p: tf.Tensor, data: Batch): [tf.Tensor, []] => [tf.sum(tf.tanh(tf.matMul(data.x, p)), 1), []];
    const sum: LogProbFn<tf.Tensor, Batch, []> = (p, data) => [outer(outputs(p, data)[0], data), []];
    const vector: LogProbFn<tf.Tensor, Batch, []> = (p, data) => [each(outputs(p, data)[0], data), []];
    const transforms = [
      diagFisher.build(sum),
      diagFisher.build(vector, { perSample: true }),
      diagGgn.build(outputs, outer),
    ];
    for (const transform of transforms) {
      const state = transform.init(weights);
      const program = makeProgram((precDiag: tf.Tensor, data: Batch) => transform.update({ ...state, precDiag }, data)[0].precDiag)(state.precDiag, batch); // biome-ignore format: one line
      expect(largest(simplify(program))).toBeLessThanOrEqual(2 ** 22);
      expect(largest(simplify(program))).toBeGreaterThanOrEqual(weights.size);
    }
  },
);

/** The most numbers that a value of a program has, loops included. */
const largest = ({ equations }: Program): number =>
  Math.max(
    ...equations.map((equation: Equation) => {
      const own = equation.outputs.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
      return Math.max(...own, 'body' in equation ? largest(equation.body as Program) : 0);
    }),
  );
