import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { evaluate } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, key as toKey } from '@posteriors/random';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { checkedLogProb, type LogProbFn } from '../src/index.ts';

await setBackend('cpu');

const context = { key: keyTensor(toKey(0)), step: tf.scalar(0, 'int32') };

test('a log density that is right comes through as it is', () => {
  const logProb: LogProbFn<tf.Tensor, tf.Tensor, { x: tf.Tensor }> = (theta, x) => [tf.sum(tf.mul(theta, x)), { x }];
  const x = tf.tensor1d([2, 3]);
  const [value, aux] = evaluate('f', () => {
    const theta = tf.add(x, 1);
    return [...checkedLogProb('f', logProb)(theta, x, context)] as const;
  });
  expect(value).toBeAllClose(2 * 3 + 3 * 4);
  expect(aux).toBeAllClose({ x: [2, 3] });
});

test.each([
  ['no pair', () => tf.scalar(1), 'f: the function must return [value, aux]'],
  ['no dependence', () => [tf.scalar(1), []], 'f: the log density does not depend on the parameters'],
  [
    'a vector',
    (theta: tf.Tensor) => [theta, []],
    'f: the function must return a scalar (shape []) and returned shape [2]',
  ],
])('%s is refused', (_, logProb, says) => {
  const checked = checkedLogProb('f', logProb as unknown as LogProbFn<tf.Tensor, null, []>);
  const run = () => evaluate('f', () => [...checked(tf.add(tf.ones([2]), context.step), null, context)]);
  expect(run).toThrow(says);
});
