// Tensors joined, stacked and padded, against tfjs's cpu device.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DataType, setBackend } from '../src/index.ts';
import { kernelOnWasm } from '../src/kernels-on-wasm.ts';

const dtypes = fc.constantFrom<DataType>('float32', 'int32', 'bool');
const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });

/** What a kernel makes of tensors of these shapes. */
function resultOf(
  kernel: string,
  device: 'cpu' | 'wasm',
  given: readonly (readonly number[])[],
  dtype: DataType,
  attrs: object,
): { shape: number[]; values: number[] } {
  const tensors = given.map((shape, k) => {
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37 + k) % 11);
    return tf.tensor((dtype === 'bool' ? values.map((x) => x > 5) : values) as number[], [...shape], dtype);
  });
  const inputs = kernel === 'PadV2' ? { x: tensors[0]! } : (tensors as unknown as tf.NamedTensorInfoMap);
  const { kernelFunc } = tf.getKernel(kernel, device);
  const run = device === 'wasm' ? kernelOnWasm(kernel, kernelFunc)! : kernelFunc;
  const info = run({ inputs, attrs: attrs as tf.NamedAttrMap, backend: tf.backend() }) as tf.TensorInfo;
  const result = info instanceof tf.Tensor ? info : tf.engine().makeTensorFromTensorInfo(info);
  const { shape } = result;
  const values = [...result.dataSync()].map(Number);
  tf.dispose([...tensors, result]);
  return { shape, values };
}

async function expectSame(
  kernel: string,
  given: readonly (readonly number[])[],
  dtype: DataType,
  attrs: object,
): Promise<void> {
  await setBackend('cpu');
  const expected = tf.tidy(() => resultOf(kernel, 'cpu', given, dtype, attrs));
  await setBackend('wasm');
  expectNoLeak(() => expect(resultOf(kernel, 'wasm', given, dtype, attrs)).toEqual(expected));
}

test('joined along an axis, of any lengths', async () => {
  const cases = shapes.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.nat(shape.length - 1),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      dtypes,
    ),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([shape, axis, lengths, dtype]) => {
      const given = lengths.map((length) => shape.map((n, i) => (i === axis ? length : n)));
      await expectSame('Concat', given, dtype, { axis });
    }),
    { numRuns: 50, seed: 1 },
  );
});

test('stacked along a new axis', async () => {
  const cases = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.nat(shape.length), fc.integer({ min: 1, max: 4 }), dtypes),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([shape, axis, count, dtype]) => {
      await expectSame('Pack', new Array(count).fill(shape), dtype, { axis });
    }),
    { numRuns: 50, seed: 2 },
  );
});

test('padded with a number', async () => {
  const cases = shapes.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.tuple(...shape.map(() => fc.tuple(fc.nat(3), fc.nat(3)))),
      fc.constantFrom(0, -7, 2),
      dtypes,
    ),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([shape, paddings, constantValue, dtype]) => {
      const value = dtype === 'bool' ? 0 : constantValue;
      await expectSame('PadV2', [shape], dtype, { paddings, constantValue: value });
    }),
    { numRuns: 50, seed: 3 },
  );
});

test('padded with what is no finite number', async () => {
  await setBackend('wasm');
  const run = kernelOnWasm('PadV2', tf.getKernel('PadV2', 'wasm').kernelFunc)!;
  for (const constantValue of [Number.NEGATIVE_INFINITY, Number.NaN, -0]) {
    const x = tf.tensor1d([1]);
    const info = run({ inputs: { x }, attrs: { paddings: [[1, 0]], constantValue }, backend: tf.backend() });
    const result = tf.engine().makeTensorFromTensorInfo(info as tf.TensorInfo);
    expect([...result.dataSync()]).toEqual([constantValue, 1]);
    tf.dispose([x, result]);
  }
});
