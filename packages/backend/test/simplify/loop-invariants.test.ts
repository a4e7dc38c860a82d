import '../../src/cpu.ts';
import '../../src/wasm.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { type Program, printProgram, type ScanEquation, setBackend, simplify } from '../../src/index.ts';
import { newValue } from '../../src/program.ts';
import { float, runOnce, traceOf } from '../traced.ts';

/** `length` iterations of `body`, which takes one constant and carries one value. */
function loop(body: Program<tf.Tensor>, length: number): Program<tf.Tensor> {
  const inputs = body.inputs.map(newValue);
  const outputs = body.outputs.map((atom, i) => newValue(i === 0 ? atom : { ...atom, shape: [length, ...atom.shape] }));
  const equation: ScanEquation = {
    type: 'scan',
    body,
    length,
    constants: 1,
    carry: 1,
    reverse: false,
    inputs,
    outputs,
  };
  return { inputs, constants: [], equations: [equation], outputs };
}

const body = traceOf(
  (w, x) => {
    const scale = tf.exp(tf.neg(w!));
    return [tf.mul(x!, scale), tf.square(scale)];
  },
  [float(3), float(3)],
);

test('what depends on constants alone is computed once, before the loop', () => {
  expect(`\n${printProgram(simplify(loop(body, 4)))}\n`).toMatchInlineSnapshot(`
    "
    program(v0: float32[3], v1: float32[3]) {
      v2: float32[3] = Neg(v0)
      v3: float32[3] = Exp(v2)
      v4: float32[3] = Square(v3)
      v5: float32[3], v6: float32[4,3] = scan[length=4](v3, v4, v0, v1)
        program(v7: float32[3], v8: float32[3], v9: float32[3], v10: float32[3]) {
          v11: float32[3] = Multiply(v10, v7)
          return v11, v8
        }
      return v5, v6
    }
    "
  `);
});

test('a loop that never runs keeps it', () => {
  expect(simplify(loop(body, 0)).equations).toHaveLength(1);
});

test('what repeats elements stays, and what reads it', () => {
  const broadcast = traceOf((w, x) => [tf.add(x!, tf.exp(tf.broadcastTo(w!, [4, 3])))], [float(3), float(4, 3)]);
  expect(simplify(loop(broadcast, 4)).equations.map(({ type }) => type)).toEqual(['kernel', 'scan']);
});

test.each(['cpu', 'wasm'] as const)('the results stay the same on %s', async (device) => {
  await setBackend(device);
  const [w, x] = [tf.tensor1d([0, 1, -1]), tf.tensor1d([1, 2, 3])];
  const results = runOnce(loop(body, 4), [w, x]);
  const scale = tf.exp(tf.neg(w));
  expect(results[0]).toBeAllClose(tf.mul(x, tf.pow(scale, 4)));
  expect(results[1]).toBeAllClose(tf.tile(tf.reshape(tf.square(scale), [1, 3]), [4, 1]));
  tf.dispose([w, x, scale, ...results]);
});
