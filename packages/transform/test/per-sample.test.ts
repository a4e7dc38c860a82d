import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { evaluate, grad, makeProgram } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { perSampleGradients, perSampleProducts, perSampleSums, type StepContext, withAux } from '../src/index.ts';

await setBackend('cpu');

type Params = { readonly a: tf.Tensor; readonly b: tf.Tensor };
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
const params: Params = { a: tf.tensor2d([[0.5, -1], [2, 0.25]]), b: tf.scalar(0.5) }; // biome-ignore format: a matrix
const batch: Batch = { x: tf.tensor2d([[1, 2], [-1, 0.5], [0, 3]]), y: tf.tensor1d([1, 0, 2]) }; // biome-ignore format: a matrix
const context: StepContext = { key: tf.tensor1d([0, 1], 'int32'), step: tf.scalar(0, 'int32') };

const vector = ({ a, b }: Params, { x, y }: Batch): [tf.Tensor, { z: tf.Tensor }] => {
  const z = tf.sum(tf.sin(tf.matMul(x, a)), 1);
  return withAux(tf.neg(tf.square(tf.sub(y, tf.mul(z, b)))), { z });
};
const scalar = (p: Params, data: Batch): [tf.Tensor, { z: tf.Tensor }] => {
  const [value, aux] = vector(p, data);
  return withAux(tf.mean(value), aux);
};

const examples = [0, 1, 2].map((i) => ({ x: tf.slice(batch.x, [i, 0], [1, 2]), y: tf.slice(batch.y, i, 1) }));
const gradients = examples.map((example) => grad((p: Params) => scalar(p, example)[0])(params));
const over = (f: (leaves: tf.Tensor[]) => tf.Tensor): Params => ({
  a: f(gradients.map(({ a }) => a)),
  b: f(gradients.map(({ b }) => b)),
});

describe.each([
  ['a scalar for batches of one', scalar, false, [3, 1]],
  ['a vector for the batch', vector, true, [3]],
] as const)('%s', (_, logProb, perSample, auxShape) => {
  const values = vector(params, batch)[0];

  test('gradients are those of each example', () => {
    const of = perSampleGradients('name', logProb, perSample);
    const result = evaluate('test', () => ({ ...of(params, batch, context) }));
    expect(result.values).toBeAllClose(values);
    expect(result.aux.z.shape).toEqual(auxShape);
    expect(result.gradients).toBeAllClose(over((leaves) => tf.stack(leaves)));
  });

  test('sums are those of the gradients and of their squares', () => {
    const of = perSampleSums('name', logProb, perSample);
    const result = evaluate('test', () => ({ ...of(params, batch, context) }));
    expect(result.values).toBeAllClose(values);
    expect(result.aux.z.shape).toEqual(auxShape);
    expect(result.gradient).toBeAllClose(over((leaves) => tf.sum(tf.stack(leaves), 0)));
    expect(result.squares).toBeAllClose(over((leaves) => tf.sum(tf.square(tf.stack(leaves)), 0)));
  });
});

test.each([true, false])('sums of more gradients than are held at once, perSample: %s', (perSample) => {
  const count = 2 ** 21;
  const x = tf.tensor1d([1, -2, 0.5, 3, 1.5]);
  const logProb = (theta: tf.Tensor, data: tf.Tensor): [tf.Tensor, tf.Tensor] => {
    const value = tf.mul(data, tf.sum(theta));
    return withAux(perSample ? value : tf.sum(value), data);
  };
  const of = perSampleSums('name', logProb, perSample);
  const result = evaluate('test', () => ({ ...of(tf.zeros([count]), x, context) }));
  expect(result.values).toBeAllClose([0, 0, 0, 0, 0]);
  expect(tf.reshape(result.aux, [5])).toBeAllClose(x);
  expect([tf.min(result.gradient), tf.max(result.gradient)]).toBeAllClose([4, 4]);
  expect([tf.min(result.squares), tf.max(result.squares)]).toBeAllClose([16.5, 16.5]);
});

