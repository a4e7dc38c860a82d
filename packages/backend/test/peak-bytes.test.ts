import '../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  currentBackend,
  newValue,
  type Program,
  peakBytes,
  type ScanEquation,
  setBackend,
  type Value,
} from '../src/index.ts';
import { mayMakeFunctions } from '../src/routines-on-cpu.ts';
import { float, traceOf } from './traced.ts';

beforeAll(() => setBackend('cpu'));

test('of values that are needed at one time', () => {
  const [kilobyte, row] = [float(256), float(1, 256)];
  const peak = (fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[], aval = kilobyte): number =>
    peakBytes(traceOf((x) => fn(x!), [aval])) / 1024;
  expect(peak((x) => x)).toBe(0);
  expect(peak((x) => tf.exp(x))).toBe(1);
  // Of a chain there are two at a time, and of three that are joined at the end also the joint.
  expect(peak((x) => tf.exp(tf.sin(tf.cos(tf.neg(x)))))).toBe(2);
  expect(peak((x) => tf.concat([tf.exp(x), tf.sin(x), tf.cos(x)]))).toBe(6);
  expect(peak((x) => [tf.exp(x), tf.sin(x), tf.cos(tf.tan(x))])).toBe(4);
  // Reshapes are the same memory, also of inputs.
  expect(peak((x) => tf.reshape(x, [16, 16]))).toBe(0);
  expect(peak((x) => tf.reshape(tf.exp(x), [16, 16]))).toBe(1);
  expect(peak((x) => tf.exp(tf.reshape(tf.exp(x), [16, 16])))).toBe(2);
  expect(peak((x) => tf.greater(x, 0))).toBe(0.25);
  // What nothing reads is there for a moment.
  expect(peak((x) => [tf.sum(x), tf.sum(tf.exp(x)), tf.tile(x, [4, 1])], row)).toBeCloseTo(4 + 8 / 1024);
});

describe('what cpu holds, most', () => {
  const programs: { readonly [name: string]: Program<tf.Tensor> } = {
    'of a chain': traceOf((x) => tf.exp(tf.sin(tf.cos(x!))), [float(100)]),
    'of branches': traceOf((x) => tf.add(tf.cumsum(tf.exp(x!)), tf.cumprod(tf.sin(x!))), [float(100)]),
    'of several results': traceOf((x) => [tf.exp(x!), tf.matMul(x!, x!, true), tf.relu(tf.neg(x!))], [float(20, 30)]),
    'of a loop that carries and stacks': loop(5),
  };

  test.each(Object.entries(programs))('%s', (_, program) => {
    const inputs = program.inputs.map(({ shape }) => tf.ones(shape as number[]));
    const executable = currentBackend().compile(program);
    const most = mostHeld(() => tf.dispose(executable.run(inputs)));
    expect(most).toBeGreaterThan(0.8 * executable.peakBytes);
    expect(most).toBeLessThanOrEqual(executable.peakBytes);
    executable.dispose();
  });

  test.runIf(mayMakeFunctions())(
    'in a routine: the values that are carried, twice, the rows, and what an iteration needs for itself',
    () => {
      const body = traceOf((sum, x) => [tf.add(sum!, tf.matMul(x!, x!)), tf.sin(x!)], [float(10, 10), float(10, 10)]);
      const executable = currentBackend().compile(loopOf(body, 3));
      expect(executable.peakBytes / 400).toBe(2 + 3 + 1);
      executable.dispose();
    },
  );

  test('and what it returns is what tf.memory() counts', () => {
    const executable = currentBackend().compile(traceOf((x) => tf.exp(x!), [float(100)]));
    const x = tf.ones([100]);
    const before = tf.memory().numBytes;
    const outputs = executable.run([x]);
    expect(tf.memory().numBytes - before).toBe(executable.peakBytes);
    tf.dispose([x, outputs]);
    executable.dispose();
  });
});

/** A loop over `length` rows of 100 numbers that carries 100 numbers, with a kernel that is no part of a routine. */
const loop = (length: number): Program<tf.Tensor> =>
  loopOf(
    traceOf((sum, x) => [tf.add(sum!, x!), tf.exp(tf.cumsum(x!))], [float(100), float(100)]),
    length,
  );

/** A loop over `length` rows that carries one value. */
function loopOf(body: Program<tf.Tensor>, length: number): Program<tf.Tensor> {
  const [carry, row] = body.inputs as [Value, Value];
  const stacked = float(length, ...row.shape);
  const inputs = [newValue(carry), newValue(stacked)];
  const outputs = [newValue(carry), newValue(stacked)];
  const equation: ScanEquation = {
    type: 'scan',
    body,
    length,
    constants: 0,
    carry: 1,
    reverse: false,
    inputs,
    outputs,
  };
  return { inputs, constants: [], equations: [equation], outputs };
}

/** The most bytes that `run` has the device hold at one time beyond what it holds before. */
function mostHeld(run: () => void): number {
  const device = tf.backend() as tf.KernelBackend & { data: { get(id: object): { refCount: number } } };
  const { write, disposeData } = device;
  const sizes = new Map<object, number>();
  let [held, most] = [0, 0];
  device.write = (values, shape, dtype) => {
    const id = write.call(device, values, shape, dtype);
    const bytes = tf.util.sizeFromShape(shape) * tf.util.bytesPerElement(dtype);
    sizes.set(id, bytes);
    held += bytes;
    most = Math.max(most, held);
    return id;
  };
  device.disposeData = (id, force) => {
    const isGone = disposeData.call(device, id, force);
    if (isGone) held -= sizes.get(id) ?? 0;
    if (isGone) sizes.delete(id);
    return isGone;
  };
  try {
    run();
  } finally {
    device.write = write;
    device.disposeData = disposeData;
  }
  return most;
}
