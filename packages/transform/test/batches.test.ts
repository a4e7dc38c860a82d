import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { key } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { sameBatch, stackBatches } from '../src/batches.ts';

await setBackend('cpu');

test('what is the same in all batches stays as it is, what differs is stacked, and freed by dispose', () => {
  const [x, word] = [tf.ones([2]), key(7)];
  const batches = [1, 2, 3].map((i) => ({ x, y: tf.fill([2], i), n: i, m: 4, word, words: key(i), kind: 'a' }));
  expectNoLeak(() => {
    const { batch, sliced, dispose } = stackBatches(batches);
    expect(sliced).toEqual([false, false, true, false, true, false, true]);
    expect(batch.x).toBe(x);
    expect(batch.word).toBe(word);
    expect([batch.m, batch.kind]).toEqual([4, 'a']);
    expect(batch.y).toBeAllClose([[1, 1], [2, 2], [3, 3]]); // biome-ignore format: a matrix
    expect(batch.n).toBeAllClose([1, 2, 3]);
    const words = batch.words as unknown as tf.Tensor;
    expect([words.dtype, words.arraySync()]).toEqual(['int32', [[0, 1], [0, 2], [0, 3]]]); // biome-ignore format: a matrix
    dispose();
    expect([x.isDisposed, batch.y.isDisposed]).toEqual([false, true]);
  });
  expect(batches.every(({ y }) => !y.isDisposed)).toBe(true);
});

test('one batch for all is taken as it is', () => {
  const batch = { x: tf.ones([2]), kind: 'a' };
  const same = sameBatch(batch);
  expect([same.batch, same.sliced]).toEqual([batch, [false, false]]);
  same.dispose();
  expect(batch.x.isDisposed).toBe(false);
});
