// Derivatives where a function has a kink or its formula divides by zero: PyTorch's conventions. And the cases in which
// tfjs's own gradients throw or are wrong.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, jvp } from '../src/index.ts';

type Tensor = tf.Tensor;
type Function = (x: Tensor) => Tensor;

const slope = (f: Function): Function => grad((x: Tensor) => tf.sum(f(x)));
const tangent = (f: Function, x: Tensor): Tensor => jvp(f, [x], [tf.onesLike(x)])[1];

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(async () => {
    await setBackend(device);
    tf.engine().startScope();
  });
  afterAll(() => tf.engine().endScope());

  const kinks: readonly [string, Function, number[], number[]][] = [
    ['abs', tf.abs, [-1, 0, 1], [-1, 0, 1]],
    ['relu', tf.relu, [-1, 0, 1], [0, 0, 1]],
    ['relu6', tf.relu6, [0, 3, 6, 7], [0, 1, 0, 0]],
    ['leakyRelu', (x) => tf.leakyRelu(x, 0.25), [-1, 0, 1], [0.25, 0.25, 1]],
    ['prelu', (x) => tf.prelu(x, tf.scalar(0.25)), [-1, 0, 1], [0.25, 0.25, 1]],
    ['elu', tf.elu, [0], [1]],
    ['selu', tf.selu, [0], [1.7580993408473768]],
    ['clipByValue at its bounds', (x) => tf.clipByValue(x, -1, 1), [-1.5, -1, 1, 1.5], [0, 1, 1, 0]],
    ['sign', tf.sign, [0], [0]],
    ['sqrt', tf.sqrt, [0], [Number.POSITIVE_INFINITY]],
    ['maximum at ties', (x) => tf.maximum(x, tf.tensor1d([1, 1, 1])), [0, 1, 2], [0, 0.5, 1]],
    ['minimum at ties', (x) => tf.minimum(x, tf.tensor1d([1, 1, 1])), [0, 1, 2], [1, 0.5, 0]],
    ['maximum of one value twice', (x) => tf.maximum(x, x), [3], [1]],
    ['max shares among ties', (x) => tf.max(x), [2, 1, 2], [0.5, 0, 0.5]],
    ['min shares among ties', (x) => tf.min(x), [1, 1, 1, 2], [1 / 3, 1 / 3, 1 / 3, 0]],
    ['max along an axis', (x) => tf.max(tf.reshape(x, [2, 2]), 1), [2, 2, 1, 3], [0.5, 0.5, 0, 1]],
    ['pow with exponent 0', (x) => tf.pow(x, 0), [0, 1, 2], [0, 0, 0]],
    ['pow with exponent 1', (x) => tf.pow(x, 1), [0, 1, -2], [1, 1, 1]],
    ['pow with exponent 2', (x) => tf.pow(x, 2), [0, 1, -2], [0, 2, -4]],
    ['pow with exponent 0.5', (x) => tf.pow(x, 0.5), [0], [Number.POSITIVE_INFINITY]],
    ['the exponent of base 0', (x) => tf.pow(tf.scalar(0), x), [0, 1, 2], [0, 0, 0]],
    ['the exponent of base 1', (x) => tf.pow(tf.scalar(1), x), [0, 2], [0, 0]],
    ['prod with one zero', (x) => tf.prod(x), [2, 0, 3], [0, 6, 0]],
    ['prod with two zeros', (x) => tf.prod(x), [2, 0, 0], [0, 0, 0]],
    ['cumprod with one zero', (x) => tf.cumprod(x), [2, 0, 3], [1, 8, 0]],
    ['cumprod, exclusive, with one zero', (x) => tf.cumprod(x, 0, true), [2, 0, 3], [1, 2, 0]],
    ['norm at zero', (x) => tf.norm(x), [0, 0], [0, 0]],
    ['norm', (x) => tf.norm(x), [3, 4], [0.6, 0.8]],
  ];
  test.each(kinks)('%s', (_, f, at, expected) => {
    const x = tf.tensor1d(at);
    expect(slope(f)(x)).toBeAllClose(expected);
    const forward = tangent(f, x);
    const total = expected.reduce((a, b) => a + b);
    if (Number.isFinite(total)) expect(tf.sum(forward)).toBeAllClose(total);
  });

  test('prod and cumprod with zeros, second order', () => {
    const x = tf.tensor1d([2, 0, 3]);
    // d2 (x0 x1 x2) / dxi dxj summed over j
    expect(slope(slope(tf.prod))(x)).toBeAllClose([3 + 0, 3 + 2, 0 + 2]);
    // x0 + x0 x1 + x0 x1 x2
    expect(slope(slope(tf.cumprod))(x)).toBeAllClose([1 + 3 + 0, 1 + 3 + 2, 0 + 2]);
  });

  test('saturated values stay finite', () => {
    const x = tf.tensor1d([-1000, 1000]);
    expect(slope(tf.sigmoid)(x)).toBeAllClose([0, 0]);
    expect(slope(tf.softplus)(x)).toBeAllClose([0, 1]);
    expect(slope(tf.logSigmoid)(x)).toBeAllClose([1, 0]);
    expect(slope((each) => tf.gather(tf.logSoftmax(each), 0))(x)).toBeAllClose([1, -1]);
    expect(slope((each) => tf.logSumExp(each))(x)).toBeAllClose([0, 1]);
    expect(slope(tf.tanh)(x)).toBeAllClose([0, 0]);
  });

  const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
  // Row, logSumExp and its gradient; softmax and logSoftmax of such rows are NaN, but for a single -inf. From PyTorch 2.13.
  const infinite: readonly [number[], number, number[]][] = [
    [[-inf, -inf], -inf, [nan, nan]],
    [[inf, 0], inf, [nan, 0]],
    [[inf, inf], inf, [nan, nan]],
    [[inf, -inf], inf, [nan, 0]],
    [[nan, 0], nan, [nan, nan]],
    [[nan, -inf], nan, [nan, nan]],
  ];
  test('rows of infinite logits', () => {
    const values = (x: Tensor): number[] => [...x.dataSync()];
    const rows = tf.tensor2d(infinite.map(([row]) => row));
    expect(values(jit((x: Tensor) => tf.logSumExp(x, 1))(rows))).toEqual(infinite.map(([, value]) => value));
    expect(values(slope((x) => tf.logSumExp(x, 1))(rows))).toEqual(infinite.flatMap(([, , gradient]) => gradient));
    for (const f of [tf.softmax, tf.logSoftmax]) {
      const undefinedRows = infinite.flatMap(() => [nan, nan]);
      expect(values(jit((x: Tensor) => f(x))(rows))).toEqual(undefinedRows);
      expect(values(slope((x) => tf.slice(f(x), [0, 0], [-1, 1]))(rows))).toEqual(undefinedRows);
    }
    const masked = tf.tensor2d([[-inf, 0]]);
    expect(values(jit((x: Tensor) => tf.logSumExp(x, 1))(masked))).toEqual([0]);
    expect(values(slope((x) => tf.logSumExp(x, 1))(masked))).toEqual([0, 1]);
    expect(values(jit((x: Tensor) => tf.softmax(x))(masked))).toEqual([0, 1]);
    expect(values(slope((x) => tf.slice(tf.softmax(x), [0, 0], [1, 1]))(masked))).toEqual([0, 0]);
    expect(values(jit((x: Tensor) => tf.logSoftmax(x))(masked))).toEqual([-inf, 0]);
    expect(values(slope((x) => tf.slice(tf.logSoftmax(x), [0, 0], [1, 1]))(masked))).toEqual([1, -1]);
  });

  test('clipByValue keeps NaN', () => {
    const clip = jit((x: Tensor) => tf.clipByValue(x, -1, 1));
    expect([...clip(tf.tensor1d([nan, -inf, inf, 0.5])).dataSync()]).toEqual([nan, -1, 1, 0.5]);
  });

  const y = Math.exp(1);
  const s = 1 / (1 + y ** -1);
  const secondOrder: readonly [string, Function, number][] = [
    // Second derivatives at 1 of functions of x^2: 2 f' + 4 f''.
    ['exp', tf.exp, 6 * y],
    ['sigmoid', tf.sigmoid, 2 * s * (1 - s) + 4 * s * (1 - s) * (1 - 2 * s)],
    ['tanh', tf.tanh, 2 * (1 - Math.tanh(1) ** 2) - 8 * Math.tanh(1) * (1 - Math.tanh(1) ** 2)],
    ['elu', (x) => tf.elu(tf.neg(x)), 2 * -(1 / y) + 4 / y],
    ['expm1', tf.expm1, 6 * y],
    ['softplus', tf.softplus, 2 * s + 4 * s * (1 - s)],
    ['logSigmoid', tf.logSigmoid, 2 * (1 - s) - 4 * s * (1 - s)],
    ['pow', (x) => tf.pow(x, 3), 30],
    ['leakyRelu', (x) => tf.leakyRelu(tf.neg(x), 0.5), -1],
    ['clipByValue', (x) => tf.clipByValue(x, 0, 2), 2],
    ['minimum', (x) => tf.minimum(x, 3), 2],
    ['selu', tf.selu, 2 * 1.0507009873554805],
    ['prelu', (x) => tf.prelu(x, tf.scalar(0.5)), 2],
    ['where', (x) => tf.where(tf.greater(x, 0), tf.square(x), x), 12],
    ['max', (x) => tf.max(tf.stack([x, tf.mul(x, 0.5)])), 2],
    ['prod', (x) => tf.prod(tf.stack([x, x])), 12],
    ['a linear function of x^2', (x) => tf.mul(x, 2), 4],
    ['huberLoss', (x) => tf.losses.huberLoss(tf.scalar(0), tf.mul(x, 0.5)), 1.5],
    ['logSumExp', (x) => tf.logSumExp(tf.stack([x, tf.scalar(0)])), 2 * s + 4 * s * (1 - s)],
    [
      'softmax',
      (x) => tf.gather(tf.softmax(tf.stack([x, tf.scalar(0)])), 0),
      2 * s * (1 - s) + 4 * s * (1 - s) * (1 - 2 * s),
    ],
    ['logSoftmax', (x) => tf.gather(tf.logSoftmax(tf.stack([x, tf.scalar(0)])), 1), -2 * s - 4 * s * (1 - s)],
    [
      'softmaxCrossEntropy',
      (x) => tf.losses.softmaxCrossEntropy(tf.tensor1d([0, 1]), tf.stack([x, tf.scalar(0)])),
      2 * s + 4 * s * (1 - s),
    ],
    [
      'sigmoidCrossEntropy',
      (x) => tf.losses.sigmoidCrossEntropy(tf.tensor1d([0]), tf.reshape(x, [1])),
      2 * s + 4 * s * (1 - s),
    ],
  ];
  test.each(secondOrder)('second derivative of %s', (_, f, expected) => {
    const g = (x: Tensor): Tensor => f(tf.square(x));
    expect(grad(grad(g))(tf.scalar(1))).toBeAllClose(expected, { rtol: 1e-5 });
    expect(tangent(grad(g), tf.scalar(1))).toBeAllClose(expected, { rtol: 1e-5 });
  });

  test('sigmoidCrossEntropy at logits of 0, at every order', () => {
    const labels = tf.tensor1d([0, 1, 0.25]);
    const loss = (x: Tensor): Tensor => tf.losses.sigmoidCrossEntropy(labels, x, undefined, 0, tf.Reduction.SUM);
    const x = tf.tensor1d([0, 0, 0]);
    // sigmoid(x) - label, and its derivatives s (1 - s) and s (1 - s) (1 - 2 s).
    expect(grad(loss)(x)).toBeAllClose([0.5, -0.5, 0.25]);
    expect(tangent(loss, x)).toBeAllClose(0.25);
    expect(slope(grad(loss))(x)).toBeAllClose([0.25, 0.25, 0.25]);
    expect(tangent(grad(loss), x)).toBeAllClose([0.25, 0.25, 0.25]);
    expect(slope(slope(grad(loss)))(x)).toBeAllClose([0, 0, 0]);
    expect(
      grad((z: Tensor) => tf.losses.sigmoidCrossEntropy(z, x, undefined, 0, tf.Reduction.SUM))(labels),
    ).toBeAllClose([0, 0, 0]);
    // The digits of a small gradient stay.
    const far = tf.tensor1d([-15, 15, -15]);
    const small = Math.exp(-15) / (1 + Math.exp(-15));
    expect(grad(loss)(far)).toBeAllClose([small, -small, small - 0.25], { rtol: 1e-5, atol: 0 });
  });

  test('derivatives of a polynomial beyond its degree are zero', () => {
    expect(grad(grad((x: Tensor) => tf.mul(x, 2)))(tf.scalar(1))).toBeAllClose(0);
    expect(grad(grad(grad((x: Tensor) => tf.square(x))))(tf.scalar(1))).toBeAllClose(0);
  });

  test('first derivatives that tfjs refuses or gets wrong', () => {
    const x = tf.tensor1d([-1, 2, 3]);
    expect(slope((v) => tf.where(tf.greater(v, 0), v, tf.square(v)))(x)).toBeAllClose([-2, 1, 1]);
    expect(slope((v) => tf.floorDiv(v, tf.tensor1d([2, 2, 2])))(x)).toBeAllClose([0, 0, 0]);
    expect(slope((v) => tf.cast(tf.cast(v, 'int32'), 'float32'))(x)).toBeAllClose([0, 0, 0]);
    expect(slope((v) => tf.cumprod(v))(x)).toBeAllClose([1 + 2 + 6, -1 - 3, -2]);
    expect(slope((v) => tf.gatherND(v, tf.tensor2d([[1], [1]], [2, 1], 'int32')))(x)).toBeAllClose([0, 2, 0]);
    expect(slope((v) => tf.square(tf.stridedSlice(v, [0], [3], [2])))(x)).toBeAllClose([-2, 0, 6]);
    // Broadcast operands.
    const one = tf.tensor1d([0.5]);
    expect(slope((v) => tf.maximum(v, x))(one)).toBeAllClose([1]);
    expect(slope((v) => tf.minimum(v, x))(one)).toBeAllClose([2]);
    expect(slope((v) => tf.squaredDifference(v, x))(one)).toBeAllClose([2 * (1.5 - 1.5 - 2.5)]);
    const a = tf.ones([2, 1, 2, 3]);
    expect(slope((v) => tf.matMul(a, v))(tf.ones([2, 3, 1]))).toBeAllClose(tf.fill([2, 3, 1], 4));
    expect(slope((v) => tf.tile(v, [2, 3]))(tf.ones([1, 2]))).toBeAllClose([[6, 6]]);
  });

  test('softmaxCrossEntropy with respect to soft labels', () => {
    const logits = tf.tensor2d([[1, 2, 3]]);
    const f = (labels: Tensor): Tensor => tf.losses.softmaxCrossEntropy(labels, logits);
    expect(grad(f)(tf.tensor2d([[0.2, 0.3, 0.5]]))).toBeAllClose(tf.neg(tf.logSoftmax(logits)));
  });
});

test('elu and selu have no NaN in their second derivatives far from 0', () => {
  const far = tf.tensor1d([100, -100]);
  for (const activation of [tf.elu, tf.selu]) {
    const first = grad((x: tf.Tensor) => tf.sum(activation(x)));
    expect(grad((x: tf.Tensor) => tf.sum(first(x)))(far)).toBeAllClose([0, 0]);
  }
});
