// Trajectories of the Python library posteriors, where it is right, and of the recursions written out in float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { readFileSync } from 'node:fs';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import { disposeTensors, type Transform, withAux } from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';
import { type Batch, flat, logitsOf, logProbs, numbers, trees } from './model.ts';

interface GoldenState {
  readonly params: readonly number[];
  readonly sd?: readonly number[];
  readonly cov?: readonly (readonly number[])[];
  readonly logLikelihood: number;
}
type Trajectories = { readonly [algorithm: string]: readonly GoldenState[] };
interface GoldenTree {
  readonly start: readonly number[];
  readonly batches: readonly { readonly x: number[][]; readonly y: number[] }[];
  readonly initCov: number[][];
  readonly transitionCov: number[][];
  readonly constant: Trajectories;
  readonly schedule: Trajectories;
}
const golden = JSON.parse(readFileSync(new URL('./golden/ekf.json', import.meta.url), 'utf8')) as {
  readonly settings: {
    readonly transitionSd: number;
    readonly transitionCov: number;
    readonly initSds: number;
    readonly initCov: number;
  };
} & { readonly [tree: string]: GoldenTree };

type Params = TensorTree;
interface State {
  readonly params: Params;
  readonly sdDiag?: Params;
  readonly cov?: tf.Tensor;
  readonly logLikelihood: tf.Tensor;
  dispose(): void;
}

const rates = { constant: 0.6, schedule: (step: number) => 2 / (step + 1) } as const;
const mean = (params: Params, batch: Batch): [tf.Tensor, []] =>
  withAux(tf.mean(logProbs(logitsOf(params, batch), batch)), []);
const each = (params: Params, batch: Batch): [tf.Tensor, []] => withAux(logProbs(logitsOf(params, batch), batch), []);
const forward = (params: Params, batch: Batch): [tf.Tensor, []] => withAux(logitsOf(params, batch), []);
const outer = (logits: tf.Tensor, batch: Batch): tf.Tensor => tf.mean(logProbs(logits, batch));

await setBackend('cpu');
// One function is compiled for all these shapes.
vi.spyOn(console, 'warn').mockImplementation(() => {});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeEach(() => setBackend(device));

  const { transitionSd, transitionCov, initSds, initCov } = golden.settings;
  const cases = Object.keys(trees).flatMap((tree) =>
    (['constant', 'schedule'] as const).map((rate) => [tree, rate] as const),
  );
  describe.each(cases)('%s, learning rate: %s', (tree, rate) => {
    const data = golden[tree] as GoldenTree;
    const learningRate = rates[rate];
    const diag = { learningRate, transitionSd, initSds };
    const dense = { learningRate, transitionCov, initCov };
    const matrices = (): { learningRate: typeof learningRate; transitionCov: tf.Tensor; initCov: tf.Tensor } => ({
      learningRate,
      transitionCov: tf.tensor2d(data.transitionCov),
      initCov: tf.tensor2d(data.initCov),
    });
    const builds: [name: string, trajectory: string, build: () => Transform<Params, State, Batch, []>][] = [
      ['diagFisher', 'diagFisher', () => diagFisher.build(mean, diag)],
      ['diagFisher, perSample', 'diagFisher', () => diagFisher.build(each, { ...diag, perSample: true })],
      ['diagGgn', 'diagGgn', () => diagGgn.build(forward, outer, diag)],
      ['denseFisher', 'denseFisher', () => denseFisher.build(mean, dense)],
      ['denseFisher, perSample', 'denseFisher', () => denseFisher.build(each, { ...dense, perSample: true })],
      ['denseFisher, matrices', 'denseFisher, matrices', () => denseFisher.build(mean, matrices())],
      ['denseGgn', 'denseGgn', () => denseGgn.build(forward, outer, dense)],
      ['denseGgn, matrices', 'denseGgn, matrices', () => denseGgn.build(forward, outer, matrices())],
    ] as never;
    test.each(builds)('%s', (_, trajectory, build) => {
      const transform = build();
      for (const inplace of [false, true]) {
        let state = transform.init(trees[tree]?.(data.start) as Params, { seed: 0 });
        for (const [step, { x, y }] of data.batches.entries()) {
          const batch = { x: tf.tensor2d(x), y: tf.tensor1d(y) };
          const [next] = transform.update(state, batch, { inplace });
          if (!inplace) state.dispose();
          state = next;
          const expected = data[rate][trajectory]?.[step] as GoldenState;
          const close = { rtol: 1e-5, atol: 2e-6 };
          expect(flat(state.params)).toBeAllClose(expected.params, close);
          expect(state.logLikelihood).toBeAllClose(expected.logLikelihood, close);
          if (expected.sd) expect(flat(state.sdDiag)).toBeAllClose(expected.sd, close);
          if (expected.cov) expect(state.cov?.arraySync()).toBeAllClose(expected.cov, close);
          disposeTensors(batch);
        }
        state.dispose();
      }
    });
  });
});

describe('one step on the logistic model that the library in Python was run on', () => {
  beforeEach(() => setBackend('cpu'));

  const batch = {
    x: tf.tensor2d([[1, 2, -1], [0.5, -0.3, 0.8], [-1.2, 0.4, 0.1], [2, 1, 0]]), // biome-ignore format: a matrix
    y: tf.tensor1d([1, 0, 0, 1]),
  };
  type Logistic = { readonly b: tf.Tensor; readonly w: tf.Tensor };
  const params: Logistic = { b: tf.tensor1d([0.1]), w: tf.tensor1d([0.2, -0.4, 0.6]) };
  const logLikelihood = ({ b, w }: Logistic, data: Batch): [tf.Tensor, []] => {
    const logits = tf.add(tf.reshape(tf.matMul(data.x, tf.reshape(w, [3, 1])), [-1]), b);
    return withAux(tf.mean(logProbs(logits, data)), []);
  };

  test('diagFisher', () => {
    const transform = diagFisher.build(logLikelihood, { learningRate: 0.3, transitionSd: 0.1 });
    const [state] = transform.update(transform.init(params, { seed: 0 }), batch);
    expect(flat(state.params)).toBeAllClose([0.1064817, 0.3250358, -0.2726277, 0.5043221], { rtol: 1e-6 });
    const variances = flat(state.sdDiag).map((sd) => sd ** 2);
    expect(variances).toBeAllClose([0.9095185, 0.8850566, 0.8464325, 0.9475868], { rtol: 1e-6 });
    expect(state.logLikelihood).toBeAllClose(-0.9457906484603882, { rtol: 1e-6 });
  });

  test('denseFisher, with the sign mended and the transition variance on every element, as a matrix', () => {
    const transitionCov = tf.fill([4, 4], 0.01);
    const transform = denseFisher.build(logLikelihood, { learningRate: 0.3, transitionCov });
    const [state] = transform.update(transform.init(params, { seed: 0 }), batch);
    expect(flat(state.params)).toBeAllClose([0.0891511, 0.3132952, -0.2880769, 0.5191599], { rtol: 1e-6, atol: 2e-7 });
    const covariance = [
      0.9173899, -0.0485539, -0.0625028, 0.0111091, -0.0485539, 0.894322, -0.0671068, 0.0258013,
      -0.0625028, -0.0671068, 0.8631689, 0.0796462, 0.0111091, 0.0258013, 0.0796462, 0.9562192,
    ]; // biome-ignore format: a matrix
    expect(numbers(state.cov)).toBeAllClose(covariance, { rtol: 1e-6, atol: 2e-7 });
    expect(state.logLikelihood).toBeAllClose(-0.9457906484603882, { rtol: 1e-6 });
  });
});
