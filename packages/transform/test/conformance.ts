// What every inference algorithm must satisfy, as tests: call it with a builder, once in the tests of each algorithm.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { flatten, leaves, map, paths, stack, unflatten } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { disposeTensors, type LogProbFn, makeState, type StateBase, type Transform, withAux } from '../src/index.ts';

export type Params = {
  readonly layers: readonly { readonly weight: tf.Tensor; readonly bias: tf.Tensor }[];
  readonly scale: tf.Tensor;
};
export type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
export type Aux = { readonly prediction: tf.Tensor; readonly error: readonly [tf.Tensor] };

/** The log posterior of a linear model with noise of unit scale and a standard normal prior, up to a constant. */
export const logPosterior: LogProbFn<Params, Batch, Aux> = ({ layers, scale }, { x, y }) => {
  const [{ weight, bias }] = layers as [Params['layers'][0]];
  const prediction = tf.mul(tf.add(tf.matMul(x, weight), bias), scale);
  const error = tf.mean(tf.square(tf.sub(y, prediction)));
  const squares = [weight, bias, scale].map((leaf) => tf.sum(tf.square(leaf)));
  return withAux(tf.mul(-0.5, tf.add(error, squares.reduce(tf.add))), { prediction, error: [error] as const });
};

export const makeParams = (): Params => ({
  layers: [{ weight: tf.tensor2d([[0.5, -1], [0.25, 2], [1, 0]]), bias: tf.tensor1d([0.1, -0.2]) }], // biome-ignore format: a matrix
  scale: tf.scalar(1.5),
});

export const makeBatch = (rows: number): Batch => ({
  x: tf.tensor2d(
    Array.from({ length: 3 * rows }, (_, i) => Math.sin(i)),
    [rows, 3],
  ),
  y: tf.tensor2d(
    Array.from({ length: 2 * rows }, (_, i) => Math.cos(3 * i)),
    [rows, 2],
  ),
});

/** The values of a tree to the bit, by path. */
export const bits = (tree: unknown): Record<string, unknown> => {
  const values = leaves<unknown>(tree).map((leaf) => (leaf instanceof tf.Tensor ? Array.from(leaf.dataSync()) : leaf));
  return Object.fromEntries(paths(tree).map((path, i) => [path, values[i]]));
};

const memory = () => {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return { numTensors, numDataBuffers, numBytes };
};

type State = StateBase & { readonly params: Params; dispose(): void };
type Algorithm<S> = Transform<Params, S, Batch, Aux>;

export interface Traits {
  /** Whether the log posterior is called on batches of one, so that aux has one more axis in front. Default false. */
  readonly perSample?: boolean;
  /** Whether the parameters depend on the key of the state. Default true. */
  readonly random?: boolean;
}

