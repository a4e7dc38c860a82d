import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { byRows, diagGgn, evaluate, ggn, makeProgram, perSamplify } from '../src/index.ts';

await setBackend('cpu');

type Params = { readonly w: tf.Tensor; readonly b: tf.Tensor };
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor; readonly scale: tf.Tensor };
type Model = (params: Params, batch: Batch) => tf.Tensor;

const some = (shape: number[], phase = 0): tf.Tensor =>
  tf.reshape(tf.sin(tf.add(tf.range(0, shape.reduce((n, m) => n * m, 1), 1), phase)), shape); // biome-ignore format: one line
const makeParams = (): Params => ({ w: some([3, 2]), b: some([2], 7) });
const makeBatch = (): Batch => ({ x: some([4, 3], 1), y: tf.tensor1d([0, 1, 1, 0], 'int32'), scale: tf.scalar(0.5) });

const linear: Model = ({ w, b }, { x }) => tf.add(tf.matMul(x, w), b);
const constant = tf.tensor2d([[1, 2], [3, 4], [5, 6], [7, 8]]); // biome-ignore format: a matrix

const apart: readonly (readonly [string, Model])[] = [
  ['a linear model', linear],
  ['a scalar that all share', (p, batch) => tf.mul(tf.tanh(linear(p, batch)), batch.scale)],
  ['log probabilities', (p, batch) => tf.logSoftmax(linear(p, batch))],
  ['those of the labels', (p, batch) => tf.sum(tf.mul(tf.oneHot(batch.y, 2), tf.logSoftmax(linear(p, batch))), 1)],
  ['a share of the whole batch', (p, batch) => tf.div(linear(p, batch), batch.x.shape[0])],
  ['a constant for each example', (p, batch) => tf.mul(linear(p, batch), tf.square(constant))],
  ['parameters repeated', ({ b }, { x }) => tf.mul(tf.broadcastTo(b, [4, 2]), tf.slice(x, [0, 1], [4, 2]))],
  ['weights that all share', ({ w }, { x }) => tf.mul(x, tf.sum(tf.matMul(constant, tf.transpose(w)), 0))],
  ['rows of a table', ({ w }, { y }) => tf.gather(w, y)],
  ['rows reordered within', ({ w }, { x }) => tf.reverse(tf.concat([tf.matMul(x, w), tf.relu(x)], 1), 1)],
  ['products of matrices', ({ w }, { x }) => tf.matMul(tf.reshape(x, [4, 1, 3]), tf.broadcastTo(tf.expandDims(w, 0), [4, 3, 2]))], // biome-ignore format: one line
  ['images', ({ w }, { x }) => tf.maxPool(tf.conv2d(tf.reshape(x, [4, 3, 1, 1]) as tf.Tensor4D, tf.reshape(w, [3, 1, 1, 2]) as tf.Tensor4D, 1, 'same'), [2, 1], 1, 'valid')], // biome-ignore format: one line
];

const together: readonly (readonly [string, Model])[] = [
  ['a sum over examples', (p, batch) => tf.add(linear(p, batch), tf.sum(batch.x))],
  ['a running sum', (p, batch) => tf.cumsum(linear(p, batch), 0)],
  ['examples in the wrong place', (p, batch) => tf.reverse(linear(p, batch), 0)],
  ['another order', (p, batch) => tf.transpose(linear(p, batch))],
  ['examples cut apart and joined', (p, batch) => tf.reshape(tf.transpose(linear(p, batch)), [4, 2])],
  ['no example at all', ({ w }) => w],
  ['a parameter for each example', ({ w }, { x }) => tf.mul(x, tf.matMul(constant, tf.transpose(w)))],
];

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(apart)('%s is taken apart', (_, f) => {
    const [params, batch] = [makeParams(), makeBatch()];
    const [whole, each] = evaluate('test', () => {
      const rows = byRows(f, params, batch);
      if (rows === null) throw new Error('was not taken apart');
      return [f(params, batch), perSamplify((p: Params, row: readonly tf.Tensor[]) => rows.one(p, row))(params, rows.rows)]; // biome-ignore format: one line
    });
    expect(tf.reshape(each, whole.shape)).toBeAllClose(whole);
  });
});

