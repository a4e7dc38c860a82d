// The loops as users write them: one name for updates and for functions, and no cast.
import { add, neg, square, sum, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, test } from 'vitest';
import { chains, optim, run, sampleChain, scan, sgmcmc, splitStates, stackStates, vi, withAux } from '../src/index.ts';

const params = { weight: zeros([3]), bias: zeros([]) };
type Params = typeof params;
type Batch = { x: Tensor };
const logPosterior = ({ weight, bias }: Params, { x }: Batch) => withAux(neg(sum(square(add(weight, bias)))), { x });
const alone = (theta: Tensor) => withAux(neg(sum(square(theta))), []);

const sampler = sgmcmc.sghmc.build(logPosterior, { learningRate: 0.1 });
const batch = { x: zeros([2]) };
type State = sgmcmc.sghmc.State<Params>;

describe('scan of updates', () => {
  const state = sampler.init(params, { seed: 0 });

  test('infers the state, and nothing is collected without collect', () => {
    expectTypeOf(scan(sampler, state, 10, { batch })).toEqualTypeOf<[state: State, collected: []]>();
    expectTypeOf(scan(sampler, state, [batch, batch])).toEqualTypeOf<[state: State, collected: []]>();
    const fit = vi.diag.build(logPosterior, optim.adam());
    expectTypeOf(scan(fit, fit.init(params), [batch])[0]).toEqualTypeOf<vi.diag.State<Params>>();
  });

  test('infers what is collected', () => {
    const [next, draws] = scan(sampler, state, 10, { batch, thin: 2, collect: (each) => each.params });
    expectTypeOf(next).toEqualTypeOf<State>();
    expectTypeOf(draws).toEqualTypeOf<Params>();
    const [, kept] = scan(sampler, state, [batch], {
      collect: ({ logPosterior: value }, aux) => ({ value, x: aux.x }),
    });
    expectTypeOf(kept).toEqualTypeOf<{ value: Tensor; x: Tensor }>();
  });

  test('needs no batch where the log posterior takes none', () => {
    const small = sgmcmc.sgld.build(alone, { learningRate: 0.1 });
    const [, draws] = scan(small, small.init(zeros([2])), 10, { collect: (each) => each.params });
    expectTypeOf(draws).toEqualTypeOf<Tensor>();
  });

  test('wrong uses are errors', () => {
    // @ts-expect-error the batch is missing
    scan(sampler, state, 10);
    // @ts-expect-error the batch is another type
    scan(sampler, state, 10, { batch: zeros([2]) });
    // @ts-expect-error one batch is no array of batches
    scan(sampler, state, batch);
    // @ts-expect-error no such option
    scan(sampler, state, [batch], { every: 2 });
    // @ts-expect-error what is collected is a tree of tensors
    scan(sampler, state, [batch], { collect: (each: State) => each.step });
  });
});

test('scan of a function is a loop of tensors', () => {
  const [carry, ys] = scan((c, x) => [add(c, x.a), { b: c }], zeros([]), { a: zeros([3]) });
  expectTypeOf(carry).toEqualTypeOf<Tensor>();
  expectTypeOf(ys).toEqualTypeOf<{ b: Tensor }>();
});

test('chains have the types of one chain', () => {
  const many = chains(sampler);
  expectTypeOf(many).toEqualTypeOf<typeof sampler>();
  const state = many.init(params, { seed: 0 });
  expectTypeOf(state).toEqualTypeOf<State>();
  expectTypeOf(scan(many, state, 10, { batch, collect: (each) => each.params })[1]).toEqualTypeOf<Params>();
  expectTypeOf(stackStates([state])).toEqualTypeOf<State>();
  expectTypeOf(splitStates(state)).toEqualTypeOf<State[]>();
  expectTypeOf(run(many, state, [batch])).toEqualTypeOf<Promise<State>>();
  expectTypeOf(sampleChain(many, state, [batch])).toEqualTypeOf<Promise<Params[]>>();
});
