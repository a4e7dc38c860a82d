// Precisions of the Python library posteriors, batch after batch.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { readFileSync } from 'node:fs';
import { setBackend } from '@posteriors/backend';
import type { LogProbFn, StateBase, Transform } from '@posteriors/transform';
import { leaves, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';
import * as logistic from './logistic.ts';
import { type Batch, logLikelihoods, makeBatch, models, type Values } from './models.ts';

const golden = JSON.parse(readFileSync(new URL('./golden/laplace.json', import.meta.url), 'utf8')) as {
  readonly batches: readonly { readonly x: number[][]; readonly y: number[] }[];
  readonly trees: {
    readonly [tree: string]: {
      readonly params: readonly Values[];
      readonly precisions: { readonly [algorithm: string]: readonly (readonly Values[])[] };
    };
  };
};

type State = StateBase & { readonly params: TensorTree; readonly prec?: tf.Tensor; readonly precDiag?: TensorTree };

/** The precision as it is in the golden files: a matrix, or the values of the leaves. */
const precisionOf = ({ prec, precDiag }: State): unknown =>
  prec?.arraySync() ?? leaves(precDiag as TensorTree).map((leaf) => leaf.arraySync());

await setBackend('cpu');

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeEach(() => setBackend(device));

  describe.each(Object.entries(models))('%s', (tree, { params: makeParams, logits }) => {
    const forward = (params: TensorTree, { x }: Batch): [tf.Tensor, []] => [logits(params as never, x), []];
    const outer = (z: tf.Tensor, batch: Batch): tf.Tensor => tf.sum(logLikelihoods(z, batch));
    const logPrior = (params: TensorTree): tf.Tensor =>
      tf.mul(-0.05, leaves(params).reduce((sum: tf.Tensor, leaf) => tf.add(sum, tf.sum(tf.square(leaf))), tf.scalar(0))); // biome-ignore format: a formula
    const each: LogProbFn<TensorTree, Batch, []> = (params, batch) => [
      tf.add(logLikelihoods(logits(params as never, batch.x), batch), logPrior(params)),
      [],
    ];
    const all: LogProbFn<TensorTree, Batch, []> = (params, batch) => [
      tf.add(outer(logits(params as never, batch.x), batch), logPrior(params)),
      [],
    ];
    const hyper = { rescale: 0.5, epsilon: 0.01 };
    test.each<[string, Transform<TensorTree, State, Batch, []>]>([
      ['diagFisher', diagFisher.build(all, { initPrecDiag: 0.25 })],
      ['diagFisher perSample', diagFisher.build(each, { initPrecDiag: 0.25, perSample: true })],
      ['denseFisher', denseFisher.build(all, { initPrec: 0.25 })],
      ['denseFisher perSample', denseFisher.build(each, { initPrec: 0.25, perSample: true })],
      ['diagGgn', diagGgn.build(forward, outer, { initPrecDiag: 0.25 })],
      ['denseGgn', denseGgn.build(forward, outer, { initPrec: 0.25 })],
      ['denseHessian', denseHessian.build(all, { initPrec: 0.25, ...hyper })],
    ])('%s', (name, transform) => {
      const { params, precisions } = golden.trees[tree]!;
      for (const inplace of [false, true]) {
        const start = makeParams(params);
        let state = transform.init(start, { seed: 0 });
        golden.batches.forEach((batch, i) => {
          [state] = transform.update(state, makeBatch(batch), { inplace });
          expect(precisionOf(state)).toBeAllClose(precisions[name]![i], { rtol: 2e-5, atol: 1e-5 });
        });
        expect(state.step).toBe(golden.batches.length);
        expect(leaves(state.params)).toBeAllClose(leaves(start).map((leaf) => leaf.arraySync()), { rtol: 0, atol: 0 }); // biome-ignore format: one line
      }
    });
  });
});

describe('one batch of a logistic regression, in float32', () => {
  beforeEach(() => setBackend('cpu'));
  const params = logistic.makeParams();
  const batch = logistic.makeBatch();
  const { logLikelihood, each, forward, outer } = logistic;

  test.each([
    ['a scalar', diagFisher.build(logLikelihood)],
    ['a vector', diagFisher.build(each, { perSample: true })],
  ])('diagFisher, of %s', (_, transform) => {
    const [state] = transform.update(transform.init(params), batch);
    expect(state.precDiag).toBeAllClose({ b: [1.4584519], w: [1.8636324, 2.5510678, 0.8695103] }, { rtol: 1e-6 });
  });

  test.each([
    ['a scalar', denseFisher.build(logLikelihood, { initPrec: 1 })],
    ['a vector', denseFisher.build(each, { initPrec: 1, perSample: true })],
  ])('denseFisher, of %s', (_, transform) => {
    const [state] = transform.update(transform.init(params), batch);
    expect(state.prec).toBeAllClose(
      [
        [2.4584519, 1.0195897, 1.2861465, -0.1626531],
        [1.0195897, 2.8636324, 1.4126112, -0.3957265],
        [1.2861465, 1.4126112, 3.5510678, -1.2322819],
        [-0.1626531, -0.3957265, -1.2322819, 1.8695103],
      ],
      { rtol: 1e-6 },
    );
  });

  const ggn = [
    [0.8970898, 0.4973556, 0.6585166, 0.0084013],
    [0.4973556, 1.5932167, 0.7231169, -0.1313781],
    [0.6585166, 0.7231169, 1.057537, -0.4162207],
    [0.0084013, -0.1313781, -0.4162207, 0.3267364],
  ];

  test('diagGgn and denseGgn', () => {
    const diagonal = diagGgn.build(forward, outer);
    const [{ precDiag }] = diagonal.update(diagonal.init(params), batch);
    expect(precDiag).toBeAllClose({ b: [0.8970898], w: [1.5932167, 1.057537, 0.3267365] }, { rtol: 1e-6 });
    const full = denseGgn.build(forward, outer);
    const [{ prec }] = full.update(full.init(params), batch);
    expect(prec).toBeAllClose(ggn, { rtol: 1e-6, atol: 1e-7 });
  });

  test('denseHessian: that of the likelihood is the Gauss-Newton matrix here; a prior, rescale and epsilon add to it', () => {
    const logPosterior: LogProbFn<logistic.Params, Batch, []> = (p, data, context) => {
      const squares = leaves(p).reduce<tf.Tensor>((sum, leaf) => tf.add(sum, tf.sum(tf.square(leaf))), tf.scalar(0));
      return [tf.sub(logLikelihood(p, data, context)[0], tf.mul(0.5, squares)), []];
    };
    const transform = denseHessian.build(logPosterior, { epsilon: 0.01, rescale: 0.5 });
    const [{ prec }] = transform.update(transform.init(params), batch);
    const expected = ggn.map((row, i) => row.map((value, j) => 0.5 * value + (i === j ? 0.51 : 0)));
    expect(prec).toBeAllClose(expected, { rtol: 1e-6, atol: 1e-7 });
  });
});
