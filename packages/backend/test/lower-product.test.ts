// Batches of products, of which wasm takes the larger ones apart.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { currentBackend, setBackend } from '../src/index.ts';
import { lower } from '../src/lower.ts';
import { float, traceOf } from './traced.ts';

await setBackend('cpu');

const product = (batch: readonly number[], n: number, k: number, m: number, transposeA: boolean, transposeB: boolean) =>
  traceOf(
    (a, b) => tf.matMul(a!, b!, transposeA, transposeB),
    [float(...batch, ...(transposeA ? [k, n] : [n, k])), float(...batch, ...(transposeB ? [m, k] : [k, m]))],
  );

const products = (program: ReturnType<typeof product>, device: string): number =>
  lower(program, device).equations.filter((equation) => equation.type === 'kernel' && equation.kernel === 'BatchMatMul')
    .length;

test('only large ones, not too many, on wasm alone', () => {
  expect(products(product([8], 40, 40, 40, false, false), 'wasm')).toBe(8);
  expect(products(product([2, 3], 40, 40, 40, true, true), 'wasm')).toBe(6);
  expect(products(product([8], 4, 40, 40, false, false), 'wasm')).toBe(1);
  expect(products(product([100], 40, 40, 40, false, false), 'wasm')).toBe(1);
  expect(products(product([8], 40, 40, 40, false, false), 'cpu')).toBe(1);
});

describe.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('transposed %s and %s', (transposeA, transposeB) => {
  test.each([[[3]], [[2, 2]], [[1]]])('in a batch of [%s] the sum of products is that of float64', async (batch) => {
    await setBackend('wasm');
    const [n, k, m] = [33, 47, 35];
    const program = product(batch, n, k, m, transposeA, transposeB);
    const count = batch.reduce((a, b) => a * b, 1);
    const a = Float32Array.from({ length: count * n * k }, (_, i) => Math.sin(i));
    const b = Float32Array.from({ length: count * k * m }, (_, i) => Math.cos(2 * i));
    const executable = currentBackend().compile(program);
    expectNoLeak(() => {
      const [result] = executable.run([a, b]);
      expect(result!.shape).toEqual([...batch, n, m]);
      const received = result!.dataSync();
      result!.dispose();
      for (let at = 0; at < received.length; at++) {
        const [which, row, column] = [Math.floor(at / (n * m)), Math.floor(at / m) % n, at % m];
        let sum = 0;
        for (let i = 0; i < k; i++) {
          const left = a[which * n * k + (transposeA ? i * n + row : row * k + i)]!;
          sum += left * b[which * k * m + (transposeB ? column * k + i : i * m + column)]!;
        }
        expect(Math.abs(received[at]! - sum)).toBeLessThan(1e-4);
      }
    });
    executable.dispose();
  });
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
