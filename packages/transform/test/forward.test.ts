import '@posteriors/backend/cpu';
import { evaluate } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, expect, test } from 'vitest';
import { checkedForward, checkedOuter, type ForwardFn } from '../src/index.ts';

beforeEach(() => setBackend('cpu'));

type Forward = ForwardFn<tf.Tensor, tf.Tensor, unknown>;

const call = (forward: unknown) => () =>
  evaluate('test', () => {
    const params = tf.mul(tf.ones([2]), 1);
    return checkedForward('mine', forward as Forward)(params, tf.ones([2]), undefined as never) as [tf.Tensor, []];
  });

test('the outputs of a model may have any shape', () => {
  for (const shape of [[], [2], [2, 1], [1, 2, 1]]) {
    const outputs = (p: tf.Tensor): unknown => [shape.length === 0 ? tf.sum(p) : tf.reshape(p, shape), []];
    expect(call(outputs)()[0].shape).toEqual(shape);
  }
});

test('a model must return a float32 tensor that depends on the parameters, and aux', () => {
  expect(call((p: tf.Tensor) => p)).toThrow('mine: the function must return [value, aux]');
  expect(call(() => [3, []])).toThrow('mine: the function must return a tensor and returned number');
  expect(call(() => [null, []])).toThrow('mine: the function must return a tensor and returned null');
  expect(call((p: tf.Tensor) => [tf.cast(p, 'int32'), []])).toThrow(
    'mine: the function must return float32 and returned int32',
  );
  expect(call((_: tf.Tensor, x: tf.Tensor) => [x, []])).toThrow(
    'mine: the forward function does not depend on the parameters, so there is nothing to infer',
  );
  expect(call(async (p: tf.Tensor) => [p, []])).toThrow('mine: the function is async');
});

test('the log density of outputs must be a scalar that depends on them', () => {
  const density = (outer: unknown) => () =>
    evaluate('test', () => checkedOuter('mine', outer as never)(tf.mul(tf.ones([2]), 1), tf.ones([2]) as never));
  expect(density((z: tf.Tensor, x: tf.Tensor) => tf.sum(tf.mul(z, x)))().dataSync()[0]).toBe(2);
  expect(density((z: tf.Tensor) => z)).toThrow(
    'mine: the function must return a scalar (shape []) and returned shape [2]',
  );
  expect(density((_: tf.Tensor, x: tf.Tensor) => tf.sum(x))).toThrow(
    'mine: the log density does not depend on the outputs of the forward function; use its first argument in it',
  );
});
