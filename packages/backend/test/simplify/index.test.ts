import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { printProgram, record, setBackend, simplify } from '../../src/index.ts';
import { bool, float, runOnce, traceOf } from '../traced.ts';

beforeAll(() => setBackend('cpu'));

test('simplify leaves outputs that are inputs, constants, literals and duplicates', () => {
  const c = tf.scalar(5);
  const program = traceOf(
    (x, b) => {
      const y = tf.exp(x!);
      return [x!, c, tf.scalar(2), y, tf.exp(x!), record('StopGradient', [x!]), b!];
    },
    [float(2), bool()],
  );
  const simple = simplify(program);
  expect(printProgram(simple)).toMatchInlineSnapshot(`
    "program(v0: float32[2], v1: bool[]) {
      constant v2: float32[]
      v3: float32[2] = Exp(v0)
      return v0, v2, 2, v3, v3, v0, v1
    }"
  `);
  const [x, b] = [tf.tensor1d([0, 1]), tf.scalar(true, 'bool')];
  const outputs = runOnce(simple, [x, b]);
  expect(outputs.map((tensor) => tensor.dataSync().length)).toEqual([2, 1, 1, 2, 2, 2, 1]);
  expect(outputs[4]).toBeAllClose([1, Math.E]);
  expect(new Set(outputs.map(({ id }) => id)).size).toBe(outputs.length);
  tf.dispose([...outputs, x, b, c]);
});

test('simplifying twice changes nothing more', () => {
  const program = traceOf(
    (x) => {
      const p = tf.softmax(tf.mul(x!, 2));
      return [
        tf.logSoftmax(x!),
        tf.sum(tf.mul(p, tf.logSoftmax(x!)), -1),
        tf.mean(tf.square(tf.sub(p, tf.mean(p, -1, true)))),
      ];
    },
    [float(3, 4)],
  );
  const once = simplify(program);
  expect(printProgram(simplify(once))).toBe(printProgram(once));
});
