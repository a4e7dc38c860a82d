import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { setBackend } from '../../src/index.ts';
import { removeNeutralElements } from '../../src/simplify/neutral-elements.ts';
import { bool, float, int, runOnce, traceOf } from '../traced.ts';
import { printedAfter } from './printed.ts';

beforeAll(() => setBackend('cpu'));

type Unary = (x: tf.Tensor) => tf.Tensor;

test('what changes nothing is taken out', () => {
  const nothing: Unary[] = [
    (x) => tf.mul(x, 1),
    (x) => tf.mul(tf.ones([2]), x),
    (x) => tf.div(x, 1),
    (x) => tf.sub(x, 0),
    (x) => tf.add(x, -0),
    (x) => tf.add(-0, x),
    (x) => tf.neg(tf.neg(x)),
    (x) => tf.neg(tf.mul(-1, x)),
    (x) => tf.where(tf.ones([2], 'bool'), x, tf.exp(x)),
    (x) => tf.where(tf.zeros([2], 'bool'), tf.exp(x), x),
  ];
  const program = traceOf((x) => nothing.map((f) => f(x!)), [float(2)]);
  expect(removeNeutralElements(program).outputs).toEqual(nothing.map(() => program.inputs[0]));
});

test('what makes a difference stays', () => {
  const something: Unary[] = [
    (x) => tf.add(x, 0),
    (x) => tf.sub(x, -0),
    (x) => tf.sub(0, x),
    (x) => tf.div(1, x),
    (x) => tf.mul(x, tf.ones([3, 2])),
    (x) => tf.mul(x, tf.tensor1d([1, 2])),
    (x) => tf.mul(tf.mul(x, 3), 5),
    (x) => tf.div(tf.mul(x, 2), 3),
    (x) => tf.mul(tf.mul(x, 2), 3e38),
  ];
  for (const f of something) {
    const program = traceOf((x) => f(x!), [float(2)]);
    expect(printedAfter(removeNeutralElements, program)).toBe(printedAfter((same) => same, program));
  }
});

test('signs are pulled together', () => {
  const program = traceOf(
    (x, y) => [
      tf.mul(-1, x!),
      tf.add(x!, tf.neg(y!)),
      tf.add(tf.neg(x!), y!),
      tf.sub(x!, tf.neg(y!)),
      tf.neg(tf.mul(x!, 3)),
      tf.mul(5, tf.neg(x!)),
      tf.square(tf.neg(x!)),
    ],
    [float(2), float(2)],
  );
  expect(printedAfter(removeNeutralElements, program)).toMatchInlineSnapshot(`
    "program(v0: float32[2], v1: float32[2]) {
      v2: float32[2] = Neg(v0)
      v3: float32[2] = Sub(v0, v1)
      v4: float32[2] = Sub(v1, v0)
      v5: float32[2] = Add(v0, v1)
      v6: float32[2] = Multiply(v0, -3)
      v7: float32[2] = Multiply(v0, -5)
      v8: float32[2] = Square(v0)
      return v2, v3, v4, v5, v6, v7, v8
    }"
  `);
});

test('powers of two are pulled together', () => {
  const program = traceOf(
    (x, s) => [tf.mul(-0.5, tf.mul(x!, 2)), tf.mul(3, tf.mul(x!, 0.25)), tf.mul(tf.mul(s!, -0.5), tf.mul(x!, 2))],
    [float(2), float()],
  );
  expect(printedAfter(removeNeutralElements, program)).toMatchInlineSnapshot(`
    "program(v0: float32[2], v1: float32[]) {
      v2: float32[2] = Multiply(v0, -1)
      v3: float32[2] = Multiply(v0, 0.75)
      v4: float32[] = Multiply(v1, -0.5)
      v5: float32[2] = Multiply(v0, 2)
      v6: float32[2] = Multiply(v4, v5)
      return v2, v3, v6
    }"
  `);
});

test('casts: to the same dtype, and of 0 and 1 by way of another', () => {
  const program = traceOf(
    (b, i) => [
      tf.cast(tf.cast(b!, 'int32'), 'float32'),
      tf.cast(tf.cast(b!, 'float32'), 'bool'),
      tf.cast(tf.cast(i!, 'float32'), 'int32'),
    ],
    [bool(2), int(2)],
  );
  expect(printedAfter(removeNeutralElements, program)).toMatchInlineSnapshot(`
    "program(v0: bool[2], v1: int32[2]) {
      v2: float32[2] = Cast[dtype="float32"](v0)
      v3: float32[2] = Cast[dtype="float32"](v1)
      v4: int32[2] = Cast[dtype="int32"](v3)
      return v2, v0, v4
    }"
  `);
});

describe('the same to the bit, but for numbers too large or small on the way', () => {
  const values = [0, -0, 1, -2.5, 1e-30, -3e37, Infinity, -Infinity, Number.NaN];
  const cases: Unary[] = [
    (x) => tf.add(tf.mul(tf.mul(x, 0.5), 3), -0),
    (x) => tf.sub(tf.neg(tf.mul(x, -7)), 0),
    (x) => tf.add(tf.neg(x), tf.mul(1, tf.square(tf.neg(x)))),
    (x) => tf.sub(tf.neg(tf.neg(x)), tf.neg(tf.div(x, 1))),
  ];

  test.each(cases.map((f, i) => [i, f] as const))('case %i', (_, f) => {
    const x = tf.tensor1d(values);
    const expected = Array.from(f(x).dataSync());
    const [found] = runOnce(
      traceOf((given) => f(given!), [float(values.length)]),
      [x],
    ) as [tf.Tensor];
    expect(Array.from(found.dataSync())).toEqual(expected);
  });
});
