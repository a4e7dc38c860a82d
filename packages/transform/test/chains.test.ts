import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jit } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { stack } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  chains,
  check,
  disposeTensors,
  run,
  sampleChain,
  scan,
  splitStates,
  stackStates,
  withAux,
} from '../src/index.ts';
import { build, type State } from './sgld.ts';

type Params = { readonly a: tf.Tensor; readonly b: tf.Tensor };

await setBackend('cpu');
let traces = 0;
const logPosterior = ({ a, b }: Params, centre: tf.Tensor) => {
  traces++;
  const value = tf.mul(-0.5, tf.add(tf.sum(tf.square(tf.sub(a, centre))), tf.square(b)));
  return withAux(value, { distance: tf.sub(a, centre) });
};
const make = () => build(logPosterior, { learningRate: (step) => 0.1 / (step + 1), temperature: 1 });

const starts: Params[] = [0, 1, 2].map((i) => ({ a: tf.tensor1d([i, -i]), b: tf.scalar(i) }));
const params = stack(starts);
const keys = split(toKey(5), 3);
const centre = tf.tensor1d([1, 2]);
const singles = (): State<Params>[] => starts.map((start, i) => make().init(start, { key: keys[i] as Uint32Array }));
const numbers = ({ params: { a, b }, logPosterior: value }: State<Params>): number[] =>
  [a, b, value].flatMap((tensor) => [...tensor.dataSync()]);

function expectChains(state: State<Params>, alone: readonly State<Params>[]): void {
  const apart = splitStates(state);
  expect(apart).toHaveLength(alone.length);
  for (const [i, single] of alone.entries()) {
    expect(tf.tensor1d(numbers(apart[i]!))).toBeAllClose(numbers(single), { rtol: 1e-5, atol: 1e-6 });
    expect([...(apart[i]!.key as tf.Tensor).dataSync()]).toEqual([...keyTensor(single.key).dataSync()]);
    expect(apart[i]!.step).toBe(single.step);
  }
}

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));
  const sampler = make();
  const many = chains(sampler);

  test('init gives each chain the numbers of the algorithm alone with its key', () => {
    for (const start of [{ seed: 5 }, { key: toKey(5) }, { key: keyTensor(toKey(5)) }]) {
      const state = many.init(params, start);
      expect((state.key as tf.Tensor).shape).toEqual([3, 2]);
      expectChains(state, singles());
    }
    const [one, other] = [many.init(params), many.init(params)];
    expect([...(one.key as tf.Tensor).dataSync()]).not.toEqual([...(other.key as tf.Tensor).dataSync()]);
  });

  test('update, pure and in place, loops and scan go on as the chains alone', async () => {
    const alone = singles().map((state) => {
      let single = state;
      for (let i = 0; i < 6; i++) single = sampler.update(single, centre)[0];
      return single;
    });
    let pure = many.init(params, { seed: 5 });
    for (let i = 0; i < 6; i++) pure = many.update(pure, centre)[0];
    expectChains(pure, alone);

    const state = many.init(params, { seed: 5 });
    for (let i = 0; i < 3; i++) expect(many.update(state, centre, { inplace: true, aux: false })).toEqual([state, []]);
    await run(many, state, [centre]);
    const draws = await sampleChain(many, state, [centre, centre], { thin: 2 });
    expect(numbers(state)).toEqual(numbers(pure));
    expect([...draws[0]!.a.dataSync()]).toEqual([...pure.params.a.dataSync()]);

    const [looped, { a }] = scan(many, many.init(params, { seed: 5 }), 6, { batch: centre, collect: (each) => each.params, thin: 3 }); // biome-ignore format: one call
    expect(numbers(looped)).toEqual(numbers(pure));
    expect(a.shape).toEqual([2, 3, 2]);
    const [traced] = many.update(many.init(params, { seed: 5 }), centre, { compile: false });
    expect(numbers(traced)).toEqual(numbers(many.update(many.init(params, { seed: 5 }), centre)[0]));
  });

  test('aux has an axis of chains in front', () => {
    const [, { distance }] = many.update(many.init(params, { seed: 5 }), centre);
    expect(distance).toBeAllClose([[-1, -2], [0, -3], [1, -4]]); // biome-ignore format: a matrix
  });

  test('hyper-parameters of a call are for all chains, or one for each, and never trace again', () => {
    const state = many.init(params, { seed: 5 });
    const rates = tf.tensor1d([0.1, 0.2, 0.3]);
    const each = many.update(state, centre, { hyper: { learningRate: rates, temperature: 0.5 } })[0];
    expectChains(each, singles().map((single, i) => sampler.update(single, centre, { hyper: { learningRate: (i + 1) / 10, temperature: 0.5 } })[0])); // biome-ignore format: one call
    traces = 0;
    many.update(state, centre, { hyper: { learningRate: tf.tensor1d([0.3, 0.2, 0.1]), temperature: 0.25 } });
    many.update(state, centre, { hyper: { learningRate: rates, temperature: () => 0.125 } });
    expect(traces).toBe(0);
    const shared = many.update(state, centre, { hyper: { learningRate: tf.scalar(0.2) } })[0];
    expectChains(shared, singles().map((single) => sampler.update(single, centre, { hyper: { learningRate: 0.2 } })[0])); // biome-ignore format: one call
  });

  test('a state that is not finite throws with its chains, changes nothing and leaves nothing', async () => {
    const state = many.init(params, { seed: 5 });
    const before = numbers(state);
    const temperature = tf.tensor1d([1, Number.NaN, Number.NaN]);
    const says =
      'chains.update: at step 0 element 0 of params.a in chain 1 is NaN, as in 2 of 3 chains: 1, 2. Either the log density';
    for (const inplace of [false, true]) {
      const failing = (): void =>
        expect(() => many.update(state, centre, { hyper: { temperature }, inplace })).toThrow(says);
      failing();
      expectNoLeak(failing);
    }
    expect([numbers(state), state.step]).toEqual([before, 0]);
    const [bad] = many.update(state, centre, { hyper: { temperature }, check: false });
    await expect(check(bad)).rejects.toThrow('element 0 of params.a in chain 1 is NaN, as in 2 of 3 chains: 1, 2');
    const nowhere = tf.fill([2], Number.NaN);
    expect(() => scan(many, state, 4, { batch: nowhere })).toThrow(
      'scan: after the updates of steps 0 to 3 logPosterior in chain 0 is NaN, as in 3 of 3 chains: 0, 1, 2.',
    );
  });

  test('init and updates leave nothing but what they return', () => {
    const all = (): void => {
      const state = many.init(params, { seed: 5 });
      const [next, aux] = many.update(state, centre);
      const [same, more] = many.update(next, centre, { inplace: true });
      expect(same).toBe(next);
      disposeTensors([state, next, aux, more]);
    };
    all();
    expectNoLeak(all);
  });

  test.each([2 ** 24 + 1, 2 ** 31 - 2, 2 ** 32 - 9])('from step %i on, which is no float32, as the chains alone', (step) => {
    const alone = singles().map((state) => {
      let single = Object.assign(state, { step });
      for (let i = 0; i < 4; i++) single = sampler.update(single, centre)[0] as typeof single;
      return single;
    });
    let state = Object.assign(many.init(params, { seed: 5 }), { step });
    const [looped] = scan(many, state, 4, { batch: centre });
    const compiled = jit((given: State<Params>) => scan(many, given, 4, { batch: centre })[0])(state);
    for (let i = 0; i < 4; i++) state = many.update(state, centre)[0];
    for (const given of [state, looped, compiled]) expectChains(given, alone);
  }); // biome-ignore format: one line

  test('chains of chains, which splitStates takes apart', () => {
    const all = chains(many);
    const grids = [params, stack([...starts].reverse())];
    const [next] = all.update(all.init(stack(grids), { seed: 5 }), centre);
    const alone = grids.map((grid, i) => many.update(many.init(grid, { key: split(toKey(5), 2)[i]! }), centre)[0]);
    expect(splitStates(next).map(numbers)).toEqual(alone.map(numbers));
    expect(() => many.update(next, centre)).toThrow('the key has shape [3,2] and must be a single one');
  });

  test('in a function that jit compiles', () => {
    const state = many.init(params, { seed: 5 });
    const twice = jit((given: State<Params>, batch: tf.Tensor) => many.update(many.update(given, batch)[0], batch)[0]);
    const next = twice(state, centre);
    expect(next.step).toBe(2);
    expect(numbers(next)).toEqual(numbers(scan(many, state, 2, { batch: centre })[0]));
    expect(() => jit((given: State<Params>) => many.update(given, centre, { inplace: true })[0])(state)).toThrow(
      'chains.update: inplace is not possible inside of a transform: leave it out',
    );
  });
});

