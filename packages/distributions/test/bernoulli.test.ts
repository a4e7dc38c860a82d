import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { fill, mul, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { bernoulliLogProb } from '../src/index.ts';
import { golden } from './golden.ts';

beforeEach(() => setBackend('cpu'));

const total = (logits: Tensor, labels: Tensor): Tensor => sum(bernoulliLogProb(logits, labels));

describe.each(['cpu', 'wasm'] as const)('equals PyTorch on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(golden.bernoullis)('label $label', (each) => {
    const [logits, direction] = [tensor1d(each.logits), tensor1d(each.direction)];
    const labels = fill(logits.shape, each.label);
    expect(bernoulliLogProb(logits, labels)).toBeAllClose(each.values, { rtol: 1e-6, atol: 2e-7 });
    const gradient = grad(total);
    expect(gradient(logits, labels)).toBeAllClose(each.gradient);
    const product = grad((x: Tensor) => sum(mul(gradient(x, labels), direction)));
    expect(product(logits)).toBeAllClose(each.hessianProduct);
  });
});

test('labels may be int32 or bool', () => {
  const logits = tensor1d([2, -3]);
  const expected = bernoulliLogProb(logits, tensor1d([1, 0]));
  expect(bernoulliLogProb(logits, tensor1d([1, 0], 'int32'))).toBeAllClose(expected);
  expect(bernoulliLogProb(logits, tensor1d([true, false], 'bool'))).toBeAllClose(expected);
});

test('the gradient in a soft label is the logit', () => {
  const logits = tensor1d([2, -3, 0]);
  const gradient = grad((labels: Tensor) => total(logits, labels))(tensor1d([0.5, 1, 0]));
  expect(gradient).toBeAllClose([2, -3, 0]);
});

test('is the same compiled and mapped', () => {
  const { logits, values } = golden.bernoullis[1]!;
  const labels = fill([logits.length], 1);
  expect(jit(bernoulliLogProb)(tensor1d(logits), labels)).toBeAllClose(values);
  expect(vmap(bernoulliLogProb)(tensor1d(logits), labels)).toBeAllClose(values);
});

test('errors show both shapes', () => {
  expect(() => bernoulliLogProb(tensor1d([1, 2]), tensor1d([1]))).toThrow(
    'distributions.bernoulliLogProb: the labels have shape [1] and the logits [2]; they must be the same',
  );
});

test('nothing leaks', () => {
  const [logits, labels] = [tensor1d([1, 2]), tensor1d([1, 0], 'int32')];
  expectNoLeak(() => {
    bernoulliLogProb(logits, labels).dispose();
    grad(total)(logits, labels).dispose();
  });
});

test('a label that is not between 0 and 1 gives NaN', () => {
  const logits = tensor1d([2, 2, 2, 2]);
  expect(bernoulliLogProb(logits, tensor1d([-1, 1, 0.5, 2]))).toBeAllClose([
    Number.NaN,
    -Math.log1p(Math.exp(-2)),
    -1 - Math.log1p(Math.exp(-2)),
    Number.NaN,
  ]);
});
