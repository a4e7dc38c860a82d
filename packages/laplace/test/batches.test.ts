// A linear model that fits its 100 data without a residual, under a log posterior with the prior N(0, 1) in the value of each datum: precisions
// by batches, and of all data at once, against float64 to 1e-5.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { diagNormalLogProb } from '@posteriors/distributions';
import { key, normal } from '@posteriors/random';
import '@posteriors/testing';
import { type StateBase, type Transform, withAux } from '@posteriors/transform';
import { ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';

beforeEach(() => setBackend('cpu'));

type Line = { readonly bias: tf.Tensor; readonly weight: tf.Tensor };
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
type State = StateBase & { readonly prec?: tf.Tensor; readonly precDiag?: Line };

await setBackend('cpu');
const [count, width] = [100, 10];
const x = normal(key(42), [count, width]);
const line: Line = { bias: tf.tensor1d([0.2]), weight: tf.mul(0.2, normal(key(43), [width, 1])) };
const predict = ({ bias, weight }: Line, inputs: tf.Tensor): tf.Tensor =>
  tf.add(tf.reshape(tf.matMul(inputs, weight), [-1]), bias);
const y = predict(line, x);
const batches = (size: number): Batch[] =>
  Array.from({ length: count / size }, (_, i) => ({
    x: tf.slice(x, [i * size, 0], [size, width]),
    y: tf.slice(y, [i * size], [size]),
  }));

const constant = -0.5 * Math.log(2 * Math.PI);
const logLikelihoods = (z: tf.Tensor, batch: Batch): tf.Tensor =>
  tf.add(tf.mul(-0.5, tf.square(tf.sub(batch.y, z))), constant);
const each = (p: Line, batch: Batch): [tf.Tensor, []] =>
  withAux(tf.add(diagNormalLogProb(p), tf.mul(count, logLikelihoods(predict(p, batch.x), batch))), []);
const average = (p: Line, batch: Batch): [tf.Tensor, []] => withAux(tf.mean(each(p, batch)[0]), []);
const forward = (p: Line, batch: Batch): [tf.Tensor, []] => withAux(predict(p, batch.x), []);
const outer = (z: tf.Tensor, batch: Batch): tf.Tensor => tf.sum(logLikelihoods(z, batch));

const theta = Array.from(ravel(line).flat.dataSync());
const design = (x.arraySync() as number[][]).map((row) => [1, ...row]);
// Without a residual the gradient of each datum is that of the prior, -θ.
const fisher = theta.map((a) => theta.map((b) => count * a * b));
const curvature = theta.map((_, i) => theta.map((__, j) => design.reduce((sum, row) => sum + row[i]! * row[j]!, 0)));
const hessian = curvature.map((row, i) => row.map((value, j) => value + (i === j ? 1 : 0)));
const diagonalOf = (matrix: number[][]): number[] => matrix.map((row, i) => row[i]!);

const precisionOf = ({ prec, precDiag }: State): tf.Tensor => prec ?? ravel(precDiag as Line).flat;
const close = { rtol: 1e-5, atol: 1e-5 };

const algorithms: [name: string, transform: Transform<Line, State, Batch, []>, expected: number[] | number[][]][] = [
  ['diagFisher', diagFisher.build(average), diagonalOf(fisher)],
  ['diagFisher, perSample', diagFisher.build(each, { perSample: true }), diagonalOf(fisher)],
  ['denseFisher', denseFisher.build(average), fisher],
  ['denseFisher, perSample', denseFisher.build(each, { perSample: true }), fisher],
  ['diagGgn', diagGgn.build(forward, outer), diagonalOf(curvature)],
  ['denseGgn', denseGgn.build(forward, outer), curvature],
];

describe.each(algorithms)('%s', (_, transform, expected) => {
  test.each([['cpu', 2], ['wasm', 2], ['cpu', 20], ['cpu', count]] as const)('on %s, batches of %i', async (device, size) => {
    await setBackend(device);
    let state = transform.init(line, { seed: 0 });
    const start = Array.from(precisionOf(state).dataSync());
    expect(start.every((value) => value === 0)).toBe(true);
    for (const batch of batches(size)) [state] = transform.update(state, batch);
    expect(precisionOf(state)).toBeAllClose(expected, close);
  }); // biome-ignore format: a title
});

describe('denseHessian of a mean over the data', () => {
  const transform = denseHessian.build(average);

  test.each([2, 20])('by batches of %i, each rescaled for its call by its share of the data', (size) => {
    let state = transform.init(line, { seed: 0 });
    for (const batch of batches(size)) [state] = transform.update(state, batch, { hyper: { rescale: size / count } });
    expect(state.prec).toBeAllClose(hessian, close);
  });

  test('of all data at once', () => {
    const [whole] = batches(count) as [Batch];
    expect(transform.update(transform.init(line, { seed: 0 }), whole)[0].prec).toBeAllClose(hessian, close);
  });
});
