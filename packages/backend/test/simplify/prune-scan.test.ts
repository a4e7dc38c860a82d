// Loops without what nothing needs.
import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import {
  newValue,
  type Program,
  printProgram,
  removeDeadCode,
  type ScanEquation,
  setBackend,
} from '../../src/index.ts';
import { float, runOnce, traceOf } from '../traced.ts';

beforeAll(() => setBackend('cpu'));

// Two constants, three carries, two slices; the third carry feeds the second, and the first stands alone.
const body = traceOf(
  (a, b, alone, fed, feeds, x, y) => [
    tf.add(alone!, y!),
    tf.add(fed!, feeds!),
    tf.mul(feeds!, a!),
    tf.mul(b!, x!),
    tf.neg(fed!),
  ],
  Array.from({ length: 7 }, () => float()),
);

/** The loop over three slices, with these of its outputs: three carries and two that are stacked. */
function loop(...outputs: number[]): Program<tf.Tensor> {
  const inputs = body.inputs.map((_, i) => newValue(i < 5 ? float() : float(3)));
  const all = body.outputs.map((_, i) => newValue(i < 3 ? float() : float(3)));
  const equation: ScanEquation = {
    type: 'scan',
    body,
    length: 3,
    constants: 2,
    carry: 3,
    reverse: false,
    inputs,
    outputs: all,
  };
  return { inputs, constants: [], equations: [equation], outputs: outputs.map((i) => all[i]!) };
}

test('a carry that feeds one that is needed is kept', () => {
  expect(printProgram(removeDeadCode(loop(1)))).toMatchInlineSnapshot(`
    "program(v0: float32[], v1: float32[], v2: float32[], v3: float32[], v4: float32[], v5: float32[3], v6: float32[3]) {
      v7: float32[], v8: float32[] = scan[length=3](v0, v3, v4)
        program(v9: float32[], v10: float32[], v11: float32[]) {
          v12: float32[] = Add(v10, v11)
          v13: float32[] = Multiply(v11, v9)
          return v12, v13
        }
      return v7
    }"
  `);
  expect(printProgram(removeDeadCode(loop(3)))).toMatchInlineSnapshot(`
    "program(v0: float32[], v1: float32[], v2: float32[], v3: float32[], v4: float32[], v5: float32[3], v6: float32[3]) {
      v7: float32[3] = scan[length=3](v1, v5)
        program(v8: float32[], v9: float32[]) {
          v10: float32[] = Multiply(v8, v9)
          return v10
        }
      return v7
    }"
  `);
});

test('whatever is needed has the same values', () => {
  const inputs = [2, 3, 5, 7, 11].map((value) => tf.scalar(value) as tf.Tensor);
  const slices = [tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])];
  const whole = [5 + 15, 7 + 11 * 7, 11 * 8, [3, 6, 9], [-7, -18, -40]];
  for (let chosen = 1; chosen < 2 ** 5; chosen++) {
    const outputs = [0, 1, 2, 3, 4].filter((i) => chosen & (1 << i));
    const program = loop(...outputs);
    const pruned = removeDeadCode(program);
    const results = runOnce(pruned, [...inputs, ...slices]);
    expect(results, `${outputs}`).toBeAllClose(outputs.map((i) => whole[i]));
    tf.dispose(results);
  }
});
