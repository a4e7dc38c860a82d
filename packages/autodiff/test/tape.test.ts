import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, vjp } from '../src/index.ts';

beforeAll(() => setBackend('cpu'));

const expSquare = (x: tf.Tensor): tf.Tensor => tf.exp(tf.mul(x, x));
const sumOf = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.sum(f(x)) as tf.Scalar;

describe("under tfjs's own tape", () => {
  const x = tf.tensor([0.3, -0.2]);
  const first = tf.mul(tf.mul(2, x), expSquare(x));
  const second = tf.mul(tf.add(2, tf.mul(4, tf.square(x))), expSquare(x));

  test('tf.grad sees through a compiled function, beside ordinary ops', () => {
    const f = jit((v: tf.Tensor, s: tf.Tensor) => ({ a: expSquare(v), b: tf.mul(v, s), index: tf.argMax(v) }));
    const loss = (v: tf.Tensor): tf.Scalar => {
      const { a, b } = f(v, 3 as unknown as tf.Tensor);
      return tf.add(tf.sum(a), tf.sum(tf.add(b, v)));
    };
    expect(tf.grad(loss)(x)).toBeAllClose(tf.add(first, 4));
  });

  test('tf.grad of tf.grad sees through a compiled function', () => {
    const f = jit(expSquare);
    expect(tf.grad((v: tf.Tensor) => tf.sum(tf.grad(sumOf(f))(v)) as tf.Scalar)(x)).toBeAllClose(second);
  });

  test('tf.grad sees through grad, and through a tensor that the function closes over', () => {
    const inner = grad((v: tf.Tensor) => tf.sum(expSquare(v)));
    expect(tf.grad(sumOf(inner))(x)).toBeAllClose(second);
    const closure = (w: tf.Tensor): tf.Scalar => tf.sum(jit((v: tf.Tensor) => tf.mul(v, w))(x));
    expect(tf.grad(closure)(tf.ones([2]))).toBeAllClose(x);
  });

  test('tf.grad sees through a pullback', () => {
    const pulled = (v: tf.Tensor): tf.Tensor => {
      const { pullback } = vjp(expSquare, [v]);
      return pullback(tf.ones([2]))[0];
    };
    expect(tf.grad(sumOf(pulled))(x)).toBeAllClose(second);
  });

  test('nothing stays behind', () => {
    const f = jit(expSquare);
    const run = (): void => tf.tidy(() => void tf.grad(sumOf(f))(x));
    run();
    const before = tf.memory();
    run();
    expect(tf.memory()).toEqual(before);
  });
});
