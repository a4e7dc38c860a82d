import '../src/cpu.ts';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { runOnce, traceLike } from './traced.ts';

test('where of an empty condition is empty, where tfjs itself takes one of length 1 beside it for 1', async () => {
  await setBackend('cpu');
  const empty = tf.zeros([0]);
  for (const [t, e] of [
    [tf.scalar(1), tf.scalar(2)],
    [empty, tf.scalar(2)],
    [tf.scalar(1), tf.ones([1])],
  ] as const) {
    const [chosen] = runOnce(
      traceLike((x) => tf.where(tf.greater(x, 0), t, e), [empty]),
      [empty],
    );
    expect(chosen!.shape).toEqual([0]);
  }
});
