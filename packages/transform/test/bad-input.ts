// What every inference algorithm must refuse, with what it says, as tests: call it with a builder, once in the tests of each algorithm.
import { jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, key as toKey } from '@posteriors/random';
import { leaves, paths } from '@posteriors/tree';
import '@posteriors/backend/cpu';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { disposeTensors, type LogProbFn, makeState, type StateBase, type Transform, withAux } from '../src/index.ts';

export type Params = {
  readonly layers: readonly { readonly weight: tf.Tensor; readonly bias: tf.Tensor }[];
  readonly scale: tf.Tensor;
};
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
type Aux = { readonly prediction: tf.Tensor; readonly error: readonly [tf.Tensor] };

/** The log posterior of a linear model with noise of unit scale and a standard normal prior, up to a constant. */
const logPosterior: LogProbFn<Params, Batch, Aux> = ({ layers, scale }, { x, y }) => {
  const [{ weight, bias }] = layers as [Params['layers'][0]];
  const prediction = tf.mul(tf.add(tf.matMul(x, weight), bias), scale);
  const error = tf.mean(tf.square(tf.sub(y, prediction)));
  const squares = [weight, bias, scale].map((leaf) => tf.sum(tf.square(leaf)));
  return withAux(tf.mul(-0.5, tf.add(error, squares.reduce(tf.add))), { prediction, error: [error] as const });
};

const makeParams = (): Params => ({
  layers: [{ weight: tf.tensor2d([[0.5, -1], [0.25, 2], [1, 0]]), bias: tf.tensor1d([0.1, -0.2]) }], // biome-ignore format: a matrix
  scale: tf.scalar(1.5),
});

