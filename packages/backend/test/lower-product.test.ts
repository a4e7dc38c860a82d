// Products of integers, for which wasm has a kernel of its own.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { currentBackend, setBackend } from '../src/index.ts';
import { lower } from '../src/lower.ts';
import { float, traceOf } from './traced.ts';

test('a product of float32 is one kernel, transposed or in a batch', () => {
  const program = traceOf((a, b) => tf.matMul(a!, b!, true, true), [float(3, 5, 4), float(3, 6, 5)]);
  for (const device of ['cpu', 'wasm', 'webgpu']) {
    expect(lower(program, device).equations).toEqual([expect.objectContaining({ kernel: 'BatchMatMul' })]);
  }
});

test('products of integers, on wasm too', async () => {
  await setBackend('wasm');
  const int = (shape: number[]): { shape: number[]; dtype: 'int32' } => ({ shape, dtype: 'int32' });
  const program = traceOf((a, b) => tf.matMul(a!, b!, true, false), [int([2, 3, 2]), int([2, 3, 1])]);
  const executable = currentBackend().compile(program);
  const [a, b] = [Int32Array.of(1, 2, 3, 4, 5, 6, -1, -2, 3, 4, 5, 2 ** 30), Int32Array.of(7, 8, 9, 1, 0, 1)];
  expectNoLeak(() => {
    const [result] = executable.run([a, b]);
    expect([result!.dtype, ...result!.dataSync()]).toEqual(['int32', 76, 100, 4, 2 ** 30 - 2]);
    result!.dispose();
  });
  executable.dispose();
});
