import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Program, record, setBackend } from '../../src/index.ts';
import { absorbBroadcasts } from '../../src/simplify/broadcasts.ts';
import { float, runOnce, traceOf } from '../traced.ts';
import { printedAfter } from './printed.ts';

beforeAll(() => setBackend('cpu'));

describe('broadcasts', () => {
  const absorbed = (program: Program<tf.Tensor>): string => printedAfter(absorbBroadcasts, program);

  test('of one operand, of the other, of both', () => {
    const program = traceOf(
      (x, y) => {
        const [wide, high] = [tf.broadcastTo(x!, [3, 4]), record('BroadcastTo', [y!], { shape: [3, 4] })];
        return [tf.add(wide, high), record('Greater', [wide, tf.zeros([3, 4])]), tf.sub(tf.ones([3, 4]), high)];
      },
      [float(4), float(3, 1)],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[4], v1: float32[3,1]) {
        v2: float32[3,4] = Add(v0, v1)
        v3: bool[4] = Greater(v0, 0)
        v4: bool[3,4] = BroadcastTo[shape=[3,4]](v3)
        v5: float32[3,1] = Sub(1, v1)
        v6: float32[3,4] = BroadcastTo[shape=[3,4]](v5)
        return v2, v4, v6
      }"
    `);
  });

  test('stay where the result needs them', () => {
    const program = traceOf(
      (x) => {
        const wide = record('BroadcastTo', [x!], { shape: [3, 4] });
        return [tf.sum(wide, 0), record('Concat', [wide, wide], { axis: 0 })];
      },
      [float(4)],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[4]) {
        v1: float32[3,4] = BroadcastTo[shape=[3,4]](v0)
        v2: float32[4] = Sum[axis=[0]](v1)
        v3: float32[6,4] = Concat[axis=0](v1, v1)
        return v2, v3
      }"
    `);
  });

  test('what is the same along an axis is computed once', () => {
    const program = traceOf(
      (x) => {
        const wide = record('BroadcastTo', [x!], { shape: [3, 4] });
        return tf.mul(tf.exp(wide), wide);
      },
      [float(4)],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[4]) {
        v1: float32[4] = Exp(v0)
        v2: float32[4] = Multiply(v1, v0)
        v3: float32[3,4] = BroadcastTo[shape=[3,4]](v2)
        return v3
      }"
    `);
  });

  test('of nothing', () => {
    const program = traceOf(
      (x) => {
        const none = record('BroadcastTo', [x!], { shape: [0, 1] });
        return [tf.exp(none), tf.add(none, none)];
      },
      [float(1, 1)],
    );
    const outputs = runOnce(program, [tf.ones([1, 1])]);
    expect(outputs.map(({ shape }) => shape)).toEqual([[0, 1], [0, 1]]); // biome-ignore format: one line
  });

  test('of one number, and over axes of length 1 in front', () => {
    const program = traceOf(
      (x, s) => [
        tf.mul(x!, tf.ones([3, 4])),
        tf.mul(tf.mul(tf.reshape(s!, [1, 1]), 2), x!),
        tf.where(tf.zeros([3, 4], 'bool'), tf.ones([3, 4]), tf.zeros([3, 4])),
      ],
      [float(3, 4), float()],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[3,4], v1: float32[]) {
        v2: float32[3,4] = Multiply(v0, 1)
        v3: float32[] = Multiply(v1, 2)
        v4: float32[3,4] = Multiply(v3, v0)
        v5: float32[] = Select(0, 1, 0)
        v6: float32[3,4] = BroadcastTo[shape=[3,4]](v5)
        return v2, v4, v6
      }"
    `);
  });
});