describe('what it refuses, and keeps', () => {
  beforeAll(() => setBackend('cpu'));
  const sampler = make();
  const many = chains(sampler);

  test('the same transform gives the same chains', () => {
    expect(chains(sampler)).toBe(many);
    expect(chains(make())).not.toBe(many);
  });

  test.each<[string, Params, string]>([
    ['a scalar', { a: tf.ones([3, 2]), b: tf.scalar(1) }, '$.b has shape [] and $.a has shape [3,2]; tree.stack makes it'],
    ['other lengths', { a: tf.ones([3, 2]), b: tf.ones([2]) }, '$.b has shape [2] and $.a has shape [3,2]; tree.stack makes it'],
    ['no axis at all', { a: tf.scalar(1), b: tf.scalar(1) }, 'in front, of one length, and $.a has shape []; tree.stack makes it'],
    ['nothing', {} as Params, 'there is none; tree.stack makes it'],
    ['another dtype', { a: tf.ones([3, 2]), b: tf.ones([3], 'int32') }, 'the parameter $.b is int32[] and must be float32'],
  ])('parameters with %s', (_, wrong, says) => {
    expect(() => many.init(wrong, { seed: 1 })).toThrow(says);
    expect(() => many.init(wrong, { seed: 1 })).toThrow(/^chains.init: /);
  }); // biome-ignore format: a table

  test('a state of one chain, other options, and a frozen state in place', () => {
    const [single] = singles();
    expect(() => many.update(single!, centre)).toThrow(
      'chains.update: the state is that of a single chain; init of chains(transform) makes one of several, as does stackStates',
    );
    expect(() => many.update(Promise.resolve() as never, centre)).toThrow('chains.update: the state is a promise');
    const state = many.init(params, { seed: 5 });
    expect(() => many.update(state, centre, { inPlace: true } as never)).toThrow('there is no option inPlace');
    expect(() => many.update(state, centre, { hyper: { rate: 1 } as never })).toThrow('there is no option rate');
    expect(() => many.update(Object.freeze(state), centre, { inplace: true })).toThrow('the state cannot be written');
    expect(many.update(stackStates(singles()), centre)[0].step).toBe(1);
  });
});
