// Indices outside of their axis: the same error mapped and not, on each device whose memory the host reads.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, vmap } from '../src/index.ts';

type Tensor = tf.Tensor;
type Function = (x: Tensor, i: Tensor) => Tensor;

/** Each takes a matrix of 2 rows and 3 columns, and one index for each of 2 rows or columns. */
const functions: readonly [name: string, f: Function][] = [
  ['gather', (x, i) => tf.gather(x, i as tf.Tensor1D, 1)],
  ['gather along the first axis', (x, i) => tf.gather(tf.transpose(x), i as tf.Tensor1D)],
  ['gather in rows', (x, i) => tf.gather(x, tf.reshape(i, [2, 1]) as never, 1, 1)],
  ['gatherND of rows and columns', (x, i) => tf.gatherND(x, tf.stack([tf.onesLike(i), i], 1))],
  ['gatherND', (x, i) => tf.gatherND(tf.transpose(x), tf.expandDims(i, 1))],
  ['scatterND', (x, i) => tf.scatterND(tf.expandDims(i, 1), x, [3, 3])],
  ['scatterND of rows and columns', (x, i) => tf.scatterND(tf.stack([tf.zerosLike(i), i], 1), tf.sum(x, 1), [2, 3])],
  ['tensorScatterUpdate', (x, i) => tf.tensorScatterUpdate(tf.ones([3, 3]), tf.expandDims(i, 1), x)],
];

/** One example and its indices, then three of them. */
type Transformed = (x: Tensor, i: Tensor, xs: Tensor, is: Tensor) => Tensor;

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  let x: Tensor;
  let xs: Tensor;
  beforeAll(async () => {
    await setBackend(device);
    tf.engine().startScope();
    x = tf.tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    xs = tf.stack([x, tf.mul(x, 10), tf.mul(x, 100)]);
  });
  afterAll(() => tf.engine().endScope());

  describe.each(functions)('%s', (_, f) => {
    const slope = grad((each: Tensor, i: Tensor) => tf.sum(f(each, i)));
    const twice = (all: Tensor, is: Tensor): Tensor =>
      vmap((scale: Tensor) => vmap(f)(tf.mul(all, scale), is), { inAxes: 0 })(tf.ones([2]));
    const transformed: readonly [string, Transformed][] = [
      ['run once', (each, i) => jit(f)(each, i)],
      ['its gradient', (each, i) => slope(each, i)],
      ['mapped over indices', (each, _i, _xs, is) => vmap(f, { inAxes: [null, 0] })(each, is)],
      ['mapped over all', (_x, _i, all, is) => vmap(f)(all, is)],
      ['mapped twice', (_x, _i, all, is) => jit(twice)(all, is)],
      ['its gradient mapped over all', (_x, _i, all, is) => vmap(slope)(all, is)],
    ];

    test.each(transformed)('%s', (_what, g) => {
      for (const wrong of [3, -1, 1000, -1000]) {
        // A later example has an index that is right.
        const is = tf.tensor2d([0, wrong, 0, 2, 1, 2], [3, 2], 'int32');
        const i = tf.tensor1d([0, wrong], 'int32');
        const before = tf.memory().numTensors;
        expect(() => g(x, i, xs, is)).toThrow(/\bindex\b/);
        expect(tf.memory().numTensors).toBe(before);
      }
      g(x, tf.tensor1d([0, 2], 'int32'), xs, tf.tensor2d([0, 2, 2, 1, 1, 0], [3, 2], 'int32'));
    });

    test('mapped over all is the loop', () => {
      const is = tf.tensor2d([0, 2, 2, 1, 1, 0], [3, 2], 'int32');
      const looped = tf.stack([0, 1, 2].map((k) => jit(f)(tf.gather(xs, k), tf.gather(is, k))));
      expect(vmap(f)(xs, is)).toBeAllClose(looped);
    });
  });

  test('the error of gather has the index and the axis that the code has, mapped and differentiated too', () => {
    const f = (each: Tensor, i: Tensor): Tensor => tf.gather(each, i as tf.Tensor1D, 1);
    const slope = grad((each: Tensor, i: Tensor) => tf.sum(f(each, i)));
    const is = tf.tensor2d([0, 1, 0, 7, 1, 2], [3, 2], 'int32');
    const message = 'GatherV2: the index 7 is outside of its axis, which has the length 3; indices are from 0 to 2';
    expect(() => vmap(f)(xs, is)).toThrow(message);
    expect(() => vmap(vmap(f))(tf.stack([xs, xs]), tf.stack([is, is]))).toThrow(message);
    expect(() => vmap(slope)(xs, is)).toThrow(message);
    expect(() => slope(x, tf.tensor1d([0, 7], 'int32'))).toThrow(message);
    expect(() => jit((all: Tensor) => tf.gather(all, is as never, 1, 1))(xs)).toThrow(/the index 7 is outside/);
  });

  test('an index that is known is refused when the program is compiled', () => {
    const f = jit((each: Tensor) => tf.gatherND(each, tf.tensor2d([[0, 3]], [1, 2], 'int32')));
    expect(() => f(x)).toThrow(
      'GatherNd: the index 3 is outside of axis 1, which has the length 3; indices are from 0 to 2',
    );
  });
});
