import '../src/cpu.ts';
import '../src/wasm.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { printProgram, setBackend, simplify } from '../src/index.ts';
import { float, runOnce, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

beforeAll(() => setBackend('cpu'));

test('is recorded without the kinks in which tfjs writes it, in its core and in its layers', () => {
  const kernels = (fn: (x: Tensor, z: Tensor) => Tensor): string =>
    printProgram(simplify(traceOf((x, z) => fn(x!, z!), [float(2), float(2)])));
  const core = kernels((x, z) => tf.losses.sigmoidCrossEntropy(z, x));
  const layers = kernels((p, z) => tf.metrics.binaryCrossentropy(z, p));
  for (const program of [core, layers]) {
    expect(program).not.toMatch(/Relu|Abs|Log1p/);
    expect(program.match(/Softplus/g)).toHaveLength(2);
  }
  expect(kernels((x, z) => tf.losses.sigmoidCrossEntropy(tf.cast(z, 'int32'), x))).not.toMatch(/Relu|Abs|Log1p/);
});

test('other sums stay as they are', () => {
  const log1p = (x: Tensor): Tensor => tf.log1p(tf.exp(tf.neg(tf.abs(x))));
  const others: ((x: Tensor, z: Tensor) => Tensor)[] = [
    (x, z) => tf.add(tf.sub(tf.relu(x), tf.mul(z, x)), log1p(x)),
    (x, z) => tf.add(tf.sub(tf.relu(z), tf.mul(x, z)), log1p(x)),
    (x, z) => tf.add(tf.sub(tf.relu(x), tf.mul(x, z)), log1p(z)),
    (x, z) => tf.add(tf.mul(tf.relu(x), z), log1p(x)),
    (x, z) => tf.add(tf.sub(tf.relu(x), tf.mul(x, z)), tf.log1p(tf.exp(tf.neg(x)))),
  ];
  for (const other of others) expect(printProgram(traceOf(other, [float(2), float(2)]))).not.toContain('Softplus');
});

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('has its value to single precision, also where it is small', () => {
    const logits = [-30, -20, -10, -3, -0.1, 0, 0.1, 3, 10, 20, 30];
    const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    for (const z of [0, 1, 0.3]) {
      const program = traceOf(
        (x) => tf.losses.sigmoidCrossEntropy(tf.fill([logits.length], z), x!, undefined, 0, tf.Reduction.NONE),
        [float(logits.length)],
      );
      const [loss] = runOnce(program, [tf.tensor1d(logits)]);
      const expected = logits.map((x) => (1 - z) * softplus(x) + z * softplus(-x));
      // Single precision is 1.2e-7; tfjs's softplus is off by 4e-7 where it leaves out a term.
      expect(loss).toBeAllClose(expected, { rtol: 1e-6, atol: 0 });
    }
  });
});
