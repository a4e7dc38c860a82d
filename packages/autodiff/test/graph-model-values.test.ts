// Values that are computed on the host while a function is traced: equal to those of a device.
import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { currentBackend, record, removeDeadCode, setBackend, trace } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { knownValues } from '../src/model-graph-values.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

/** Each kernel with code that records it from int32 [2, 3], int32 [3] without zeros, and float32 [2, 3]. */
const cases: [kernel: string, f: (a: Tensor, b: Tensor, x: Tensor) => Tensor][] = [
  ['Add', (a, b) => tf.add(a, b)],
  ['Sub', (a, b) => tf.sub(b, a)],
  ['Multiply', (a, b) => tf.mul(a, b)],
  ['RealDiv', (_, b, x) => tf.div(x, tf.cast(b, 'float32'))],
  ['FloorDiv', (a, b) => tf.floorDiv(a, b)],
  ['Mod', (a, b) => tf.mod(a, b)],
  ['Maximum', (a, b) => tf.maximum(a, b)],
  ['Minimum', (a, b) => tf.minimum(a, b)],
  ['Pow', (_, b, x) => tf.pow(tf.abs(x), tf.cast(b, 'float32'))],
  ['Neg', (a) => tf.neg(a)],
  ['Abs', (a) => tf.abs(a)],
  ['Square', (_, __, x) => tf.square(x)],
  ['Sqrt', (_, __, x) => tf.sqrt(tf.abs(x))],
  ['Floor', (_, __, x) => tf.floor(x)],
  ['Ceil', (_, __, x) => tf.ceil(x)],
  ['Round', (_, __, x) => tf.round(x)],
  ['Equal', (a, b) => tf.equal(a, b)],
  ['NotEqual', (a, b) => tf.notEqual(a, b)],
  ['Less', (a, b) => tf.less(a, b)],
  ['LessEqual', (a, b) => tf.lessEqual(a, b)],
  ['Greater', (a, b) => tf.greater(a, b)],
  ['GreaterEqual', (a, b) => tf.greaterEqual(a, b)],
  ['LogicalAnd', (a, b) => tf.logicalAnd(tf.cast(a, 'bool'), tf.less(b, 0))],
  ['LogicalOr', (a, b) => tf.logicalOr(tf.cast(a, 'bool'), tf.less(b, 0))],
  ['LogicalNot', (a) => tf.logicalNot(tf.cast(a, 'bool'))],
  ['Select', (a, b) => tf.where(tf.greater(a, b), a, tf.broadcastTo(b, [2, 3]))],
  ['BroadcastTo', (_, b) => tf.broadcastTo(b, [2, 3])],
  ['Cast', (_, __, x) => tf.cast(x, 'int32')],
  ['Cast', (_, __, x) => tf.cast(x, 'bool')],
  ['Identity', (a) => record('Identity', [a])],
  ['StopGradient', (a) => record('StopGradient', [a])],
  ['Reshape', (a) => tf.reshape(a, [3, 2])],
  ['Slice', (a) => tf.slice(a, [1, 1], [1, 2])],
  ['Reverse', (a) => tf.reverse(a, 1)],
  ['Transpose', (a) => tf.transpose(tf.reshape(tf.concat([a, a]), [2, 3, 2]), [2, 0, 1])],
  [
    'GatherV2',
    (a) =>
      tf.gather(
        a,
        tf.tensor2d(
          [
            [2, 0],
            [1, 1],
          ],
          [2, 2],
          'int32',
        ),
        1,
      ),
  ],
  ['IndicesWithin', (a, b) => record('IndicesWithin', [tf.abs(b)], { kernel: 'GatherV2', length: a.size })],
  ['Concat', (a) => tf.concat([a, tf.ones([2, 1], 'int32'), a], 1)],
  ['Concat', (_, b) => tf.stack([b, tf.reverse(b), b], 1)],
  ['Sum', (a) => tf.sum(a, 0)],
  ['Sum', () => tf.sum(tf.zeros([0, 2], 'int32'), 0)],
  ['Prod', (a) => tf.prod(a, [0, 1])],
  ['Max', (a) => tf.max(a, 1)],
  ['Min', (a) => tf.min(a, 0, true)],
];

describe('on the host as on a device', () => {
  const a = tf.tensor2d([[3, -1, 4], [0, 5, -9]], [2, 3], 'int32'); // biome-ignore format: a matrix
  const b = tf.tensor1d([2, 3, -4], 'int32');
  const x = tf.tensor2d([[0.5, -1.5, 2.25], [2.5, 0, -0.75]]); // biome-ignore format: a matrix

  test.each(cases)('%s', (kernel, f) => {
    const program = removeDeadCode(trace(() => [f(a, b, x)], []));
    const recorded = program.equations.map((equation) =>
      equation.type === 'kernel' ? equation.kernel : equation.type,
    );
    expect(recorded).toContain(kernel);
    const [expected] = currentBackend().compile(program).run([]) as [Tensor];
    const values = expected.dataSync();
    expect(knownValues(program)).toBeInstanceOf(values.constructor);
    expect([...knownValues(program)!].map((value) => value + 0)).toEqual([...values].map((value) => value + 0));
  });

  test('a literal', () => {
    expect([...knownValues(trace(() => [tf.tensor1d([1, 2])], []))!]).toEqual([1, 2]);
  });
});

test('values that depend on an input are not known', () => {
  const aval = { shape: [2], dtype: 'float32' } as const;
  expect(knownValues(trace(([x]) => [tf.mul(x!, 2)], [aval]))).toBeUndefined();
  expect(knownValues(trace(([x]) => [x!], [aval]))).toBeUndefined();
  expect([...knownValues(removeDeadCode(trace(([x]) => [tf.add(tf.ones([1]), x!.rank)], [aval])))!]).toEqual([2]);
});

test('a kernel that is not for shapes is named', () => {
  expect(() => knownValues(trace(() => [tf.softmax(tf.ones([1, 2]))], []))).toThrow(
    /value of a traced tensor was read, but what a Softmax gives is not known/,
  );
});
