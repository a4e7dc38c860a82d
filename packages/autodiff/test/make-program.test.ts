// Programs and shapes of functions, without running them.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import { type Aval, printProgram, setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, expectTypeOf, test } from 'vitest';
import { evalShape, grad, linearize, makeProgram, scan, vmap } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x: Tensor = tf.ones([2, 3]);

test('the program of a function as it is recorded', () => {
  const program = makeProgram((v: Tensor, factor: Tensor | number, negate: boolean) => {
    const scaled = tf.mul(tf.sum(v, 1), factor);
    return negate ? tf.neg(scaled) : scaled;
  })(x, 2, true);
  expect(printProgram(program)).toMatchInlineSnapshot(`
    "program(v0: float32[2,3], v1: float32[]) {
      v2: float32[2] = Sum[axis=[1]](v0)
      v3: float32[2] = Multiply(v2, v1)
      v4: float32[2] = Neg(v3)
      return v4
    }"
  `);
});

test('of a derivative of a loop, in which every value has a name of its own', () => {
  const f = (v: Tensor): Tensor =>
    scan((carry: Tensor, row: Tensor) => [tf.mul(carry, row), []], tf.scalar(2) as Tensor, v)[0];
  const text = printProgram(makeProgram(grad(f))(tf.ones([4])));
  expect(text).toMatchInlineSnapshot(`
    "program(v0: float32[4]) {
      v1: float32[4] = Identity(v0)
      v2: float32[], v3: float32[4], v4: float32[4] = scan[length=4](2, v1)
        program(v5: float32[], v6: float32[]) {
          v7: float32[] = Multiply(v5, v6)
          return v7, v6, v5
        }
      v8: float32[], v9: float32[4] = scan[length=4 reverse](1, v3, v4)
        program(v10: float32[], v11: float32[], v12: float32[]) {
          v13: float32[] = Multiply(v10, v12)
          v14: float32[] = Multiply(v10, v11)
          return v14, v13
        }
      return v9
    }"
  `);
  // Two loops with one body.
  const twice = (v: Tensor): Tensor[] => {
    const { pushforward } = linearize(f, [v]);
    return [pushforward(v), pushforward(tf.neg(v))];
  };
  const both = printProgram(makeProgram(twice)(tf.ones([4])));
  for (const printed of [text, both]) {
    const defined = [...printed.matchAll(/(v\d+): /g)].map(([, name]) => name);
    expect(new Set(defined).size).toBe(defined.length);
  }
});

test('shapes and dtypes of what a function returns', () => {
  const f = (v: Tensor): { total: Tensor; parts: Tensor[]; none: null } => ({
    total: tf.sum(v),
    parts: [tf.argMax(v, 1), tf.greater(v, 0)],
    none: null,
  });
  const shapes = evalShape(f, x);
  expectTypeOf(shapes).toEqualTypeOf<{ total: Aval; parts: Aval[]; none: null }>();
  expect(shapes).toEqual({
    total: { shape: [], dtype: 'float32' },
    parts: [
      { shape: [2], dtype: 'int32' },
      { shape: [2, 3], dtype: 'bool' },
    ],
    none: null,
  });
  expect(evalShape(vmap(grad((v: Tensor) => tf.sum(tf.sin(v)))), x)).toEqual({ shape: [2, 3], dtype: 'float32' });
  expect(evalShape((key: Uint32Array | Tensor, n: number | Tensor) => [key, n], new Uint32Array(2), 3)).toEqual([
    { shape: [2], dtype: 'int32' },
    { shape: [], dtype: 'float32' },
  ]);
});

test('nothing runs and nothing is left', () => {
  expectNoLeak(() => {
    evalShape((v: Tensor) => tf.matMul(tf.add(v, 1) as tf.Tensor2D, tf.ones([3, 5])), x);
    makeProgram((v: Tensor) => tf.add(v, tf.tensor1d([1, 2, 3])))(x);
  });
});

test('errors name the function and the argument', () => {
  const disposed = tf.scalar(1);
  disposed.dispose();
  expect(() => evalShape((v: Tensor) => v, disposed as Tensor)).toThrow(
    'evalShape: the argument $[0] is a disposed tensor',
  );
  expect(() => makeProgram((v: Date) => v)(new Date())).toThrow('makeProgram: the argument $[0] is a Date');
  expect(() => evalShape(async (v: Tensor) => v, x)).toThrow('evalShape: the function is async');
});
