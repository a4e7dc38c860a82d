// Matrix products against sums in float64.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { WasmDevice } from '../src/host-memory.ts';
import { currentBackend, type Executable, type RunInput, setBackend, theEngine } from '../src/index.ts';
import { float, traceOf } from './traced.ts';

beforeAll(() => setBackend('wasm'));

const compile = (...args: Parameters<typeof traceOf>): Executable => currentBackend().compile(traceOf(...args));

interface Sizes {
  readonly batch?: readonly number[];
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

const numbers = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i) + 0.3 * Math.cos(0.01 * i * seed));

/** The greatest error of an element relative to the sum of the magnitudes that it adds. */
function error(
  received: ArrayLike<number>,
  a: Float32Array,
  b: Float32Array,
  { batch = [], rows, inner, columns }: Sizes,
  transposeA: boolean,
  transposeB: boolean,
): number {
  const count = batch.reduce((product, n) => product * n, 1);
  expect(received.length).toBe(count * rows * columns);
  let worst = 0;
  for (let at = 0; at < received.length; at++) {
    const which = Math.floor(at / (rows * columns));
    const [row, column] = [Math.floor(at / columns) % rows, at % columns];
    let [sum, magnitude] = [0, 0];
    for (let k = 0; k < inner; k++) {
      const left = a[which * rows * inner + (transposeA ? k * rows + row : row * inner + k)]!;
      const term = left * b[which * inner * columns + (transposeB ? column * inner + k : k * columns + column)]!;
      sum += term;
      magnitude += Math.abs(term);
    }
    worst = Math.max(worst, Math.abs(received[at]! - sum) / magnitude);
  }
  return worst;
}

describe.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('transposed %s and %s', (transposeA, transposeB) => {
  const sizes: Sizes[] = [
    { rows: 1, inner: 1, columns: 1 },
    { rows: 4, inner: 8, columns: 8 },
    { rows: 3, inner: 5, columns: 7 },
    { rows: 33, inner: 47, columns: 35 },
    { rows: 5, inner: 300, columns: 131 },
    { rows: 19, inner: 257, columns: 9 },
    { rows: 2, inner: 1, columns: 12 },
    { rows: 70, inner: 1100, columns: 1 },
    { rows: 1, inner: 1100, columns: 70 },
    { rows: 1, inner: 13, columns: 21 },
    { rows: 6, inner: 3, columns: 1 },
    { rows: 15, inner: 303, columns: 1 },
    { batch: [3], rows: 17, inner: 6, columns: 10 },
    { batch: [2, 3], rows: 5, inner: 9, columns: 1 },
    { batch: [5], rows: 7, inner: 1, columns: 11 },
    { batch: [1, 2, 1, 2], rows: 1, inner: 3, columns: 4 },
  ];
  test.each(sizes)('$batch $rows x $inner times $inner x $columns', (size) => {
    const { batch = [], rows, inner, columns } = size;
    const count = batch.reduce((product, n) => product * n, 1);
    const [a, b] = [numbers(count * rows * inner, 1), numbers(count * inner * columns, 2)];
    const executable = compile(
      (x, y) => tf.matMul(x!, y!, transposeA, transposeB),
      [
        float(...batch, ...(transposeA ? [inner, rows] : [rows, inner])),
        float(...batch, ...(transposeB ? [columns, inner] : [inner, columns])),
      ],
    );
    expectNoLeak(() => {
      const [result] = executable.run([a, b]);
      expect(result!.shape).toEqual([...batch, rows, columns]);
      expect(error(result!.dataSync(), a, b, size, transposeA, transposeB)).toBeLessThan(1e-6);
      result!.dispose();
    });
    executable.dispose();
  });
});

describe.each([
  ['transpose first', true],
  ['transpose last', false],
])('a matrix and its own transpose, the %s', (_, first) => {
  test.each([
    [1, 6],
    [3, 5],
    [4, 4],
    [37, 12],
    [134, 19],
  ])('%i by %i: exactly symmetric', (n, inner) => {
    const a = numbers(n * inner, 3);
    const executable = compile((x) => tf.matMul(x!, x!, first, !first), [float(...(first ? [inner, n] : [n, inner]))]);
    const result = tf.tidy(() => executable.run([a])[0]!.dataSync());
    expect(error(result, a, a, { rows: n, inner, columns: n }, first, !first)).toBeLessThan(1e-6);
    const mirrored = result.map((_, at) => result[(at % n) * n + Math.floor(at / n)]!);
    expect(mirrored).toEqual(result);
    executable.dispose();
  });
});

