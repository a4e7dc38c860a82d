// Sums, maxima and minima against those of float64 numbers.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { kernelOnWasm } from '../src/kernels-on-wasm.ts';

beforeAll(() => setBackend('wasm'));

type Kernel = 'sum' | 'max' | 'min';

const start = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };
const step = { sum: (a: number, b: number) => a + b, max: Math.max, min: Math.min };

/** Element by element. */
function reduced(
  kernel: Kernel,
  values: ArrayLike<number>,
  shape: readonly number[],
  axes: readonly number[],
): number[] {
  const others = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const result: number[] = new Array(others.reduce((size, axis) => size * shape[axis]!, 1)).fill(start[kernel]);
  for (let i = 0; i < values.length; i++) {
    const index: number[] = [];
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    const place = others.reduce((at, axis) => at * shape[axis]! + index[axis]!, 0);
    result[place] = step[kernel](result[place]!, values[i]!);
  }
  return result;
}

const names = { sum: 'Sum', max: 'Max', min: 'Min' } as const;

function run(kernel: Kernel, values: Float32Array | Int32Array, shape: number[], axes: readonly number[]): tf.Tensor {
  const name = names[kernel];
  const x = tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32');
  const { kernelFunc } = tf.getKernel(name, 'wasm');
  const attrs = { [name === 'Max' ? 'reductionIndices' : 'axis']: axes, keepDims: false };
  const result = kernelOnWasm(name, kernelFunc)!({ inputs: { x }, attrs, backend: tf.backend() });
  x.dispose();
  return tf.engine().makeTensorFromTensorInfo(result as tf.TensorInfo);
}

const cases = fc
  .array(fc.integer({ min: 1, max: 11 }), { minLength: 1, maxLength: 5 })
  .chain((shape) => fc.tuple(fc.constant(shape), fc.subarray([...shape.keys()], { minLength: 1 })));

describe.each(['sum', 'max', 'min'] as const)('%s', (kernel) => {
  test('along any axes', () => {
    fc.assert(
      fc.property(cases, ([shape, axes]) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const values = Float32Array.from({ length: size }, (_, i) => Math.sin(3 * i) * 10 ** (i % 7));
        expectNoLeak(() => {
          const result = run(kernel, values, shape, axes);
          expect(result.shape).toEqual(shape.filter((_, axis) => !axes.includes(axis)));
          expect([...result.dataSync()]).toEqual(reduced(kernel, values, shape, axes).map(Math.fround));
          result.dispose();
        });
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  test.each([
    [[50_001], [0]],
    [[513, 67], [0]],
    [[67, 513], [1]],
    [[9, 30, 21], [1]],
    [
      [9, 30, 21],
      [0, 2],
    ],
  ] as [number[], number[]][])('long: [%s] along [%s]', (shape, axes) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: size }, (_, i) => 1 + Math.sin(i));
    const result = run(kernel, values, shape, axes);
    const expected = reduced(kernel, values, shape, axes);
    result.dataSync().forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(2 ** -24 * Math.abs(expected[i]!));
    });
    result.dispose();
  });

  test('NaN and infinities', () => {
    const values = Float32Array.of(
      1,
      Number.NaN,
      3,
      4,
      5,
      6,
      Number.POSITIVE_INFINITY,
      8,
      9,
      Number.NEGATIVE_INFINITY,
      11,
      12,
    );
    for (const [shape, axes] of [
      [[2, 6], [1]],
      [[4, 3], [0]],
      [[3, 4], [0]],
      [[12], [0]],
    ] as [number[], number[]][]) {
      const result = run(kernel, values, shape, axes);
      expect([...result.dataSync()]).toEqual(reduced(kernel, values, shape, axes));
      result.dispose();
    }
  });

  test('integers', () => {
    const values = Int32Array.of(3, -7, 2 ** 24 + 1, 5, -2, 0);
    for (const axes of [[0], [1], [0, 1]]) {
      const result = run(kernel, values, [2, 3], axes);
      expect([result.dtype, ...result.dataSync()]).toEqual(['int32', ...reduced(kernel, values, [2, 3], axes)]);
      result.dispose();
    }
  });
});