const makeBatch = (rows: number): Batch => ({
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
const bits = (tree: unknown): Record<string, unknown> => {
  const values = leaves<unknown>(tree).map((leaf) => (leaf instanceof tf.Tensor ? Array.from(leaf.dataSync()) : leaf));
  return Object.fromEntries(paths(tree).map((path, i) => [path, values[i]]));
};

type State = StateBase & { readonly params: Params; dispose(): void };
type LogProb = LogProbFn<Params, Batch, Aux>;

const value = (params: Params): tf.Tensor => tf.neg(tf.square(params.scale));
const bad = (logProb: (...args: Parameters<LogProb>) => unknown): LogProb => logProb as LogProb;

const logPosteriors: [what: string, logProb: LogProb, says: string | RegExp][] = [
  ['no aux', bad(value), 'the function must return [value, aux], where aux is a tree of tensors ([] when there is nothing to hand out), and returned float32[]'],
  ['three things', bad((p) => [value(p), [], []]), 'the function must return [value, aux], where aux is a tree of tensors ([] when there is nothing to hand out), and returned an array of 3'],
  ['aux null', bad((p) => [value(p), null]), 'aux is null; it must be a tree of tensors, [] when there is nothing to hand out'],
  ['aux undefined', bad((p) => [value(p), undefined]), 'aux is undefined; it must be a tree of tensors'],
  ['aux of numbers', bad((p) => [value(p), { loss: [3] }]), 'aux must be a tree of tensors, and $.loss[0] is number'],
  ['rank 1', bad((p, { x }) => [tf.mul(value(p), tf.sum(x, 1)), []]), /the function must return a scalar \(shape \[\]\) and returned shape (\[4\]|\[1\] for a batch of one example); sum it or take its mean/],
  ['a number', bad(() => [3, []]), 'the function must return a tensor and returned number'],
  ['int32', bad((p) => [tf.cast(value(p), 'int32'), []]), 'the function must return float32 and returned int32'],
  ['a constant', bad((_, { x }) => [tf.sum(x), []]), /the (log density|forward function) does not depend on the parameters, so there is nothing to infer/],
  ['a value read', bad((p) => [tf.mul(value(p), p.scale.dataSync()[0] as number), []]), 'dataSync: the value of a traced tensor float32[] was read, but it is not known while a function is traced'],
  ['a branch on a value', bad((p) => [(p.scale.arraySync() as number) > 0 ? value(p) : tf.neg(value(p)), []]), /the value of a traced tensor float32\[\] was read.*choose with tf\.where instead of branching/],
  ['an async function', bad(async (p) => [value(p), []]), 'the function is async, but it is traced synchronously'],
  ['tf.randomNormal', bad((p) => [tf.mul(value(p), tf.randomNormal([])), []]), /^[\w.]+: tf\.randomNormal \(.*\) draws hidden random numbers while a function is traced/],
  ['tf.dropout', bad((p, { x }) => [tf.mul(value(p), tf.sum(tf.dropout(x, 0.5))), []]), 'draws hidden random numbers while a function is traced'],
  ['Math.random', bad((p) => [tf.mul(value(p), Math.random()), []]), 'Math.random draws hidden random numbers while a function is traced'],
  ['a changing constant', (() => { let calls = 0; return bad((p) => [tf.mul(value(p), ++calls), []]); })(), 'traced twice, the function gave different programs'],
  ['a shape that does not fit', bad(({ layers }, { x }) => [tf.sum(tf.matMul(x, (layers[0] as Params['layers'][0]).weight, true)), []]), /MatMul: \[[14],3\]\^T and \[3,2\] cannot be multiplied/],
  ['its own error', bad(() => { throw new TypeError('no such column'); }), 'no such column'],
]; // biome-ignore format: a table

/** What the states of an algorithm have in them. */
export interface Shape {
  /** Whether there is the log density, which `update` looks at. Default true. */
  readonly watched?: boolean;
  /** Whether there is anything like the parameters besides them. Default true. */
  readonly companions?: boolean;
}

export function badInput<S extends State>(
  name: string,
  build: (logProb: LogProb) => Transform<Params, S, Batch, Aux>,
  { watched = true, companions = true }: Shape = {},
): void {
  describe(`${name}: bad input`, () => {
    let params: Params;
    let batch: Batch;
    let state: S;
    let before: Record<string, unknown>;
    const good = build(logPosterior);
    beforeEach(async () => {
      await setBackend('cpu');
      params = makeParams();
      batch = makeBatch(4);
      state = good.init(params, { seed: 1 });
      before = bits(state);
    });
    /** After each: the state is as it was and can be updated. */
    afterEach(() => {
      vi.restoreAllMocks();
      if (state.params.scale.isDisposed) return;
      expect(bits(state)).toEqual(before);
      const [next, aux] = good.update(state, batch);
      expect(next.step).toBe(state.step + 1);
      expect(Object.values(bits(next.params)).flat().every(Number.isFinite)).toBe(true);
      disposeTensors([params, batch, state, next, aux]);
    });
    const update = `${name}.update: `;
    const init = `${name}.init: `;

    describe.each([[true], [false]])('a log posterior, compile: %s', (compile) => {
      // Only a compiled step is traced twice.
      const cases = logPosteriors.filter(([what]) => compile || what !== 'a changing constant');
      test.each(cases)('%s', (_, logProb, says) => {
        const call = (inplace: boolean) => () => build(logProb).update(state, batch, { compile, inplace });
        for (const inplace of [false, true]) {
          expect(call(inplace)).toThrow(says);
          expect(call(inplace)).toThrow(update);
        }
      });
    });

    test('the error of a log posterior is the cause of the one that is thrown', () => {
      const own = new TypeError('no such column');
      const transform = build(() => {
        throw own;
      });
      let thrown: unknown;
      try {
        transform.update(state, batch);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toEqual(new Error(`${update}no such column`));
      expect((thrown as Error).cause).toBe(own);
    });

    test('parameters', () => {
      const disposed = tf.scalar(1);
      disposed.dispose();
      const initial = (wrong: unknown) => () => good.init(wrong as Params, { seed: 1 });
      const scales = { int: tf.scalar(1, 'int32'), bool: tf.scalar(true) };
      expect(initial({ ...params, scale: scales.int })).toThrow(
        `${init}the parameter $.scale is int32[] and must be float32; cast it`,
      );
      expect(initial({ ...params, scale: scales.bool })).toThrow(
        `${init}the parameter $.scale is bool[] and must be float32`,
      );
      expect(initial({ ...params, scale: 3 })).toThrow(
        `${init}the parameter $.scale is a number and must be a float32 tensor`,
      );
      expect(initial({ ...params, scale: disposed })).toThrow(
        `${init}the parameter $.scale is a disposed tensor float32[]`,
      );
      expect(initial({})).toThrow(`${init}the parameters have no tensor in them`);
      expect(initial(null)).toThrow(`${init}the parameters have no tensor in them`);
      disposeTensors(scales);
    });

    test('seeds and keys', () => {
      expect(() => good.init(params, { seed: -1 })).toThrow('the seed is -1');
      expect(() => good.init(params, { seed: 0.5 })).toThrow('the seed is 0.5');
      expect(() => good.init(params, { key: new Uint32Array(3) })).toThrow(`${init}random.`);
      const keys = keyTensor([toKey(0), toKey(1)]);
      const says =
        'the key has shape [2,2] and must be a single one, of shape [2]; for several chains take chains(transform)';
      expect(() => good.init(params, { key: keys })).toThrow(`${init}${says}`);
      for (const inplace of [false, true]) {
        expect(() => good.update({ ...state, key: keys }, batch, { inplace })).toThrow(`${update}${says}`);
      }
      keys.dispose();
    });

    test('a disposed batch', () => {
      const gone = makeBatch(4);
      gone.y.dispose();
      expect(() => good.update(state, gone)).toThrow(
        `${update}the argument $[0].batch.y is a disposed tensor float32[4,2]`,
      );
      expect(() => good.update(state, gone, { inplace: true })).toThrow('$[0].batch.y is a disposed tensor');
      expect(() => good.update(state, gone, { compile: false })).toThrow(
        /update: (a|vmap: the argument \$\[1\]\.y is a) disposed tensor float32\[4,2\]/,
      );
      gone.x.dispose();
    });

    test('what is not a tensor in the batch', () => {
      const odd = { ...batch, labels: new Map() };
      expect(() => good.update(state, odd)).toThrow(
        `${update}the argument $[0].batch.labels is a Map, which a compiled function cannot take`,
      );
    });

    test('a disposed state', () => {
      state.dispose();
      for (const inplace of [false, true]) {
        expect(() => good.update(state, batch, { inplace })).toThrow(
          /^[\w.]+\.update: the argument \$\[0\]\.state\.[\w.[\]]+ is a disposed tensor float32/,
        );
      }
      const again = good.init(params, { seed: 1 });
      expect(bits(again)).toEqual(before);
      disposeTensors([again, params, batch]);
    });

    if (companions)
      test('a state whose parameters have another structure than what goes with them', () => {
        const { layers, scale } = state.params;
        const other = makeState({ ...state, params: { layers, scale: [scale, scale] } }) as unknown as S;
        const transform = build(bad((p: unknown) => [tf.sum((p as { scale: tf.Tensor[] }).scale[0] as tf.Tensor), []]));
        expect(() => transform.update(other, batch)).toThrow(update);
        expect(() => transform.update(other, batch)).toThrow(
          /(differ in structure at \$\.scale: (\[2 items\] vs Tensor|Tensor vs \[2 items\])|has the structure|10 elements)/,
        );
      });

    test('a batch of another shape compiles anew, with the right numbers, and warns when that goes on', () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      const transform = build((...args) => logPosterior(...args));
      for (let rows = 1; rows <= 10; rows++) {
        const other = makeBatch(rows);
        const [next, aux] = transform.update(state, other);
        const [expected, expectedAux] = transform.update(state, other, { compile: false });
        expect(aux.prediction.size).toBe(2 * rows);
        expect(aux).toBeAllClose(expectedAux);
        expect(next.params).toBeAllClose(expected.params);
        expect(warn).toHaveBeenCalledTimes(rows < 9 ? 0 : 1);
        disposeTensors([other, next, aux, expected, expectedAux]);
      }
      expect(warn.mock.calls[0]?.[0]).toBe(
        `${name}.update was traced 9 times; each new structure, shape or dtype compiles anew. Last time $[0].batch.x was float32[8,3] and is float32[9,3], ` +
          '$[0].batch.y was float32[8,2] and is float32[9,2]. Pad batches to one shape.',
      );
    });

    test('a batch of a shape that the log posterior cannot take', () => {
      const wide = { x: tf.zeros([4, 7]), y: batch.y };
      expect(() => good.update(state, wide)).toThrow(update);
      expect(() => good.update(state, wide)).toThrow(/BatchMatMul: \[[14],7\] and \[3,2\] cannot be multiplied/);
      wide.x.dispose();
    });

    if (watched)
      test('a log posterior that is NaN throws, unless it is told not to', () => {
        const lost = build(bad((p) => [tf.mul(value(p), Number.NaN), { kept: p.scale }]));
        for (const inplace of [false, true]) {
          const tensors = tf.memory().numTensors;
          expect(() => lost.update(state, batch, { inplace })).toThrow(
            /^[\w.]+: \w+ is NaN at step 0\. Either the [\w ]+ is not defined .*, or \w[\w ]* diverged.* The state is as it was; \{ check: false \} goes on/,
          );
          expect(tf.memory().numTensors).toBe(tensors);
          expect(bits(state)).toEqual(before);
        }
        const [next, aux] = lost.update(state, batch, { check: false });
        expect(next.step).toBe(1);
        disposeTensors([next, aux]);
      });

    test('in place inside of a transform', () => {
      const run = vmap((s: S, data: Batch) => good.update(s, data, { inplace: true })[1], { inAxes: [null, 0] });
      const many = { x: tf.zeros([2, 4, 3]), y: tf.zeros([2, 4, 2]) };
      expect(() => run(state, many)).toThrow(`${update}inplace is not possible inside of a transform: leave it out`);
      expect(() => jit((data: Batch) => good.update(state, data, { inplace: true })[1])(batch)).toThrow(
        'inplace is not possible',
      );
      disposeTensors(many);
    });

    test('a frozen state in place', () => {
      const start = good.init(params, { seed: 1 });
      const frozen = makeState({ ...start, params: Object.freeze({ ...start.params }) as Params }) as unknown as S;
      const [_, aux] = good.update(state, batch);
      disposeTensors([_, aux]);
      const live = tf.memory().numTensors;
      expect(() => good.update(frozen, batch, { inplace: true })).toThrow(/update: .*a frozen tree cannot be changed/);
      expect(tf.memory().numTensors).toBe(live);
      expect(bits(frozen)).toEqual(before);
      Object.freeze(frozen);
      expect(() => good.update(frozen, batch, { inplace: true })).toThrow(
        /update: the state cannot be written .*a frozen tree cannot be changed/,
      );
      expect(tf.memory().numTensors).toBe(live);
      expect(bits(frozen)).toEqual(before);
      frozen.dispose();
    });
  });
}
