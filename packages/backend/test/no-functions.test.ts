// Where the security policy of a page forbids functions made of their source, programs on cpu run without loops.
import '../src/cpu.ts';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { currentBackend, printProgram, setBackend } from '../src/index.ts';
import { float, traceOf } from './traced.ts';

const { Function: own } = globalThis;
beforeAll(async () => {
  globalThis.Function = class {
    constructor() {
      throw new EvalError('unsafe-eval is not allowed');
    }
  } as unknown as FunctionConstructor;
  await setBackend('cpu');
});
afterAll(() => {
  globalThis.Function = own;
});

test('a chain of kernels', () => {
  const executable = currentBackend().compile(traceOf((x) => tf.mul(tf.square(x!), 0.5), [float(3)]));
  expect(printProgram(executable.program)).not.toContain('loop');
  const x = tf.tensor1d([1, 2, 3]);
  const [result] = executable.run([x]);
  expect([...result!.dataSync()]).toEqual([0.5, 2, 4.5]);
  tf.dispose([x, result!]);
  executable.dispose();
});
