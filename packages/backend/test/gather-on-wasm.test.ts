// Blocks found by indices, against loops.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { runOnce, traceLike } from './traced.ts';

beforeAll(() => setBackend('wasm'));

const numbers = (size: number): number[] => Array.from({ length: size }, (_, i) => ((i * 37) % 101) - 50);
const indices = (size: number, length: number): number[] =>
  Array.from({ length: size }, (_, i) => (i * i + 3) % length);

/** The result of a function of tensors, in plain numbers. */
function resultOf(
  fn: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
): { shape: number[]; values: number[] } {
  const [result] = runOnce(traceLike(fn, inputs), inputs);
  const values = [...result!.dataSync()];
  tf.dispose([...inputs, result!]);
  return { shape: result!.shape, values };
}

describe.each(['float32', 'int32', 'bool'] as const)('%s', (dtype) => {
  const tensor = (size: number, shape: number[]): tf.Tensor =>
    tf.tensor(dtype === 'bool' ? (numbers(size).map((x) => x > 0) as never) : numbers(size), shape, dtype);
  const stored = (x: number): number => (dtype === 'bool' ? Number(x > 0) : x);

  test.each([
    [1, 7, 1],
    [1, 7, 3],
    [1, 5, 8],
    [3, 4, 1],
    [2, 6, 13],
  ])('[%i, %i, %i] along the middle', (outer, length, size) => {
    expectNoLeak(() => {
      const at = indices(10, length);
      const received = resultOf(
        (x, i) => tf.gather(x!, i as tf.Tensor2D, 1),
        [tensor(outer * length * size, [outer, length, size]), tf.tensor2d(at, [5, 2], 'int32')],
      );
      const values = numbers(outer * length * size);
      const expected: number[] = [];
      for (let o = 0; o < outer; o++) {
        for (const i of at) for (let k = 0; k < size; k++) expected.push(stored(values[(o * length + i) * size + k]!));
      }
      expect(received).toEqual({ shape: [outer, 5, 2, size], values: expected });
    });
  });

  test('blocks of [4, 3, 5] by two indices', () => {
    const at = [3, 2, 0, 1, 3, 2, 1, 0];
    const received = resultOf((x, i) => tf.gatherND(x!, i!), [tensor(60, [4, 3, 5]), tf.tensor2d(at, [4, 2], 'int32')]);
    const values = numbers(60);
    const expected = [11, 1, 11, 3].flatMap((block) => values.slice(5 * block, 5 * block + 5).map(stored));
    expect(received).toEqual({ shape: [4, 5], values: expected });
  });
});

describe.each(['float32', 'int32'] as const)('adding %s to blocks', (dtype) => {
  test.each([1, 3, 4, 9])('of %i, several of them to one', (size) => {
    const [count, length] = [20, 7];
    const at = indices(count, length);
    const expected: number[] = new Array(length * size).fill(0);
    const values = numbers(count * size);
    at.forEach((place, i) => {
      for (let k = 0; k < size; k++) expected[place * size + k]! += values[i * size + k]!;
    });
    expectNoLeak(() => {
      const received = resultOf(
        (i, updates) => tf.scatterND(i!, updates!, [length, size]),
        [tf.tensor2d(at, [count, 1], 'int32'), tf.tensor(values, [count, size], dtype)],
      );
      expect(received).toEqual({ shape: [length, size], values: expected });
    });
  });

  test('by two indices', () => {
    const received = resultOf(
      (i, updates) => tf.scatterND(i!, updates!, [2, 3]),
      [tf.tensor2d([1, 2, 0, 1, 1, 2], [3, 2], 'int32'), tf.tensor([1, 2, 4], [3], dtype)],
    );
    expect(received).toEqual({ shape: [2, 3], values: [0, 2, 0, 0, 0, 5] });
  });
});

test('an index outside is an error that names it, and leaves nothing behind', () => {
  for (const outside of [3, -1, 2 ** 31 - 1]) {
    const inputs = [tf.tensor1d([1, 2, 3]), tf.tensor1d([0, outside, 2], 'int32')];
    const gather = () =>
      runOnce(
        traceLike((x, i) => tf.gather(x!, i as tf.Tensor1D), inputs),
        inputs,
      );
    expectNoLeak(() => expect(gather).toThrow(`the index value ${outside} is not in [0, 2]`));
    tf.dispose(inputs);
  }
});
