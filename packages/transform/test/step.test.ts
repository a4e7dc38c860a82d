import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import { foldIn, keyTensor, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { map } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { disposeTensors, makeState, stepCache, stepper, withAux } from '../src/index.ts';
import { build } from './sgld.ts';

await setBackend('cpu');

describe('stepper', () => {
  type Tensors = { readonly params: tf.Tensor };
  const step = stepper<Tensors, null, { rate: tf.Tensor }, { key: tf.Tensor; step: tf.Tensor; rate: tf.Tensor }>(
    'test.update',
    ({ params }, _, { rate }, context) => [{ params: tf.add(params, rate) }, { ...context, rate }],
  );

  test.each([true, false])('gives the step its key, its number and its hyper-parameters, compile: %s', (compile) => {
    let state = makeState({ params: tf.scalar(0), key: toKey(5), step: 0 });
    for (const number of [0, 1, 2]) {
      const hyperAt = vi.fn(() => ({ rate: 10 ** number }));
      const [next, aux] = step(state, null, hyperAt, { compile });
      expect(hyperAt.mock.calls).toEqual([[number]]);
      const { key, ...rest } = map((leaf: tf.Tensor) => leaf.arraySync(), aux);
      expect(rest).toEqual({ step: number, rate: 10 ** number });
      expect(key).toEqual([...new Int32Array(foldIn(toKey(5), number))]);
      expect([aux.key.dtype, aux.step.dtype, aux.rate.dtype]).toEqual(['int32', 'int32', 'float32']);
      state = next;
    }
    expect(state.params).toBeAllClose(111);
    expect(state.key).toEqual(toKey(5));
  });

  describe.each([
    { compile: true, inplace: false },
    { compile: true, inplace: true },
    { compile: false, inplace: false },
    { compile: false, inplace: true },
  ])('%o', (options) => {
    type State = { readonly params: { readonly a: tf.Tensor; readonly b: tf.Tensor }; readonly value: tf.Tensor };
    const { a, b } = { a: tf.tensor1d([1, 2]), b: tf.scalar(3) };
    const start = () =>
      makeState({ params: { a: tf.clone(a), b: tf.clone(b) }, value: tf.scalar(4), key: toKey(0), step: 0 });
    const must = 'test.update: a step must keep the structure, shapes and dtypes of the state: ';

    const returns: [what: string, next: (state: State) => unknown, says: string][] = [
      ['fewer', ({ params, value }) => ({ params: { a: params.a }, value }), 'trees differ in structure at $.params: {a, b} vs {a}'],
      ['more', ({ params, value }) => ({ params, value, more: value }), 'trees differ in structure at $: {params, value} vs {more, params, value}'],
      ['other names', ({ params, value }) => ({ params: { a: params.a, c: params.b }, value }), 'trees differ in structure at $.params: {a, b} vs {a, c}'],
      ['a shape', ({ params, value }) => ({ params: { ...params, a: tf.tile(params.a, [2]) }, value }), '$.params.a was float32[2] and became float32[4]'],
      ['a rank', ({ params, value }) => ({ params, value: tf.reshape(value, [1]) }), '$.value was float32[] and became float32[1]'],
      ['leaves exchanged', ({ params, value }) => ({ params: { a: params.b, b: params.a }, value }), '$.params.a was float32[2] and became float32[]'],
      ['a dtype', ({ params, value }) => ({ params, value: tf.cast(value, 'int32') }), '$.value was float32[] and became int32[]'],
      ['a number', ({ params }) => ({ params, value: 3 }), '$.value was float32[] and became number'],
      ['a changed argument', (state) => Object.assign(state, { value: tf.ones([3]) }), '$.value was float32[] and became float32[3]'],
      ['nothing', () => undefined, 'trees differ in structure at $: {params, value} vs undefined'],
    ]; // biome-ignore format: a table

    test.each(returns)('refuses a step that returns another state, and changes nothing: %s', (_, next, says) => {
      const other = stepper<State, null, object, []>('test.update', (state) => [next(state) as State, []]);
      const state = start();
      const { params, value } = state;
      expectNoLeak(() => {
        expect(() => other(state, null, () => ({}), options)).toThrow(must);
        expect(() => other(state, null, () => ({}), options)).toThrow(says);
      });
      expect(state).toEqual({ params, value, key: toKey(0), step: 0 });
      expect(state.params).toBe(params);
      expect(state.params).toBeAllClose({ a: [1, 2], b: 3 });
      expect(state.value).toBeAllClose(4);
      state.dispose();
    });

    test('takes a state that it returns as it is, or with one tensor in two places', () => {
      const same = stepper<State, null, object, []>('test.update', (state) => [state, []]);
      const twice = stepper<State, null, object, []>('test.update', ({ params }) => [{ params, value: params.b }, []]);
      expectNoLeak(() => {
        let state = start();
        for (const [i, step] of [same, twice, same].entries()) {
          const [next] = step(state, null, () => ({}), options);
          if (!options.inplace) state.dispose();
          state = next;
          expect(state.step).toBe(i + 1);
        }
        expect(state.params).toBeAllClose({ a: [1, 2], b: 3 });
        expect(state.value).toBeAllClose(3);
        state.dispose();
      });
    });

    test('refuses a batch of keys', () => {
      const keys = keyTensor([toKey(0), toKey(1)]);
      const state = makeState({ params: tf.ones([2]), key: keys, step: 0 });
      expect(() => step(state, null, () => ({ rate: 1 }), options)).toThrow(
        'test.update: the key has shape [2,2] and must be a single one, of shape [2]; for several chains take chains(transform), whose init makes their keys of a single one, or map with vmap',
      );
      state.dispose();
    });
  });

  test('in place: a state that is frozen, or has one field that cannot be written, is refused before anything runs', () => {
    const fixed = (state: object) => Object.defineProperty(state, 'step', { writable: false });
    const seen = vi.fn(() => ({ rate: 1 }));
    for (const close of [Object.freeze, fixed]) {
      const state = makeState({ params: tf.scalar(7), key: toKey(5), step: 0 });
      const { params } = state;
      close(state);
      expectNoLeak(() => {
        expect(() => step(state, null, seen, { inplace: true })).toThrow(
          /^test\.update: the state cannot be written \(.*\); a frozen tree cannot be changed, leave inplace out$/,
        );
      });
      expect(seen).not.toHaveBeenCalled();
      expect(state.params).toBe(params);
      expect(params).toBeAllClose(7);
      const [next, aux] = step(state, null, () => ({ rate: 1 }));
      expect(next.params).toBeAllClose(8);
      disposeTensors([state, next, aux]);
    }
  });

  test('in place: a variable keeps its place and takes the new value, and a tensor below keeps its container', () => {
    const params = { variable: tf.variable(tf.scalar(1)), tensor: tf.scalar(2) };
    const { variable } = params;
    type Pair = { readonly params: { readonly variable: tf.Tensor; readonly tensor: tf.Tensor } };
    const add = stepper<Pair, null, object, []>('test.update', ({ params: { variable, tensor } }) => [
      { params: { variable: tf.add(variable, 10), tensor: tf.add(tensor, 10) } },
      [],
    ]);
    const state = makeState({ params, key: toKey(5), step: 0 });
    add(state, null, () => ({}), { inplace: true });
    const live = tf.memory().numTensors;
    add(state, null, () => ({}), { inplace: true });
    expect(tf.memory().numTensors).toBe(live);
    expect(state.params).toBe(params);
    expect(params.variable).toBe(variable);
    expect(params).toBeAllClose({ variable: 21, tensor: 22 });
    state.dispose();
  });
});

describe('stepCache', () => {
  test('makes one thing for the same objects and settings', () => {
    const cache = stepCache();
    const [a, b] = [{}, {}];
    const make = vi.fn(() => ({}));
    const made = cache([a, b], 'x', make);
    expect(cache([a, b], 'x', make)).toBe(made);
    expect(make).toHaveBeenCalledTimes(1);
    const others = [
      cache([b, a], 'x', make),
      cache([a, b], 'y', make),
      cache([a], 'x', make),
      stepCache()([a, b], 'x', make),
    ];
    expect(new Set([made, ...others]).size).toBe(5);
  });

  test('lets two transforms with one log posterior share a program', () => {
    let calls = 0;
    const logPosterior = (theta: tf.Tensor): [tf.Tensor, []] => {
      calls++;
      return withAux(tf.neg(tf.sum(tf.square(theta))), []);
    };
    const [one, two] = [0.1, 0.2].map((learningRate) => build(logPosterior, { learningRate, temperature: 0 }));
    const state = one?.init(tf.tensor1d([1, 2]), { seed: 0 });
    if (one === undefined || two === undefined || state === undefined) throw new Error('unreachable');
    expect(one.update(state, null)[0].params).toBeAllClose([0.8, 1.6]);
    expect(calls).toBe(2); // Traced twice, to see that it is pure.
    expect(two.update(state, null)[0].params).toBeAllClose([0.6, 1.2]);
    one.update(state, null, { hyper: { learningRate: 0.3, temperature: tf.scalar(1) } });
    expect(calls).toBe(2);
    one.update(state, null, { aux: false });
    expect(calls).toBe(4); // A program of its own, without aux.
  });
});
