import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Literal, record } from '../../src/index.ts';
import { computeConstants, uniformValue } from '../../src/simplify/constants.ts';
import { float, traceOf } from '../traced.ts';
import { printedAfter } from './printed.ts';

/** The values that the pass finds for the outputs of a function of nothing. */
function computed(fn: () => tf.Tensor[]): (number[] | undefined)[] {
  const { outputs } = computeConstants(traceOf(fn, []));
  return outputs.map((output) => (output.kind === 'literal' ? Array.from(output.values) : undefined));
}

test('equations of literals are computed, and what follows from them', () => {
  const program = traceOf((x) => tf.mul(tf.reshape(tf.div(tf.neg(1), 60_000), [1, 1]), x!), [float(2, 2)]);
  expect(printedAfter(computeConstants, program)).toMatchInlineSnapshot(`
    "program(v0: float32[2,2]) {
      v1: float32[2,2] = Multiply(-0.000016666666851961054, v0)
      return v1
    }"
  `);
});

test('numbers are those of float32', () => {
  const [a, b] = [Math.fround(0.1), Math.fround(3)];
  const found = computed(() => {
    const [x, y] = [tf.scalar(a), tf.scalar(b)];
    return [
      tf.add(x, y),
      tf.sub(x, y),
      tf.mul(x, y),
      tf.div(x, y),
      tf.sqrt(x),
      tf.square(x),
      tf.neg(x),
      tf.abs(tf.neg(x)),
    ];
  });
  const expected = [a + b, a - b, a * b, a / b, Math.sqrt(a), a * a, -a, a].map((x) => [Math.fround(x)]);
  expect(found).toEqual(expected);
  expect(found.flat().every(Number.isFinite)).toBe(true);
});

test('zeros have signs, and what is no number stays so', () => {
  const found = computed(() => [
    tf.neg(0),
    tf.mul(-1, 0),
    tf.div(0, 0),
    tf.div(1, 0),
    tf.sqrt(-1),
    tf.greater(Number.NaN, 0),
  ]);
  expect(found).toEqual([[-0], [-0], [Number.NaN], [Infinity], [Number.NaN], [0]]);
});

describe('what moves numbers', () => {
  const matrix = (): tf.Tensor => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);

  test('is computed', () => {
    expect(
      computed(() => [
        tf.reshape(matrix(), [6]),
        tf.transpose(matrix()),
        record('BroadcastTo', [tf.tensor2d([1, 2], [2, 1])], { shape: [2, 2, 2] }),
        tf.add(matrix(), tf.tensor1d([10, 20, 30])),
        tf.where(tf.tensor1d([1, 0, 1], 'bool'), tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])),
      ]),
    ).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 4, 2, 5, 3, 6],
      [1, 1, 2, 2, 1, 1, 2, 2],
      [11, 22, 33, 14, 25, 36],
      [1, 5, 3],
    ]);
  });

  test('up to a size', () => {
    expect(computed(() => [record('BroadcastTo', [tf.scalar(1)], { shape: [64, 65] })])).toEqual([undefined]);
    expect(computed(() => [record('BroadcastTo', [tf.scalar(1)], { shape: [0, 65] })])).toEqual([[]]);
  });
});

test('comparisons and casts', () => {
  const pair = (): [tf.Tensor, tf.Tensor] => [tf.tensor1d([1, 2, 3], 'int32'), tf.tensor1d([3, 2, 1], 'int32')];
  expect(
    computed(() => {
      const [a, b] = pair();
      return [tf.equal(a, b), tf.less(a, b), tf.greaterEqual(a, b), tf.logicalNot(tf.less(a, b)), tf.cast(a, 'float32')];
    }),
  ).toEqual([[0, 1, 0], [1, 0, 0], [0, 1, 1], [0, 1, 1], [1, 2, 3]]); // biome-ignore format: one line
});

test('what devices may round in other ways is left to them', () => {
  const left = computed(() => [
    tf.exp(1),
    tf.rsqrt(2),
    tf.pow(2, 0.5),
    tf.cast(tf.scalar(2.5), 'int32'),
    tf.add(tf.scalar(1, 'int32'), tf.scalar(2, 'int32')),
    tf.sum(tf.tensor1d([1, 2])),
  ]);
  expect(left).toEqual(left.map(() => undefined));
});

test('literals of one number', () => {
  const of = (...values: number[]): Literal => ({
    kind: 'literal',
    shape: [values.length],
    dtype: 'float32',
    values: Float32Array.from(values),
  });
  expect(uniformValue(of(2, 2, 2))).toBe(2);
  expect(uniformValue(of(2, 2, 3))).toBeUndefined();
  expect(uniformValue(of(0, -0))).toBeUndefined();
  expect(uniformValue(of(Number.NaN, Number.NaN))).toBeNaN();
  expect(uniformValue(of())).toBeUndefined();
});
