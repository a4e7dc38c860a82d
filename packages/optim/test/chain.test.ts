import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { leaves, map, stack, type TensorTree, unstack } from '@posteriors/tree';
import { dispose, div, mul, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { beforeEach, expect, test } from 'vitest';
import {
  adam,
  chain,
  clipByGlobalNorm,
  clipByValue,
  type GradientTransformation,
  type StepHyper,
  sgd,
} from '../src/index.ts';
import { descend, loss, startTrees } from './descent.ts';

beforeEach(() => setBackend('cpu'));

const changed = (transformation: GradientTransformation, gradients: TensorTree): TensorTree =>
  transformation.update(gradients, transformation.init(gradients), gradients, transformation.hyper(0))[0];

test('clipByValue clips each element', () => {
  const gradients = { a: tensor1d([-3, 0.5]), b: tensor1d([2]) };
  expect(changed(clipByValue(1), gradients)).toBeAllClose({ a: [-1, 0.5], b: [1] });
});

test('clipByGlobalNorm scales all leaves by one number, and leaves small gradients alone', () => {
  const gradients = { a: tensor1d([3, 0]), b: [tensor1d([-4])] };
  expect(changed(clipByGlobalNorm(1), gradients)).toBeAllClose({ a: [0.6, 0], b: [[-0.8]] });
  expect(changed(clipByGlobalNorm(5), gradients)).toBeAllClose({ a: [3, 0], b: [[-4]] }, { rtol: 0, atol: 0 });
  expect(changed(clipByGlobalNorm(1), { a: tensor1d([0, 0]) })).toBeAllClose({ a: [0, 0] });
});

test.each(['cpu', 'wasm'] as const)(
  'clipByGlobalNorm takes gradients whose squares are too large or too small, on %s',
  async (device) => {
    await setBackend(device);
    for (const scale of [1e20, 3e37, 1, 1e-25]) {
      const gradients = { a: tensor1d([3 * scale, 0]), b: tensor2d([[-4 * scale]]), frozen: tensor1d([]) };
      const clipped = changed(clipByGlobalNorm(scale), gradients);
      expect(map((g: Tensor) => div(g, scale), clipped)).toBeAllClose({ a: [0.6, 0], b: [[-0.8]], frozen: [] });
    }
    const broken = changed(clipByGlobalNorm(1), tensor1d([1, Number.NaN])) as Tensor;
    expect([...broken.dataSync()].some(Number.isNaN)).toBe(true);
  },
);

test('a chain runs one after the other, with a state for each', () => {
  const gradients = { a: tensor1d([3, 4]) };
  const optimizer = chain(clipByGlobalNorm(1), clipByValue(0.7), sgd({ learningRate: 2 }));
  expect(changed(optimizer, gradients)).toBeAllClose({ a: [-1.2, -1.4] });
  const state = chain(clipByValue(1), adam()).init(gradients) as unknown[];
  expect(state[0]).toEqual({});
  expect(Object.keys(state[1] as object)).toEqual(['firstMoment', 'secondMoment']);
});

test('a chain that clips nothing descends as its optimiser does', () => {
  const optimizer = adam({ learningRate: 0.05 });
  const chained = chain(clipByGlobalNorm(1e6), optimizer);
  const start = startTrees.nested!();
  expect(descend(chained, start, { steps: 20 })).toBeAllClose(descend(optimizer, start, { steps: 20 }), {
    rtol: 0,
    atol: 0,
  });
});

test('compiled and mapped, a chain gives the same', () => {
  const optimizer = chain(clipByGlobalNorm(0.5), adam({ learningRate: 0.1 }));
  const step = (params: TensorTree, state: TensorTree, hyper: StepHyper): TensorTree =>
    optimizer.update(grad(loss)(params), state, params, hyper)[0];
  const params = startTrees.nested!();
  const many = stack([params, map((leaf: Tensor) => mul(leaf, -2), params)]);
  const each = stack(unstack(many).map((one) => step(one, optimizer.init(one), optimizer.hyper(0))));
  const mapped = (trees: TensorTree, hyper: StepHyper): TensorTree =>
    vmap((one: TensorTree) => step(one, optimizer.init(one), hyper))(trees);
  expect(mapped(many, optimizer.hyper(0))).toBeAllClose(each);
  expect(jit(mapped)(many, optimizer.hyper(0))).toBeAllClose(each);
});

test('a chain leaks nothing', () => {
  const optimizer = chain(clipByGlobalNorm(0.5), clipByValue(0.1), adam());
  const params = startTrees.nested!();
  expectNoLeak(() => dispose(leaves(descend(optimizer, params, { steps: 3 }))));
});

test('errors', () => {
  expect(() => clipByValue(0)).toThrow('optim.clipByValue: limit is 0 and must be a positive number');
  expect(() => clipByGlobalNorm(-1)).toThrow('optim.clipByGlobalNorm: maxNorm is -1 and must be a positive number');
  expect(() => chain()).toThrow('optim.chain: there is nothing to chain');
  expect(() => chain(adam(), {} as never)).toThrow('optim.chain: argument 2 must be an optimiser of @posteriors/optim');
});