const weights: Model = ({ w }, { x }) => tf.matMul(x, tf.softmax(tf.matMul(w, constant, false, true), 1));

test.each(together)('%s is not', (_, f) => {
  expect(evaluate('test', () => tf.scalar(byRows(f, makeParams(), makeBatch()) === null ? 1 : 0))).toBeAllClose(1);
});

test('columns that are as many as the examples are no examples', () => {
  const params = makeParams();
  const rows = evaluate('test', () => {
    const taken = byRows(weights, params, makeBatch());
    return taken === null ? tf.zeros([0]) : perSamplify((p: Params, row: readonly tf.Tensor[]) => taken.one(p, row))(params, taken.rows); // biome-ignore format: one line
  });
  expect(tf.reshape(rows, [4, 4])).toBeAllClose(weights(params, makeBatch()));
});

// Losses that keep the rows of z apart, and one that does not.
const losses: readonly (readonly [string, (z: tf.Tensor) => tf.Tensor])[] = [
  ['a sum', (z) => tf.sum(tf.exp(z))],
  ['a log likelihood', (z) => tf.neg(tf.sum(tf.mul(tf.slice(tf.logSoftmax(z), 0, z.shape), tf.sigmoid(some(z.shape)))))],
  ['a product', (z) => tf.exp(tf.mean(z))],
]; // biome-ignore format: one line each

describe.each(losses)('Gauss-Newton matrices with %s as the loss', (_, loss) => {
  test.each([...apart, ...together])('%s', (__, f) => {
    const [params, batch] = [makeParams(), makeBatch()];
    const matrix = ggn(f, loss)(params, batch);
    // Without an argument for the batch all examples go together.
    expect(matrix).toBeAllClose(ggn((p: Params) => f(p, batch), loss)(params), { rtol: 1e-4, atol: 1e-5 });
    const diagonal = diagGgn(f, loss)(params, batch);
    const flat = tf.concat([tf.reshape(diagonal.b, [2]), tf.reshape(diagonal.w, [6])]);
    const expected = tf.sum(tf.mul(matrix, tf.eye(8)), 0);
    expect(tf.topk(flat, 8).values).toBeAllClose(tf.topk(expected, 8).values, { rtol: 1e-4, atol: 1e-5 });
  });
});

test('the work on an example does not grow with the batch', () => {
  const numbers = (examples: number): number => {
    const x = tf.zeros([examples, 3]);
    const program = makeProgram((p: Params, data: tf.Tensor) => diagGgn(({ w }: Params, rows: tf.Tensor) => tf.tanh(tf.matMul(rows, w)), (z: tf.Tensor) => tf.sum(tf.square(z)))(p, data))(makeParams(), x); // biome-ignore format: one line
    return program.equations.flatMap(({ outputs }) => outputs).reduce((sum, { shape }) => sum + shape.reduce((n, m) => n * m, 1), 0); // biome-ignore format: one line
  };
  expect(numbers(80) - numbers(40)).toBe(2 * (numbers(40) - numbers(20)));
});

test.each([
  ['apart', (z: tf.Tensor) => z],
  ['together', (z: tf.Tensor) => tf.cumsum(z)],
] as const)('neither a Jacobian nor a Hessian is held whole, of examples %s', (_, change) => {
  const examples = 2 ** 13;
  const forward = (theta: tf.Tensor, x: tf.Tensor): tf.Tensor => change(tf.mul(x, tf.sum(theta)));
  const f = (theta: tf.Tensor, x: tf.Tensor): tf.Tensor => ggn(forward, (z: tf.Tensor) => tf.sum(tf.exp(z)))(theta, x);
  const { equations } = makeProgram(f)(tf.ones([20]), tf.zeros([examples]));
  const inLoops = equations.flatMap((equation) => (equation.type === 'scan' ? equation.body.equations : []));
  const sizes = [...equations, ...inLoops].flatMap(({ outputs }) =>
    outputs.map(({ shape }) => tf.util.sizeFromShape([...shape])),
  );
  expect(Math.max(...sizes)).toBeLessThan(2 ** 22);
});
