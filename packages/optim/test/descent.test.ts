// Optimisation as a transform.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { disposeTensors, withAux } from '@posteriors/transform';
import { conformance } from '@posteriors/transform/testing';
import { add, mul, scalar, square, sub, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adam, adamw, build, chain, clipByGlobalNorm, cosineDecaySchedule, init, sgd, update } from '../src/index.ts';
import { descend, loss as goldenLoss, startTrees } from './descent.ts';

beforeAll(() => setBackend('cpu'));

const checks = conformance({
  name: 'optim',
  build: (logPosterior) => build(logPosterior, adam({ learningRate: 0.01, maximize: true })),
  draws: 'never',
  devices: ['cpu', 'wasm'],
});
describe('adam, whose state in place equals the pure one (guards against posteriors 0.1.2, which loses it in place)', () => {
  for (const { name, run } of checks) test(name, run);
});

const sumOfSquares = (params: { readonly x: Tensor }): readonly [Tensor, []] => [sum(square(params.x)), []];

describe.each([
  ['sgd', sgd({ learningRate: 0.1 })],
  ['adamw', adamw({ learningRate: 0.1 })],
  ['a chain', chain(clipByGlobalNorm(10), adam({ learningRate: cosineDecaySchedule(0.2, 200) }))],
] as const)('%s', (_, optimizer) => {
  test.each([false, true])('finds the minimum of a sum of squares, in place: %s', (inplace) => {
    const transform = build(sumOfSquares, optimizer);
    let state = transform.init({ x: tensor1d([1, -2, 3]) });
    for (let i = 0; i < 200; i++) {
      const [next] = transform.update(state, [], { inplace });
      if (next !== state) state.dispose();
      state = next;
    }
    expect(state.loss.dataSync()[0]).toBeLessThan(1e-3);
    expect(state.params).toBeAllClose({ x: [0, 0, 0] }, { atol: 1e-3 });
    expect(state.step).toBe(200);
    state.dispose();
  });
});

test('follows the optimiser used by hand; the loss is of the parameters before the step', () => {
  const optimizer = adam({ learningRate: cosineDecaySchedule(0.1, 20) });
  const transform = build((params, _: []) => withAux(goldenLoss(params), []), optimizer);
  const start = startTrees.nested!();
  let state = transform.init(start);
  for (let i = 0; i < 20; i++) [state] = transform.update(state, []);
  expect(state.params).toBeAllClose(descend(optimizer, start, { steps: 20 }), { rtol: 1e-6, atol: 1e-6 });
  expect(state.loss).toBeAllClose(goldenLoss(descend(optimizer, start, { steps: 19 })), { rtol: 1e-5 });
});

test('the module-level functions take loss and optimiser at each call', () => {
  const [slow, fast] = [sgd({ learningRate: 0.01 }), sgd({ learningRate: 0.1 })];
  const target = (params: { readonly x: Tensor }, batch: Tensor): readonly [Tensor, Tensor] => {
    const error = sub(params.x, batch);
    return withAux(sum(square(error)), add(error, 0));
  };
  const state = init({ x: tensor1d([1]) }, slow);
  const [one, aux] = update(state, scalar(3), target, slow);
  expect(aux).toBeAllClose([-2]);
  expect(one.params).toBeAllClose({ x: [1.04] });
  const [two] = update(one, scalar(3), target, fast);
  expect(two.params).toBeAllClose({ x: [1.04 + 0.1 * 2 * (3 - 1.04)] });
  disposeTensors([state, one, two, aux]);
});

test('maximises a log posterior with an optimiser that does', () => {
  const logPosterior = (params: { readonly x: Tensor }): readonly [Tensor, []] => [
    mul(sum(square(sub(params.x, 2))), -0.5),
    [],
  ];
  const transform = build(logPosterior, sgd({ learningRate: 0.5, maximize: true }));
  let state = transform.init({ x: tensor1d([0]) });
  for (let i = 0; i < 30; i++) [state] = transform.update(state, []);
  expect(state.params).toBeAllClose({ x: [2] });
});

test('errors name the function', () => {
  expect(() => build(sumOfSquares, undefined as never)).toThrow(
    'optim.build: the second argument must be an optimiser of @posteriors/optim',
  );
  const transform = build(sumOfSquares, sgd({ learningRate: 1 }));
  expect(() => transform.init({} as never)).toThrow('optim.init: the parameters have no tensor');
  const wrong = build((() => scalar(1)) as never, sgd({ learningRate: 1 }));
  expect(() => wrong.update(wrong.init({ x: tensor1d([1]) }) as never, [] as never)).toThrow(/^optim.update: /);
});
