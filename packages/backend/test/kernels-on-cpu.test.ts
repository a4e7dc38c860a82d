// Our kernels on cpu against those of tfjs, of any shapes.
import '../src/cpu.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type DataType, setBackend } from '../src/index.ts';
import { kernelOnCpu } from '../src/kernels-on-cpu.ts';
import { sizeOf } from '../src/program.ts';

beforeAll(() => setBackend('cpu'));

type Inputs = { readonly [name: string]: tf.Tensor } | readonly tf.Tensor[];

const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
const dtypes = fc.constantFrom<DataType>('float32', 'int32', 'bool');
const numeric = fc.constantFrom<DataType>('float32', 'int32');

/** Numbers in no order; integers have no fraction and a bool is 0 or 1. */
function numbers(shape: readonly number[], dtype: DataType, wild = false): tf.Tensor {
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const value = ((i * 37 + 11) % 23) - 9;
    if (dtype === 'bool') return value % 2 === 0 ? 1 : 0;
    if (wild && i % 7 === 3) return [Number.NaN, Infinity, -Infinity][i % 3]!;
    return dtype === 'float32' ? value / 8 : value;
  });
  return tf.tensor(values, [...shape], dtype);
}

/** Runs a kernel both ways, and disposes the inputs. */
function expectSame(kernel: string, inputs: Inputs, attrs: object, expectedOf?: () => tf.Tensor): void {
  const { kernelFunc } = tf.getKernel(kernel, 'cpu');
  const own = kernelOnCpu(kernel, kernelFunc)!;
  expect(own).not.toBe(kernelFunc);
  const run = (f: tf.KernelFunc): tf.Tensor => {
    const info = f({
      inputs: inputs as tf.NamedTensorInfoMap,
      attrs: attrs as tf.NamedAttrMap,
      backend: tf.backend(),
    }) as tf.TensorInfo;
    return info instanceof tf.Tensor ? info : tf.engine().makeTensorFromTensorInfo(info);
  };
  const described = (make: () => tf.Tensor): object =>
    tf.tidy(() => {
      const { shape, dtype, dataId } = make();
      return { shape, dtype, values: Array.from(tf.backend().readSync(dataId) as Float32Array, (x) => Number(x) + 0) };
    });
  const expected = described(expectedOf ?? (() => run(kernelFunc)));
  expectNoLeak(() => expect(described(() => run(own))).toEqual(expected));
  tf.dispose(inputs as tf.Tensor[]);
}

const check = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void, numRuns = 60): void =>
  fc.assert(fc.property(arbitrary, property), { numRuns, seed: 1 });

test('views', () => {
  const perms = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }), dtypes),
  );
  check(perms, ([shape, perm, dtype]) => expectSame('Transpose', { x: numbers(shape, dtype) }, { perm }));

  const slices = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.tuple(...shape.map((n) => fc.tuple(fc.nat(n - 1), fc.nat(5)))), dtypes),
  );
  check(slices, ([shape, bounds, dtype]) => {
    const begin = bounds.map(([first]) => first);
    const size = bounds.map(([first, more], i) => Math.min(1 + more, shape[i]! - first));
    expectSame('Slice', { x: numbers(shape, dtype) }, { begin, size });
  });

  const axes = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.subarray([...shape.keys()]), dtypes));
  check(axes, ([shape, dims, dtype]) => expectSame('Reverse', { x: numbers(shape, dtype) }, { dims }));

  const repeats = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => fc.integer({ min: 1, max: 3 }))), dtypes),
  );
  check(repeats, ([shape, reps, dtype]) => expectSame('Tile', { x: numbers(shape, dtype) }, { reps }));
});

test('joined, stacked, padded and filled', () => {
  const joins = shapes.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.nat(shape.length - 1),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      numeric,
    ),
  );
  check(joins, ([shape, axis, lengths, dtype]) =>
    expectSame(
      'Concat',
      lengths.map((n) => numbers(shape.with(axis, n), dtype)),
      { axis },
    ),
  );
  check(joins, ([shape, axis, { length }, dtype]) =>
    expectSame(
      'Pack',
      Array.from({ length }, () => numbers(shape, dtype)),
      { axis },
    ),
  );
  const pads = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(2)))), numeric),
  );
  check(pads, ([shape, paddings, dtype]) =>
    expectSame('PadV2', { x: numbers(shape, dtype) }, { paddings, constantValue: 3 }),
  );
  check(fc.tuple(shapes, numeric), ([shape, dtype]) => expectSame('Fill', {}, { shape, value: 2, dtype }));
});

test.each(['Sum', 'Max', 'Min'])('%s over any axes', (kernel) => {
  const axes = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.subarray([...shape.keys()], { minLength: 1 }), numeric, fc.boolean()),
  );
  check(axes, ([shape, axis, dtype, wild]) =>
    expectSame(kernel, { x: numbers(shape, dtype, wild) }, { axis, reductionIndices: axis, keepDims: false }),
  );
});

test('a sum in float32 of numbers that cancel', () => {
  const run = kernelOnCpu('Sum', undefined)!;
  const x = tf.tensor2d([1e8, 3, 1, 0.25, -1e8, 1], [3, 2]);
  const info = run({ inputs: { x }, attrs: { axis: [0] }, backend: tf.backend() }) as tf.TensorInfo;
  expect(Array.from(tf.backend().readSync(info.dataId) as Float32Array)).toEqual([1, 4.25]);
  x.dispose();
  tf.backend().disposeData(info.dataId);
});

test('blocks found by indices', () => {
  const cases = shapes.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.integer({ min: 1, max: shape.length }),
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 }),
      numeric,
    ),
  );
  const places = (seeds: readonly number[], lengths: readonly number[]): tf.Tensor =>
    tf.tensor(
      seeds.flatMap((seed) => lengths.map((n, i) => (seed + 7 * i) % n)),
      [seeds.length, lengths.length],
      'int32',
    );
  check(cases, ([shape, depth, seeds, dtype]) =>
    expectSame('GatherNd', { params: numbers(shape, dtype), indices: places(seeds, shape.slice(0, depth)) }, {}),
  );
  check(cases, ([shape, depth, seeds, dtype]) => {
    const updates = numbers([seeds.length, ...shape.slice(depth)], dtype);
    expectSame('ScatterNd', { indices: places(seeds, shape.slice(0, depth)), updates }, { shape });
  });
  check(cases, ([shape, depth, seeds, dtype]) => {
    const axis = depth - 1;
    const indices = tf.tensor(
      seeds.map((seed) => seed % shape[axis]!),
      [seeds.length],
      'int32',
    );
    expectSame('GatherV2', { x: numbers(shape, dtype), indices }, { axis, batchDims: 0 });
  });
});

test('an index outside of its axis is named', () => {
  const [x, indices] = [tf.ones([3, 2]), tf.tensor1d([1, 3], 'int32')];
  const run = (kernel: string, inputs: object, attrs: object): unknown =>
    kernelOnCpu(kernel, tf.getKernel(kernel, 'cpu').kernelFunc)!({
      inputs: inputs as tf.NamedTensorInfoMap,
      attrs: attrs as tf.NamedAttrMap,
      backend: tf.backend(),
    });
  expectNoLeak(() => {
    expect(() => run('GatherV2', { x, indices }, { axis: 0 })).toThrow('the index value 3 is not in [0, 2]');
    expect(() => run('CheckedIndices', { indices }, { kernel: 'gatherND', lengths: [3] })).toThrow(
      'gatherND: the index 3 is outside of its axis, which has the length 3; indices are from 0 to 2',
    );
  });
  tf.dispose([x, indices]);
});