/** Each value takes part of the whole batch, in these ways. */
const shared: readonly (readonly [string, (value: tf.Tensor, x: tf.Tensor) => tf.Tensor])[] = [
  ['a share of what is given by the size of the batch', (value, x) => tf.div(value, x.shape[0] as number)],
  ['a mean over the batch', (value) => tf.sub(value, tf.mean(value))],
  ['a running sum', (value) => tf.cumsum(value)],
];

test.each(shared)('with perSample: true, %s is differentiated as it stands', (_, change) => {
  const logProb = (p: Params, data: Batch): [tf.Tensor, []] => withAux(change(vector(p, data)[0], data.x), []);
  const rows = [0, 1, 2].map((i) => grad((p: Params) => tf.reshape(tf.slice(logProb(p, batch)[0], i, 1), []))(params));
  const result = evaluate('test', () => ({ ...perSampleGradients('name', logProb, true)(params, batch, context) }));
  expect(result.gradients).toBeAllClose({ a: tf.stack(rows.map(({ a }) => a)), b: tf.stack(rows.map(({ b }) => b)) });
});

describe.each([true, false])('a number that all examples share, perSample: %s', (perSample) => {
  const scaled = (p: Params, { scale, ...data }: Batch & { readonly scale: tf.Tensor }): [tf.Tensor, tf.Tensor] => {
    const values = tf.mul(scale, (perSample ? vector : scalar)(p, data)[0]);
    return withAux(values, scale);
  };

  test('multiplies the gradients', () => {
    const given = { ...batch, scale: tf.scalar(2) };
    const result = evaluate('test', () => ({ ...perSampleSums('name', scaled, perSample)(params, given, context) }));
    expect(result.gradient).toBeAllClose(over((leaves) => tf.mul(2, tf.sum(tf.stack(leaves), 0))));
    expect(result.squares).toBeAllClose(over((leaves) => tf.mul(4, tf.sum(tf.square(tf.stack(leaves)), 0))));
  });

  test('outer products are those of the gradients', () => {
    const given = { ...batch, scale: tf.scalar(1) };
    const result = evaluate('test', () => ({ ...perSampleProducts('name', scaled, perSample)(params, given, context) })); // biome-ignore format: one line
    const rows = tf.stack(gradients.map(({ a, b }) => tf.concat([tf.reshape(a, [4]), tf.reshape(b, [1])])));
    expect(result.gradient).toBeAllClose(tf.sum(rows, 0));
    expect(result.products).toBeAllClose(tf.matMul(rows, rows, true));
  });
});

test.each([true, false])('outer products of gradients times a matrix, perSample: %s', (perSample) => {
  const factor = tf.tensor2d([[1, 2], [0, 1], [-1, 0.5], [3, 0], [1, 1]]); // biome-ignore format: a matrix
  const of = perSampleProducts('name', perSample ? vector : scalar, perSample);
  const result = evaluate('test', () => ({ ...of(params, batch, context, factor) }));
  const rows = tf.stack(gradients.map(({ a, b }) => tf.concat([tf.reshape(a, [4]), tf.reshape(b, [1])])));
  expect(result.gradient).toBeAllClose(tf.sum(rows, 0));
  expect(result.products).toBeAllClose(tf.matMul(factor, tf.matMul(tf.matMul(rows, rows, true), factor), true));
});

test.each([true, false])('the work on an example does not grow with the batch, perSample: %s', (perSample) => {
  const of = perSampleSums('name', perSample ? vector : scalar, perSample);
  const numbers = (examples: number): number => {
    const data = { x: tf.zeros([examples, 2]), y: tf.zeros([examples]) };
    const program = makeProgram((p: Params, given: Batch) => ({ ...of(p, given, context) }))(params, data);
    const sizes = program.equations.flatMap(({ outputs }) =>
      outputs.map(({ shape }) => tf.util.sizeFromShape([...shape])),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  expect(numbers(80) - numbers(40)).toBe(2 * (numbers(40) - numbers(20)));
});
