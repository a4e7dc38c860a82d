// Predictions of the Python library posteriors, and of explicit Jacobians in float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { readFileSync } from 'node:fs';
import { setBackend } from '@posteriors/backend';
import type { TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { models, type Values } from '../../laplace/test/models.ts';
import { linearizedForwardDiag, linearizedPredictive } from '../src/index.ts';

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
const { batches, trees } = read('../../laplace/test/golden/laplace.json') as {
  readonly batches: readonly { readonly x: number[][] }[];
  readonly trees: { readonly [tree: string]: { readonly params: readonly Values[] } };
};
const golden = read('./golden/predictive.json') as {
  readonly trees: {
    readonly [tree: string]: {
      readonly sd: readonly Values[];
      readonly factor: number[][];
      readonly batches: readonly { readonly mean: number[][]; readonly factor: number[][][]; readonly covariance: number[][][] }[];
    };
  };
}; // biome-ignore format: a type

await setBackend('cpu');

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  test.each(Object.entries(models))('%s', async (tree, model) => {
    await setBackend(device);
    const data = golden.trees[tree]!;
    const params = model.params(trees[tree]!.params);
    const sd = model.params(data.sd);
    const root = tf.tensor2d(data.factor);
    const covariance = tf.matMul(root, root, false, true);
    const forward = (p: TensorTree, x: tf.Tensor): [tf.Tensor, { x: tf.Tensor }] => [
      model.logits(p as never, x),
      { x },
    ];
    data.batches.forEach((expected, i) => {
      const x = tf.tensor2d(batches[i]!.x);
      const [mean, chol, aux] = linearizedForwardDiag(forward, params, x, sd);
      expect(mean).toBeAllClose(expected.mean, { rtol: 1e-5, atol: 1e-6 });
      expect(chol).toBeAllClose(expected.factor, { rtol: 1e-4, atol: 1e-5 });
      expect(aux.x).toBeAllClose(x);
      for (const spread of [{ root }, { covariance }] as const) {
        const [same, full] = linearizedPredictive(forward, params, x, spread);
        expect(same).toBeAllClose(expected.mean, { rtol: 1e-5, atol: 1e-6 });
        expect(full).toBeAllClose(expected.covariance, { rtol: 1e-4, atol: 1e-5 });
      }
    });
  });
});