export function conformance<S extends State>(
  name: string,
  build: (logProb: LogProbFn<Params, Batch, Aux>) => Algorithm<S>,
  { perSample = false, random = true }: Traits = {},
): void {
  const predictionShape = perSample ? [4, 1, 2] : [4, 2];
  describe.each(['cpu', 'wasm'] as const)(`${name} on %s`, (device) => {
    let params: Params;
    let batch: Batch;
    const transform = build(logPosterior);
    beforeEach(async () => {
      await setBackend(device);
      params = makeParams();
      batch = makeBatch(4);
      return () => disposeTensors([params, batch]);
    });

    /** The state after updates that are not in place, the earlier ones freed. */
    const updated = (state: S, count: number, options: { compile?: boolean } = {}): S => {
      let current = state;
      for (let i = 0; i < count; i++) {
        const [next, aux] = transform.update(current, batch, options);
        disposeTensors([aux, current]);
        current = next;
      }
      return current;
    };

    test('in place equals pure bit for bit, and gives the same object', () => {
      const pure = updated(transform.init(params, { seed: 1 }), 5);
      const state = transform.init(params, { seed: 1 });
      for (let i = 0; i < 5; i++) {
        const [same, aux] = transform.update(state, batch, { inplace: true });
        expect(same).toBe(state);
        disposeTensors(aux);
      }
      expect(state.step).toBe(5);
      expect(bits(state)).toEqual(bits(pure));
      expect(Object.getPrototypeOf(state)).toBe(Object.getPrototypeOf(pure));
      disposeTensors([state, pure]);
    });

    test('in place inside of tf.tidy: the state lives on, aux ends', () => {
      const outside = memory();
      const state = transform.init(params, { seed: 1 });
      const expected = updated(transform.init(params, { seed: 1 }), 3);
      const live = memory();
      for (let i = 0; i < 3; i++) {
        tf.tidy(() => {
          transform.update(state, batch, { inplace: true });
        });
      }
      expect(bits(state)).toEqual(bits(expected));
      expect(memory().numTensors).toBe(live.numTensors);
      disposeTensors([state, expected]);
      expect(memory()).toEqual(outside);
    });

    test('update is a function of state and batch: it changes neither and gives the same bits again', () => {
      const state = transform.init(params, { seed: 2 });
      const before = bits([state, batch]);
      const [first, firstAux] = transform.update(state, batch);
      const [second, secondAux] = transform.update(state, batch);
      expect(bits([second, secondAux])).toEqual(bits([first, firstAux]));
      expect(bits([state, batch])).toEqual(before);
      disposeTensors([state, first, second, firstAux, secondAux]);
    });

    test('a seed decides the numbers, as does its key; another seed gives others if any are drawn', () => {
      const [one, same, byKey, other] = [{ seed: 3 }, { seed: 3 }, { key: toKey(3) }, { seed: 4 }].map((options) =>
        updated(transform.init(params, options), 3),
      );
      expect(bits(same)).toEqual(bits(one));
      expect(bits(byKey)).toEqual(bits(one));
      if (random) expect(bits(other?.params)).not.toEqual(bits(one?.params));
      else expect(bits(other?.params)).toEqual(bits(one?.params));
      const [a, b] = [transform.init(params), transform.init(params)];
      expect(a.key).not.toEqual(b.key);
      disposeTensors([one, same, byKey, other, a, b]);
    });

    test('a run resumed from plain data equals one that was not interrupted', () => {
      const whole = updated(transform.init(params, { seed: 5 }), 6);
      const half = updated(transform.init(params, { seed: 5 }), 3);
      const { key, ...fields } = half;
      const flat = flatten<unknown>(fields);
      const shapes = flat.leaves.map((leaf) => (leaf instanceof tf.Tensor ? leaf.shape : null));
      const text = JSON.stringify({ key: [...(key as Uint32Array)], values: Object.values(bits(fields)) });
      half.dispose();

      const stored = JSON.parse(text) as { key: number[]; values: number[][] };
      const loaded = stored.values.map((values, i) => (shapes[i] ? tf.tensor(values, shapes[i]) : values));
      const state = makeState({ ...(unflatten(flat.structure, loaded) as S), key: Uint32Array.from(stored.key) });
      const resumed = updated(state as unknown as S, 3);
      expect(bits(resumed)).toEqual(bits(whole));
      disposeTensors([resumed, whole]);
    });

    test('aux is that of the log posterior at the old parameters; aux: false leaves it out and changes nothing else', () => {
      const state = transform.init(params, { seed: 6 });
      const [withIt, aux] = transform.update(state, batch);
      expect(paths(aux)).toEqual(['$.error[0]', '$.prediction']);
      expect(aux.prediction.shape).toEqual(predictionShape);
      const [without, none] = transform.update(state, batch, { aux: false });
      expect(none).toEqual([]);
      expect(bits(without)).toEqual(bits(withIt));
      disposeTensors([state, withIt, aux, without]);
    });

    test('compile: false gives the same numbers', () => {
      const start = { seed: 7 };
      const compiled = updated(transform.init(params, start), 3);
      const traced = updated(transform.init(params, start), 3, { compile: false });
      const { key: _, ...fields } = traced;
      const { key: __, ...expected } = compiled;
      expect({ ...fields }).toBeAllClose({ ...expected }, { rtol: 1e-5, atol: 1e-6 });
      disposeTensors([compiled, traced]);
    });

    test('vmap over states, with keys [chains, 2], equals the loop over chains', () => {
      const keys = split(toKey(8), 3);
      const single = keys.map((key) => updated(transform.init(params, { key }), 2));
      const stacked = keyTensor(keys);
      let chains = vmap((key: tf.Tensor) => transform.init(params, { key }))(stacked);
      for (let i = 0; i < 2; i++) {
        const [next, aux] = vmap((state: S, data: Batch) => transform.update(state, data), { inAxes: [0, null] })(
          chains,
          batch,
        );
        expect(aux.prediction.shape).toEqual([3, ...predictionShape]);
        disposeTensors([chains, aux]);
        chains = next;
      }
      expect(chains.step).toBe(2);
      expect((chains.key as tf.Tensor).shape).toEqual([3, 2]);
      const expected = stack(single.map(({ params }) => params));
      expect(chains.params).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-6 });
      disposeTensors([single, stacked, chains, expected]);
    });

    test('a state with a key on the device equals one with a key on the host, and outlives the state before it', () => {
      const host = updated(transform.init(params, { key: toKey(9) }), 3);
      const key = keyTensor(toKey(9));
      const before = memory();
      const onDevice = updated(transform.init(params, { key }), 3);
      expect(bits(onDevice.params)).toEqual(bits(host.params));
      onDevice.dispose();
      expect(memory()).toEqual(before);
      disposeTensors([host, key]);
    });

    test('inside of jit a state is refused, whose step arrives there as a tensor', () => {
      const state = transform.init(params, { seed: 1 });
      expect(() => jit((s: S) => transform.update(s, batch, { aux: false })[0])(state)).toThrow(
        /update: the step of the state is a tensor and must be a number/,
      );
      state.dispose();
    });

    describe('1,000 updates leave tensors, buffers and bytes as expected', () => {
      test('pure, in place and aux', () => {
        const outside = memory();
        const state = transform.init(params, { seed: 1 });
        disposeTensors(transform.update(state, batch, { inplace: true })[1]);
        const one = memory();
        let current = transform.init(params, { seed: 1 });
        for (let i = 0; i < 1_000; i++) {
          const previous = memory().numTensors;
          const [next, aux] = transform.update(current, batch, { aux: i % 2 === 0 });
          expect(memory().numTensors - previous).toBe(
            leaves<unknown>([next, aux]).filter((leaf) => leaf instanceof tf.Tensor).length,
          );
          disposeTensors([aux, current]);
          current = next;
        }
        current.dispose();
        expect(memory()).toEqual(one);
        for (let i = 0; i < 1_000; i++)
          disposeTensors(transform.update(state, batch, { inplace: true, aux: i % 2 === 0 })[1]);
        expect(memory()).toEqual(one);
        state.dispose();
        expect(memory()).toEqual(outside);
      });

      test('calls that throw, before, while and after the program runs', () => {
        const captured = tf.scalar(1);
        let failing = false;
        const other = build((p, data, context) => {
          if (failing) throw new Error('as it was told');
          const [value, aux] = logPosterior(p, data, context);
          return withAux(tf.mul(value, captured), aux);
        });
        const state = other.init(params, { seed: 1 });
        disposeTensors(other.update(state, batch, { inplace: true })[1]);
        const values = bits(state);
        const gone = makeBatch(4);
        disposeTensors(gone);
        captured.dispose();
        const larger = makeBatch(5);
        const before = memory();
        for (let i = 0; i < 250; i++) {
          for (const inplace of [false, true]) {
            expect(() => other.update(state, gone, { inplace })).toThrow('disposed');
            expect(() => other.update(state, batch, { inplace })).toThrow('disposed');
          }
        }
        failing = true;
        for (let i = 0; i < 20; i++) expect(() => other.update(state, larger)).toThrow('as it was told');
        for (let i = 0; i < 20; i++)
          expect(() => other.update(state, larger, { compile: false })).toThrow('as it was told');
        expect(memory()).toEqual(before);
        expect(bits(state)).toEqual(values);
        disposeTensors([state, larger]);
      });

      test('init that throws', () => {
        const wrong = { ...params, scale: tf.scalar(1, 'int32') };
        const before = memory();
        for (let i = 0; i < 100; i++) expect(() => transform.init(wrong, { seed: 1 })).toThrow('$.scale is int32[]');
        expect(memory()).toEqual(before);
        disposeTensors(wrong.scale);
      });
    });
  });

  test(`${name}: cpu and wasm agree`, async () => {
    const transform = build(logPosterior);
    const results = [];
    for (const device of ['cpu', 'wasm'] as const) {
      await setBackend(device);
      const state = transform.init(makeParams(), { seed: 11 });
      const batch = makeBatch(4);
      for (let i = 0; i < 10; i++) disposeTensors(transform.update(state, batch, { inplace: true })[1]);
      results.push(map((leaf: tf.Tensor) => leaf.arraySync(), state.params));
      state.dispose();
    }
    expect(results[1]).toBeAllClose(results[0], { rtol: 1e-5, atol: 1e-5 });
  });
}
