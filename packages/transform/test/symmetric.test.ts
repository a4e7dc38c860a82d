import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { jit } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, expect, test } from 'vitest';
import {
  positive,
  readsAtOnce,
  requireSymmetric,
  requireSymmetricLike,
  symmetricLike,
  symmetricPart,
} from '../src/index.ts';

beforeEach(() => setBackend('cpu'));

test('values can be read on cpu and wasm, but not while a function is traced', async () => {
  for (const device of ['cpu', 'wasm'] as const) {
    await setBackend(device);
    expect(readsAtOnce()).toBe(true);
  }
  let inside = true;
  jit((x: tf.Tensor) => {
    inside = readsAtOnce();
    return tf.add(x, 1);
  })(tf.scalar(1));
  expect(inside).toBe(false);
});

test('the symmetric part is symmetric to the bit', () => {
  const a = tf.tensor2d([[1, 0.1], [0.3, 2]]); // biome-ignore format: a matrix
  const part = symmetricPart(a).arraySync() as number[][];
  expect(part).toBeAllClose([[1, 0.2], [0.2, 2]], { rtol: 1e-6 }); // biome-ignore format: a matrix
  expect(part[0]![1]).toBe(part[1]![0]);
});

test('a number or a scalar stands for its multiple of the identity', () => {
  for (const given of [3, tf.scalar(3)]) {
    const matrix = jit((x: tf.Tensor) => tf.add(x, symmetricLike(given, 2)))(tf.zeros([2, 2]));
    expect(matrix).toBeAllClose([[3, 0], [0, 3]]); // biome-ignore format: a matrix
  }
});

test('what is no symmetric matrix is refused', () => {
  const [gone, askew] = [tf.eye(2), tf.tensor2d([[1, 2], [2.1, 1]])]; // biome-ignore format: a matrix
  gone.dispose();
  const check = (given: tf.Tensor) => () => requireSymmetric('a', given, 2);
  expect(check(gone)).toThrow('a is a disposed tensor float32[2,2]');
  expect(check(tf.eye(3))).toThrow(
    'a is float32[3,3] and must be float32 [2,2], with a row for each of the 2 elements',
  );
  expect(check(tf.ones([2, 2], 'int32'))).toThrow('a is int32[2,2] and must be float32 [2,2]');
  expect(check(tf.fill([2, 2], Number.NaN))).toThrow('a has an element that is not finite');
  expect(check(askew)).toThrow(
    /^a is not symmetric: element \[1,0\] is 2\.0999.* and element \[0,1\] is 2; give \(a \+ aᵀ\) \/ 2$/,
  );
  expect(check(tf.tensor2d([[1, 2], [2 + 1e-6, 1]]))).not.toThrow(); // biome-ignore format: a matrix
});

test.each(['cpu', 'wasm'] as const)('a number, a scalar and a diagonal are held to the same, on %s', async (device) => {
  await setBackend(device);
  const check = (given: number | tf.Tensor) => () => requireSymmetricLike('a', given, 2, positive);
  for (const fine of [2, tf.scalar(2), tf.tensor2d([[1, -2], [-2, 1]])]) expect(check(fine)).not.toThrow(); // biome-ignore format: a matrix
  expect(check(-1)).toThrow('a is -1 and must be a positive number');
  expect(check('x' as never)).toThrow('a is x and must be a positive number');
  expect(check(tf.scalar(-1))).toThrow('a is -1 at element 0 and must be a positive number');
  expect(check(tf.scalar(1, 'int32'))).toThrow('a is int32[] and must be float32');
  expect(check(tf.tensor2d([[1, 0], [0, 0]]))).toThrow('a is 0 at [1,1] and must be a positive number on the diagonal'); // biome-ignore format: a matrix
  expect(check(tf.tensor2d([[1, 0], [1, 1]]))).toThrow('a is not symmetric: element [1,0] is 1'); // biome-ignore format: a matrix
  expect(check(tf.eye(3))).toThrow('a is float32[3,3] and must be float32 [2,2]');
});
