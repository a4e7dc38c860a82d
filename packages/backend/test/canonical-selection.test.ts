// What kernels that order, search, replace and contract are recorded as.
import '../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { runOnce, traceLike } from './traced.ts';

type Tensor = tf.Tensor;

await setBackend('cpu');

const kernelsOf = (fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): string[] =>
  traceLike(fn, inputs).equations.map((equation) => (equation.type === 'kernel' ? equation.kernel : equation.type));

test.each([
  ['ij,jk->ik', [2, 3], [3, 4], ['BatchMatMul']],
  ['bij,bjk->bik', [5, 2, 3], [5, 3, 4], ['BatchMatMul']],
  ['ij,kj->ik', [2, 3], [4, 3], ['Transpose', 'BatchMatMul']],
  ['bij,jk->bik', [5, 2, 3], [3, 4], ['Reshape', 'BatchMatMul', 'Reshape']],
  ['ij,ij->ij', [2, 3], [2, 3], ['Multiply']],
  ['ij,k->', [2, 3], [4], ['Sum', 'Sum', 'Multiply']],
])('einsum %s has few parts', (equation, a, b, expected) => {
  expect(kernelsOf((x, y) => tf.einsum(equation, x!, y!), tf.ones(a), tf.ones(b))).toEqual(expected);
});

test('gather in rows reads them as one axis', () => {
  const gather = (x: Tensor, i: Tensor): Tensor => tf.gather(x, i as tf.Tensor1D, 1, 1);
  expect(kernelsOf(gather, tf.ones([2, 3]), tf.ones([2, 4], 'int32'))).toEqual([
    'IndicesWithin',
    'Reshape',
    'Add',
    'GatherV2',
  ]);
});

describe('kernels that no operation of tfjs runs', () => {
  const run = (kernel: string, inputs: tf.NamedTensorMap): Tensor => {
    const names = Object.keys(inputs);
    const fn = (...xs: Tensor[]): Tensor =>
      tf.engine().runKernel(kernel, Object.fromEntries(names.map((name, i) => [name, xs[i]!]))) as Tensor;
    const xs = Object.values(inputs);
    return runOnce(traceLike(fn, xs), xs)[0]!;
  };
  const sorted = { sortedSequence: tf.tensor2d([[0, 1, 1, 2]]), values: tf.tensor2d([[1, 3]]) };

  test('LowerBound and UpperBound', () => {
    expect(run('LowerBound', sorted)).toBeAllClose([[1, 4]]);
    expect(run('UpperBound', sorted)).toBeAllClose([[3, 4]]);
  });

  test('MatrixBandPart', () => {
    const [numLower, numUpper] = [tf.scalar(0, 'int32'), tf.scalar(-1, 'int32')];
    expect(run('MatrixBandPart', { input: tf.ones([2, 3]), numLower, numUpper })).toBeAllClose([
      [1, 1, 1],
      [0, 1, 1],
    ]);
  });

  test('LogSoftmax', () => {
    const logits = tf.tensor2d([[1, 2, 3]]);
    expect(run('LogSoftmax', { logits })).toBeAllClose(tf.logSoftmax(logits));
  });

  test('EluGrad', () => {
    const inputs = { dy: tf.tensor1d([2, 2, 2]), y: tf.tensor1d([-0.5, 0, 3]) };
    expect(run('EluGrad', inputs)).toBeAllClose([1, 2, 2]);
  });
});
