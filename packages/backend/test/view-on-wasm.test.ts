// Copies of elements at regular places, against tfjs's cpu device.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { currentBackend, type DataType, setBackend } from '../src/index.ts';
import { runOnce, traceOf } from './traced.ts';

type View = (x: tf.Tensor) => tf.Tensor;

const shapes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const dtypes = fc.constantFrom<DataType>('float32', 'int32', 'bool');

const views: { readonly [name: string]: (shape: readonly number[]) => fc.Arbitrary<View> } = {
  transpose: (shape) =>
    fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }).map(
      (perm): View =>
        (x) =>
          tf.transpose(x, perm),
    ),
  slice: (shape) =>
    fc
      .tuple(...shape.map((n) => fc.tuple(fc.nat(n - 1), fc.nat(n - 1))))
      .map((ends) => ends.map((pair) => [Math.min(...pair), Math.max(...pair)]))
      .map(
        (ends): View =>
          (x) =>
            tf.slice(
              x,
              ends.map(([first]) => first!),
              ends.map(([first, last]) => last! - first! + 1),
            ),
      ),
  reverse: (shape) =>
    fc.subarray([...shape.keys()], { minLength: 1 }).map(
      (axes): View =>
        (x) =>
          tf.reverse(x, axes),
    ),
  tile: (shape) =>
    fc.tuple(...shape.map(() => fc.integer({ min: 1, max: 3 }))).map(
      (reps): View =>
        (x) =>
          tf.tile(x, reps),
    ),
  broadcast: (shape) =>
    fc.tuple(fc.subarray([...shape.keys()]), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 1 })).map(
      ([repeated, front]): View =>
        (x) => {
          const narrow = tf.slice(
            x,
            shape.map(() => 0),
            shape.map((n, axis) => (repeated.includes(axis) ? 1 : n)),
          );
          return tf.broadcastTo(narrow, [...front, ...shape]);
        },
    ),
};

test.each(Object.keys(views))('%s: the same elements as on cpu', async (name) => {
  await fc.assert(
    fc.asyncProperty(
      shapes.chain((shape) => fc.tuple(fc.constant(shape), views[name]!(shape))),
      dtypes,
      async ([shape, view], dtype) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const values = Array.from({ length: size }, (_, i) => (dtype === 'bool' ? (i * 7) % 3 === 0 : i - 5));
        const results: { shape: number[]; values: number[] }[] = [];
        for (const device of ['cpu', 'wasm'] as const) {
          await setBackend(device);
          expectNoLeak(() => {
            const x = tf.tensor(values as number[], shape, dtype);
            const [result] = runOnce(
              traceOf((t) => view(t!), [{ shape, dtype }]),
              [x],
            );
            results.push({ shape: result!.shape, values: [...result!.dataSync()] });
            tf.dispose([x, result!]);
          });
        }
        expect(results[1]).toEqual(results[0]);
      },
    ),
    { numRuns: 40, seed: 7 },
  );
});

test.each([
  [
    [37, 50],
    [1, 0],
  ],
  [
    [16, 64],
    [1, 0],
  ],
  [
    [3, 41, 22],
    [0, 2, 1],
  ],
  [
    [5, 20, 33],
    [2, 0, 1],
  ],
  [
    [21, 2, 18],
    [2, 1, 0],
  ],
  [
    [2, 17, 3, 19],
    [0, 3, 2, 1],
  ],
] as [number[], number[]][])('a long transpose of [%s] by [%s]', async (shape, perm) => {
  const results: ArrayLike<number>[] = [];
  for (const device of ['cpu', 'wasm'] as const) {
    await setBackend(device);
    const x = tf.reshape(
      tf.range(
        0,
        shape.reduce((a, b) => a * b, 1),
      ),
      shape,
    );
    const [result] = runOnce(
      traceOf((t) => tf.transpose(t!, perm), [{ shape, dtype: 'float32' }]),
      [x],
    );
    results.push(result!.dataSync());
    tf.dispose([x, result!]);
  }
  expect(results[1]).toEqual(results[0]);
});

test('the memory may grow while a slice is made', async () => {
  await setBackend('wasm');
  const x = tf.range(0, 3_000_000);
  const executable = currentBackend().compile(traceOf((a) => tf.slice(a!, [1], [2_999_998]), [x as never]));
  const kept = Array.from({ length: 6 }, () => executable.run([x])[0]!);
  for (const each of kept) expect([...each.dataSync().slice(-2)]).toEqual([2_999_997, 2_999_998]);
  tf.dispose([x, ...kept]);
  executable.dispose();
});