test('what is not a number spreads along its row and column alone', () => {
  const a = new Float32Array(9 * 10).fill(1);
  a[4 * 10 + 2] = Number.NaN;
  a[8 * 10 + 3] = Number.POSITIVE_INFINITY;
  const executable = compile((x, y) => tf.matMul(x!, y!), [float(9, 10), float(10, 13)]);
  const result = tf.tidy(() => executable.run([a, new Float32Array(130).fill(2)])[0]!.arraySync()) as number[][];
  expect(result.map(([one]) => one)).toEqual([20, 20, 20, 20, Number.NaN, 20, 20, 20, Number.POSITIVE_INFINITY]);
  for (const row of result) expect(new Set(row).size).toBe(1);
  executable.dispose();
});

describe('tensors that share memory under several shapes', () => {
  const values = (executable: Executable, ...inputs: RunInput[]): unknown =>
    tf.tidy(() => executable.run(inputs)[0]!.arraySync());

  test('an input and a reshape of it, in either order', () => {
    for (const order of [
      [0, 1, 0],
      [1, 0, 1],
    ]) {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const y = tf.reshape(x, [3, 2]);
      const wide = compile((a, b) => tf.matMul(a!, b!), [float(1, 2), float(2, 3)]);
      const tall = compile((a, b) => tf.matMul(a!, b!), [float(1, 3), float(3, 2)]);
      expectNoLeak(() => {
        for (const which of order) {
          if (which === 0) expect(values(wide, Float32Array.of(1, 1), x)).toEqual([[5, 7, 9]]);
          else expect(values(tall, Float32Array.of(1, 1, 1), y)).toEqual([[9, 12]]);
        }
      });
      tf.dispose([x, y]);
      wide.dispose();
      tall.dispose();
    }
  });

  test('a constant, a result, and what tfjs itself multiplies afterwards', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const y = tf.reshape(x, [3, 2]);
    const constant = compile((a) => tf.matMul(a!, y), [float(1, 3)]);
    expect(values(constant, Float32Array.of(1, 1, 1))).toEqual([[9, 12]]);
    expect(tf.matMul(tf.ones([1, 2]), x).arraySync()).toEqual([[5, 7, 9]]);
    const product = compile((a) => tf.matMul(a!, tf.reshape(a!, [3, 2]), false, false), [float(2, 3)]);
    expect(values(product, x)).toEqual([
      [22, 28],
      [49, 64],
    ]);
    tf.dispose([x, y]);
    constant.dispose();
    product.dispose();
  });
});

test('weights that change are read at each run', () => {
  const weights = tf.variable(tf.tensor2d([1, 2], [2, 1]));
  const executable = compile((a, b) => tf.matMul(a!, b!), [float(1, 2), float(2, 1)]);
  const at = (): number => tf.tidy(() => executable.run([Float32Array.of(10, 1), weights])[0]!.dataSync()[0]!);
  expect(at()).toBe(12);
  weights.assign(tf.tensor2d([3, 4], [2, 1]));
  expect(at()).toBe(34);
  weights.dispose();
  executable.dispose();
});

test('without memory left there is an error, and no result', () => {
  const { wasm } = tf.backend() as unknown as WasmDevice;
  const { _malloc: original } = wasm;
  const executable = compile((a, b) => tf.matMul(a!, b!), [float(2, 2), float(2, 2)]);
  const inputs = [tf.ones([2, 2]), tf.ones([2, 2])];
  tf.dispose(executable.run(inputs));
  const buffers = theEngine().backend.numDataIds();
  // The first is the memory of the result.
  const allocate = vi.spyOn(wasm, '_malloc').mockImplementationOnce(original).mockReturnValueOnce(0);
  expectNoLeak(() => expect(() => executable.run(inputs)).toThrow('bytes of memory left'));
  allocate.mockRestore();
  expect(theEngine().backend.numDataIds()).toBe(buffers);
  tf.dispose(inputs);
  executable.dispose();
});
