import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { mul, scalar, sum, type Tensor, tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { categoricalLogProb } from '../src/index.ts';
import { asTensor, golden } from './golden.ts';

beforeEach(() => setBackend('cpu'));

const asLabels = (values: unknown): Tensor => tensor(values as number[], undefined, 'int32');
const total = (logits: Tensor, labels: Tensor): Tensor => sum(categoricalLogProb(logits, labels));

describe.each(['cpu', 'wasm'] as const)('equals PyTorch on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(golden.categoricals.map((each) => [each.name, each] as const))('%s', (_, each) => {
    const [logits, labels, direction] = [asTensor(each.logits), asLabels(each.labels), asTensor(each.direction)];
    expect(categoricalLogProb(logits, labels)).toBeAllClose(each.values, { rtol: 1e-6, atol: 3e-7 });
    const gradient = grad(total);
    expect(gradient(logits, labels)).toBeAllClose(each.gradient);
    const product = grad((x: Tensor) => sum(mul(gradient(x, labels), direction)));
    expect(product(logits)).toBeAllClose(each.hessianProduct);
  });
});

test('a class that cannot be has probability 0 and no gradient', () => {
  const logits = tensor2d([
    [0, -Infinity, 0],
    [0, -Infinity, 0],
  ]);
  const labels = asLabels([0, 1]);
  expect(categoricalLogProb(logits, labels)).toBeAllClose([-Math.log(2), -Infinity]);
  expect(grad((x: Tensor) => total(x, asLabels([0, 2])))(logits)).toBeAllClose([
    [0.5, 0, -0.5],
    [-0.5, 0, 0.5],
  ]);
});

test('a label outside of the classes has no probability', () => {
  expect(
    categoricalLogProb(
      tensor2d([
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
      asLabels([-1, 1, 2]),
    ),
  ).toBeAllClose([NaN, -Math.log(2), NaN]);
});

test('is the same compiled and mapped, over logits and labels', () => {
  const each = golden.categoricals.find(({ name }) => name === 'rows')!;
  const [logits, labels] = [asTensor(each.logits), asLabels(each.labels)];
  expect(jit(categoricalLogProb)(logits, labels)).toBeAllClose(each.values);
  expect(vmap(categoricalLogProb)(logits, labels)).toBeAllClose(each.values);
  expect(jit(vmap(grad(total)))(logits, labels)).toBeAllClose(each.gradient);
  const overLabels = vmap(categoricalLogProb, { inAxes: [null, 0] });
  expect(overLabels(tensor1d([0, Math.log(3)]), asLabels([0, 1, 1]))).toBeAllClose([0.25, 0.75, 0.75].map(Math.log));
});

test('errors show both shapes, or the type', () => {
  const logits = tensor2d([
    [0, 1],
    [2, 3],
  ]);
  expect(() => categoricalLogProb(logits, tensor1d([0, 1]))).toThrow('the labels are float32 and must be int32');
  expect(() => categoricalLogProb(logits, asLabels([0, 1, 1]))).toThrow(
    'distributions.categoricalLogProb: the labels have shape [3] and the logits [2,2]; labels of shape [2] fit these logits',
  );
  expect(() => categoricalLogProb(scalar(1), asLabels(1))).toThrow('the logits are a scalar');
});

test('nothing leaks', () => {
  const [logits, labels] = [
    asTensor([
      [1, 2],
      [3, 4],
    ]),
    asLabels([0, 1]),
  ];
  expectNoLeak(() => {
    categoricalLogProb(logits, labels).dispose();
    grad(total)(logits, labels).dispose();
  });
});
