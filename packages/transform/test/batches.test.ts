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

test('what no program takes is left for it to refuse, and is not written out', () => {
  const [one, two] = [new Date(1), new Date(2)];
  expect(stackBatches([{ at: one }, { at: two }])).toMatchObject({ batch: { at: one }, sliced: [false] });
  expect(() => stackBatches<unknown>([one, tf.scalar(1)])).toThrow(
    '$ of batch 0 is a Date and of batch 1 is float32[]',
  );
  expect(() => stackBatches<unknown>([1n, 2n])).toThrow(
    '$ of batch 0 is 1, which is part of the program and of batch 1',
  );
  expect(() => stackBatches<unknown>(['a', undefined])).toThrow(
    '$ of batch 0 is "a", which is part of the program and',
  );
  expect(stackBatches(Array(2)).batch).toBe(undefined);
});
