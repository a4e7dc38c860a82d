import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Program, printProgram, record, removeDeadCode } from '../../src/index.ts';
import { shareCommonSubexpressions } from '../../src/simplify/common-subexpressions.ts';
import { float, traceOf } from '../traced.ts';

describe('common subexpressions', () => {
  const count = (program: Program): number => removeDeadCode(shareCommonSubexpressions(program)).equations.length;

  test('equal equations run once, and what follows from them', () => {
    const program = traceOf((x) => tf.mul(tf.exp(tf.add(x!, 1)), tf.exp(tf.add(x!, 1))), [float(2)]);
    expect(printProgram(removeDeadCode(shareCommonSubexpressions(program)))).toMatchInlineSnapshot(`
      "program(v0: float32[2]) {
        v1: float32[2] = Add(v0, 1)
        v2: float32[2] = Exp(v1)
        v3: float32[2] = Multiply(v2, v2)
        return v3
      }"
    `);
  });

  test('scalar literals are compared by value, with the sign of zero and dtype', () => {
    const sums = (a: number, b: number): Program => traceOf((x) => [tf.mul(x!, a), tf.mul(x!, b)], [float(2)]);
    expect(count(sums(0.5, 0.5))).toBe(1);
    expect(count(sums(0.5, 0.25))).toBe(2);
    expect(count(sums(0, -0))).toBe(2);
    expect(count(sums(-0, -0))).toBe(1);
    expect(count(sums(Number.NaN, Number.NaN))).toBe(1);
    const casts = traceOf(() => [record('Neg', [tf.scalar(1)]), record('Neg', [tf.scalar(1, 'int32')])], []);
    expect(count(casts)).toBe(2);
  });

  test('literals of other shapes differ, and longer ones unless they are the same', () => {
    expect(count(traceOf((x) => [tf.add(x!, tf.scalar(1)), tf.add(x!, tf.tensor1d([1]))], [float(1)]))).toBe(2);
    expect(count(traceOf((x) => [tf.add(x!, tf.tensor1d([1, 2])), tf.add(x!, tf.tensor1d([1, 3]))], [float(2)]))).toBe(
      2,
    );
    const same = traceOf(
      (x) => {
        const c = tf.tensor1d([1, 2]);
        const d = tf.tensor1d([3, 4]);
        return [tf.add(x!, c), tf.add(x!, d), tf.add(x!, c), tf.add(x!, d)];
      },
      [float(2)],
    );
    expect(count(same)).toBe(2);
  });

  test('attributes and the order of operands matter', () => {
    expect(count(traceOf((x) => [tf.sum(x!, 0), tf.sum(x!, 1), tf.sum(x!, -1)], [float(2, 2)]))).toBe(2);
    expect(count(traceOf((x, y) => [tf.sub(x!, y!), tf.sub(y!, x!)], [float(2), float(2)]))).toBe(2);
  });

  test('attributes that are not finite are told apart', () => {
    const clip =
      (low: number, high: number): ((x: tf.Tensor) => tf.Tensor) =>
      (x) =>
        tf.clipByValue(x, low, high);
    const both = traceOf((x) => [clip(-Infinity, 1)(x!), clip(-1, 1)(x!), clip(-1, Infinity)(x!)], [float(2)]);
    expect(count(both)).toBe(3);
    const pads = traceOf(
      (x) => [Infinity, -Infinity, Number.NaN, 0, -0].map((value) => tf.pad(x!, [[1, 0]], value)),
      [float(2)],
    );
    expect(count(pads)).toBe(5);
  });
});
