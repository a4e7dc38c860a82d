import '../../src/cpu.ts';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { printProgram, removeDeadCode, setBackend } from '../../src/index.ts';
import { float, traceOf } from '../traced.ts';

beforeAll(() => setBackend('cpu'));

test('dead code: equations, and constants that only they need', () => {
  const [used, unused] = [tf.scalar(2), tf.scalar(3)];
  const program = traceOf(
    (x, y) => {
      const dead = tf.exp(tf.mul(y!, unused));
      tf.add(dead, x!);
      return tf.mul(tf.neg(x!), used);
    },
    [float(2), float(2)],
  );
  expect(program.equations).toHaveLength(5);
  expect(printProgram(removeDeadCode(program))).toMatchInlineSnapshot(`
    "program(v0: float32[2], v1: float32[2]) {
      constant v2: float32[]
      v3: float32[2] = Neg(v0)
      v4: float32[2] = Multiply(v3, v2)
      return v4
    }"
  `);
});
