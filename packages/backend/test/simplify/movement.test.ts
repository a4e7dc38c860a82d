import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { record, setBackend } from '../../src/index.ts';
import { joinMovements } from '../../src/simplify/movement.ts';
import { float, runOnce, traceOf } from '../traced.ts';
import { printedAfter } from './printed.ts';

beforeAll(() => setBackend('cpu'));

test('reshapes of reshapes, and to the same shape', () => {
  const program = traceOf(
    (x) => [
      tf.reshape(tf.reshape(tf.reshape(x!, [6]), [3, 2]), [1, 6]),
      tf.reshape(tf.reshape(x!, [6]), [2, 3]),
      record('Reshape', [x!], { shape: [2, 3] }),
      record('BroadcastTo', [x!], { shape: [1, 2, 3] }),
      record('BroadcastTo', [record('BroadcastTo', [x!], { shape: [4, 2, 3] })], { shape: [5, 4, 2, 3] }),
    ],
    [float(2, 3)],
  );
  expect(printedAfter(joinMovements, program)).toMatchInlineSnapshot(`
    "program(v0: float32[2,3]) {
      v1: float32[1,6] = Reshape[shape=[1,6]](v0)
      v2: float32[1,2,3] = Reshape[shape=[1,2,3]](v0)
      v3: float32[5,4,2,3] = BroadcastTo[shape=[5,4,2,3]](v0)
      return v1, v0, v0, v2, v3
    }"
  `);
});

test('transposes of transposes, and of axes of length 1', () => {
  const program = traceOf(
    (x, y) => [
      tf.transpose(tf.transpose(x!, [1, 2, 0]), [1, 2, 0]),
      tf.transpose(tf.transpose(x!, [1, 2, 0]), [2, 0, 1]),
      tf.transpose(y!, [0, 2, 1]),
      tf.transpose(y!, [1, 0, 2]),
      tf.transpose(y!, [2, 1, 0]),
    ],
    [float(2, 3, 4), float(5, 1, 6)],
  );
  expect(printedAfter(joinMovements, program)).toMatchInlineSnapshot(`
    "program(v0: float32[2,3,4], v1: float32[5,1,6]) {
      v2: float32[4,2,3] = Transpose[perm=[2,0,1]](v0)
      v3: float32[5,6,1] = Reshape[shape=[5,6,1]](v1)
      v4: float32[1,5,6] = Reshape[shape=[1,5,6]](v1)
      v5: float32[6,1,5] = Transpose[perm=[2,1,0]](v1)
      return v2, v0, v3, v4, v5
    }"
  `);
});

test('products take their operands transposed, and give their result so', () => {
  const program = traceOf(
    (a, b) => [
      tf.matMul(tf.transpose(a!, [0, 2, 1]), b!, true, true),
      tf.matMul(b!, tf.transpose(a!, [0, 2, 1]), true),
      tf.transpose(tf.matMul(a!, b!), [0, 2, 1]),
      tf.matMul(tf.transpose(a!, [2, 1, 0]), tf.transpose(a!, [2, 0, 1])),
    ],
    [float(3, 3, 3), float(3, 3, 3)],
  );
  expect(printedAfter(joinMovements, program)).toMatchInlineSnapshot(`
    "program(v0: float32[3,3,3], v1: float32[3,3,3]) {
      v2: float32[3,3,3] = BatchMatMul[transposeA=false transposeB=true](v0, v1)
      v3: float32[3,3,3] = BatchMatMul[transposeA=true transposeB=true](v1, v0)
      v4: float32[3,3,3] = BatchMatMul[transposeA=true transposeB=true](v1, v0)
      v5: float32[3,3,3] = Transpose[perm=[2,1,0]](v0)
      v6: float32[3,3,3] = Transpose[perm=[2,0,1]](v0)
      v7: float32[3,3,3] = BatchMatMul[transposeA=false transposeB=false](v5, v6)
      return v2, v3, v4, v7
    }"
  `);
});

test('a product that is needed as it is too is not computed twice', () => {
  const program = traceOf(
    (a, b) => {
      const product = tf.matMul(a!, b!);
      return [product, tf.transpose(record('Reshape', [product], { shape: [2, 4] }))];
    },
    [float(2, 3), float(3, 4)],
  );
  expect(joinMovements(program).equations.map((equation) => 'kernel' in equation && equation.kernel)).toEqual([
    'BatchMatMul',
    'Transpose',
  ]);
});

test('sums of sums, and over axes of length 1', () => {
  const program = traceOf(
    (x, y) => [tf.sum(tf.sum(x!, [0, 2]), 1), tf.sum(y!, 1), tf.sum(y!, [0, 1])],
    [float(2, 3, 4, 5), float(5, 1, 6)],
  );
  expect(printedAfter(joinMovements, program)).toMatchInlineSnapshot(`
    "program(v0: float32[2,3,4,5], v1: float32[5,1,6]) {
      v2: float32[3] = Sum[axis=[0,2,3]](v0)
      v3: float32[5,6] = Reshape[shape=[5,6]](v1)
      v4: float32[5,6] = Reshape[shape=[5,6]](v1)
      v5: float32[6] = Sum[axis=[0]](v4)
      return v2, v3, v5
    }"
  `);
});

test('values are the same', () => {
  const [a, b] = [tf.randomNormal([2, 3, 4], 0, 1, 'float32', 1), tf.randomNormal([2, 5, 4], 0, 1, 'float32', 2)];
  const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor[] => [
    tf.transpose(tf.matMul(x, tf.transpose(y, [0, 2, 1])), [0, 2, 1]),
    tf.matMul(tf.transpose(x, [0, 2, 1]), tf.slice(y, [0, 0, 0], [2, 3, 4])),
    tf.transpose(tf.reshape(tf.transpose(tf.transpose(x, [2, 0, 1]), [1, 0, 2]), [2, 1, 12]), [1, 0, 2]),
    tf.sum(tf.sum(tf.reshape(x, [2, 3, 1, 4]), [1, 2]), 0),
  ];
  const expected = f(a, b);
  const found = runOnce(
    traceOf((x, y) => f(x!, y!), [float(2, 3, 4), float(2, 5, 4)]),
    [a, b],
  );
  found.forEach((tensor, i) => {
    expect(tensor).toBeAllClose(expected[i] as tf.Tensor, { rtol: 1e-6 });
  });
});
