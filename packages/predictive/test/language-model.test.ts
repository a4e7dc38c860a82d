// The next token of a small language model, made linear in 5,000 parameters that spread as the absolute value of a normal number.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jacrev } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key, normal, split } from '@posteriors/random';
import '@posteriors/testing';
import { map, ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { linearizedForwardDiag } from '../src/index.ts';

const [words, features, hidden, texts] = [50, 32, 64, 3];
const keys = split(key(0), 10);
const drawn = (at: number, shape: number[], sd = 1): tf.Tensor => tf.mul(sd, normal(keys[at]!, shape));

test.each(['cpu', 'wasm'] as const)('mean and factor on %s, to 1e-5', async (device) => {
  await setBackend(device);
  const params = {
    embedding: drawn(0, [words, features]),
    first: { weight: drawn(1, [features, hidden], 0.1), bias: drawn(2, [hidden], 0.1) },
    last: { weight: drawn(3, [hidden, words], 0.07), bias: drawn(4, [words], 0.07) },
  };
  type Params = typeof params;
  type Batch = { readonly tokens: tf.Tensor; readonly mask: tf.Tensor };
  const batch: Batch = {
    tokens: tf.tensor2d([[3, 14, 15], [9, 26, 5], [35, 8, 49]], undefined, 'int32'), // biome-ignore format: a matrix
    mask: tf.ones([texts, texts]),
  };
  const forward = (p: Params, { tokens, mask }: Batch): [tf.Tensor, { logits: tf.Tensor }] => {
    const embedded = tf.reshape(tf.gather(p.embedding, tf.cast(tokens, 'int32')), [-1, features]);
    const inner = tf.add(tf.matMul(embedded, p.first.weight), p.first.bias);
    const outputs = tf.add(tf.matMul(inner, p.last.weight), p.last.bias);
    const rows = tokens.shape[0] as number;
    const logits = tf.mul(tf.reshape(outputs, [rows, texts, words]), tf.expandDims(mask, 2));
    return [tf.reshape(tf.slice(logits, [0, texts - 1, 0], [rows, 1, words]), [rows, words]), { logits }];
  };
  let at = 5;
  const sds = map((leaf: tf.Tensor) => tf.abs(normal(keys[at++]!, leaf.shape)), params);
  const [mean, factor, { logits }] = linearizedForwardDiag(forward, params, batch, sds);
  expect([mean.shape, factor.shape]).toEqual([[texts, words], [texts, words, words]]); // biome-ignore format: shapes
  expect(mean).toBeAllClose(tf.squeeze(tf.slice(logits, [0, texts - 1, 0], [texts, 1, words]), [1]), { rtol: 1e-6 });
  const { flat, unravel } = ravel(params);
  const jacobian = jacrev((vector: tf.Tensor) => forward(unravel(vector), batch)[0])(flat);
  const scaled = tf.mul(jacobian, ravel(sds).flat);
  expect(tf.matMul(factor, factor, false, true)).toBeAllClose(tf.matMul(scaled, scaled, false, true), {
    rtol: 1e-5,
    atol: 1e-5,
  });
});
