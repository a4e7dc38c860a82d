// Of outputs that are the natural parameters of an exponential family, the Gauss-Newton matrix is the expected Fisher matrix: here of a network
// with a softmax of four classes, whose expectation over the labels is a sum, and of independent Bernoulli outputs.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jacrev } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key, normal, split } from '@posteriors/random';
import '@posteriors/testing';
import { ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, diagGgn } from '../src/index.ts';

await setBackend('cpu');
const [count, width, hidden, outputs] = [6, 3, 2, 4];
const keys = split(key(0), 5);
const network = {
  first: normal(keys[0]!, [width, hidden]),
  last: { weight: normal(keys[1]!, [hidden, outputs]), bias: normal(keys[2]!, [outputs]) },
};
type Network = typeof network;
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
const x = normal(keys[3]!, [count, width]);
const logits = ({ first, last }: Network, inputs: tf.Tensor): tf.Tensor =>
  tf.add(tf.matMul(tf.tanh(tf.matMul(inputs, first)), last.weight), last.bias);
const forward = (p: Network, batch: Batch): [tf.Tensor, []] => [logits(p, batch.x), []];

/** The log likelihood of each example, of labels that are rows of the width of the outputs. */
const softmax = (z: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.sum(tf.mul(y, tf.logSoftmax(z)), 1);
const bernoulli = (z: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.sum(tf.sub(tf.mul(y, z), tf.softplus(z)), 1);
const binary = (code: number): number[] => Array.from({ length: outputs }, (_, k) => (code >> k) & 1);
const families = {
  softmax: [softmax, Array.from({ length: outputs }, (_, k) => binary(1 << k))],
  Bernoulli: [bernoulli, Array.from({ length: 2 ** outputs }, (_, code) => binary(code))],
} as const;

describe.each(Object.entries(families))('%s', (_, [logLikelihoods, labels]) => {
  const { flat, unravel } = ravel(network);
  const repeated = (label: readonly number[]): tf.Tensor => tf.tile(tf.tensor2d([[...label]]), [count, 1]);
  const outer = (z: tf.Tensor, { y }: Batch): tf.Tensor => tf.sum(logLikelihoods(z, y));

  test.each(['cpu', 'wasm'] as const)('on %s, in full and on the diagonal', async (device) => {
    await setBackend(device);
    // Σ over labels and examples of p(label) g gᵀ, with g the gradient of log p(label).
    const parts = labels.map((label) => {
      const logProb = (vector: tf.Tensor): tf.Tensor => logLikelihoods(logits(unravel(vector), x), repeated(label));
      const gradients = jacrev(logProb)(flat);
      return tf.matMul(gradients, tf.mul(gradients, tf.reshape(tf.exp(logProb(flat)), [-1, 1])), true);
    });
    const expected = tf.addN(parts);
    // The labels of the batch have no part in it.
    const batch = { x, y: repeated(labels[1]!) };
    const full = denseGgn.build(forward, outer);
    const [{ prec }] = full.update(full.init(network, { seed: 0 }), batch);
    expect(prec).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-5 });
    const diagonal = diagGgn.build(forward, outer);
    const [{ precDiag }] = diagonal.update(diagonal.init(network, { seed: 0 }), batch);
    const rows = expected.arraySync() as number[][];
    expect(ravel(precDiag).flat).toBeAllClose(
      rows.map((row, i) => row[i]!),
      { rtol: 1e-5, atol: 1e-5 },
    );
    // The empirical Fisher matrix has the gradients of the labels that were seen, and is another one.
    const fisher = denseFisher.build((p: Network, data: Batch) => [logLikelihoods(logits(p, data.x), data.y), []], {
      perSample: true,
    });
    const empirical = fisher.update(fisher.init(network, { seed: 0 }), batch)[0].prec;
    expect(tf.max(tf.abs(tf.sub(empirical, expected))).dataSync()[0]).toBeGreaterThan(0.1);
  });
});
