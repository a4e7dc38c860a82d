import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { jit } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, expect, test } from 'vitest';
import { readsAtOnce, requireSymmetric, symmetricLike, symmetricPart } from '../src/index.ts';

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

test('a number stands for its multiple of the identity', () => {
  const matrix = jit((x: tf.Tensor) => tf.add(x, symmetricLike(3, 2)))(tf.zeros([2, 2]));
  expect(matrix).toBeAllClose([[3, 0], [0, 3]]); // biome-ignore format: a matrix
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
  expect(check(tf.fill([2, 2], Number.NaN))).toThrow('a is not symmetric: element [1,0] is NaN');
  expect(check(askew)).toThrow(
    /^a is not symmetric: element \[1,0\] is 2\.0999.* and element \[0,1\] is 2; give \(a \+ aᵀ\) \/ 2$/,
  );
  expect(check(tf.tensor2d([[1, 2], [2 + 1e-6, 1]]))).not.toThrow(); // biome-ignore format: a matrix
});
