// Every kernel of tfjs is recorded, translated or left out with a reason.
import '@posteriors/backend/cpu';
import { kernelSpec, leftOut, setBackend, translatedKernels } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { jit, ruleNames } from '../src/index.ts';

type Tensor = tf.Tensor;

/** Kernel names are exported as constants of the same name. */
const kernels = Object.entries(tf).flatMap(([name, value]) => (name === value && name !== '__op' ? [value] : []));

test('there are as many as in tfjs 4.22', () => {
  expect(kernels.length).toBe(180);
});

test('no kernel of tfjs is forgotten', () => {
  const translated = new Set(translatedKernels());
  const rules = new Set(ruleNames());
  const recorded = (kernel: string): boolean => kernelSpec(kernel) !== undefined && rules.has(kernel);
  expect(kernels.filter((kernel) => !translated.has(kernel) && !recorded(kernel) && !(kernel in leftOut))).toEqual([]);
});

test('what is left out is neither recorded nor translated', () => {
  const covered = [...translatedKernels(), ...ruleNames()];
  expect(Object.keys(leftOut).filter((kernel) => covered.includes(kernel) || !kernels.includes(kernel))).toEqual([]);
});

describe('tracing what is left out', () => {
  beforeAll(() => setBackend('cpu'));

  test.each<[string, (x: Tensor) => Tensor, RegExp]>([
    ['strings', (x) => tf.add(x, tf.string.stringSplit(['a b'], ' ')['values'] as Tensor), /StringSplit.*strings/],
    ['unique', (x) => tf.unique(x).values, /Unique cannot be traced.*depends on values/],
    [
      'non-maximum suppression',
      (x) => tf.image.nonMaxSuppression(tf.reshape(x, [1, 4]) as tf.Tensor2D, [0.5], 1),
      /NonMaxSuppressionV3 cannot be traced.*gather/,
    ],
    [
      'multinomial',
      (x) => tf.multinomial(x as tf.Tensor1D, 2, 7),
      /Multinomial cannot be traced.*categorical of @posteriors\/random/,
    ],
    [
      'multinomial without a seed',
      (x) => tf.multinomial(x as tf.Tensor1D, 2),
      /hidden random numbers.*@posteriors\/random/,
    ],
    ['booleanMask', (x) => tf.booleanMaskAsync(x, tf.greater(x, 0)) as unknown as Tensor, /the function is async/],
    [
      'segments by traced numbers',
      (x) =>
        tf.sparse.sparseSegmentSum(x as tf.Tensor1D, [0, 1], tf.cast(tf.slice(x, [0], [2]), 'int32') as tf.Tensor1D),
      /sparseSegmentSum: the number of segments depends on the values.*unsortedSegmentSum/,
    ],
  ])('%s', (_, f, message) => {
    const x = tf.tensor1d([1, 2, 3, 4]);
    const before = tf.memory().numTensors;
    expect(() => jit(f)(x)).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});
