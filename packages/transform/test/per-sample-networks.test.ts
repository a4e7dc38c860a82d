// Sums over the examples of gradients and their squares, for layers that meet an example once and for those that meet it more often.
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { evaluate, grad, jit, makeProgram } from '@posteriors/autodiff';
import { type Program, peakBytes, setBackend, simplify, sizeOf } from '@posteriors/backend';
import { leaves, map } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { perSampleSums, type StepContext, withAux } from '../src/index.ts';

await setBackend('wasm');

type Params = { readonly [name: string]: tf.Tensor };
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
/** Outputs `[examples, classes]` of a network. */
type Network = (params: Params, x: tf.Tensor) => tf.Tensor;

const context: StepContext = { key: tf.tensor1d([0, 1], 'int32'), step: tf.scalar(0, 'int32') };
const random = (seed: number, ...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 0.3, 'float32', seed);

/** Log likelihoods of the classes and a share of a normal prior, for each example or as their mean. */
function logPosterior(network: Network, perSample: boolean): (p: Params, data: Batch) => readonly [tf.Tensor, []] {
  return (params, { x, y }) => {
    const z = network(params, x);
    const classes = z.shape[1] as number;
    const likelihoods = tf.sum(tf.mul(tf.oneHot(tf.cast(y, 'int32') as tf.Tensor1D, classes), tf.logSoftmax(z)), 1);
    const prior = tf.mul(-0.05, tf.addN(leaves(params).map((leaf) => tf.sum(tf.square(leaf as tf.Tensor)))));
    return withAux(tf.add(perSample ? likelihoods : tf.mean(likelihoods), prior), []);
  };
}

/** The sums, by the gradient of each example alone. */
function loop(network: Network, params: Params, { x, y }: Batch): { gradient: Params; squares: Params } {
  const gradientOf = jit(grad((p: Params, one: Batch) => logPosterior(network, false)(p, one)[0]));
  let [gradient, squares] = [map(tf.zerosLike, params as never), map(tf.zerosLike, params as never)] as Params[];
  const rest = (tensor: tf.Tensor): number[] => tensor.shape.slice(1);
  for (let i = 0; i < (x.shape[0] as number); i++) {
    const row = (tensor: tf.Tensor): tf.Tensor =>
      tf.slice(tensor, [i, ...rest(tensor).map(() => 0)], [1, ...rest(tensor)]);
    const one = gradientOf(params, { x: row(x), y: row(y) });
    gradient = map((sum: tf.Tensor, g: tf.Tensor) => tf.add(sum, g), gradient as never, one as never);
    squares = map((sum: tf.Tensor, g: tf.Tensor) => tf.add(sum, tf.square(g)), squares as never, one as never);
  }
  return { gradient: gradient as Params, squares: squares as Params };
}

function expectEqual(found: Params, expected: Params): void {
  for (const [name, tensor] of Object.entries(expected)) {
    const scale = tf.max(tf.abs(tensor)).arraySync() as number;
    expect(found[name]).toBeAllClose(tensor, { rtol: 1e-5, atol: 1e-5 * scale });
  }
}

/** The simplified program of the sums. */
function programOf(network: Network, params: Params, batch: Batch, perSample: boolean): Program {
  const of = perSampleSums('name', logPosterior(network, perSample), perSample);
  return simplify(makeProgram((p: Params, given: Batch) => ({ ...of(p, given, context) }))(params, batch));
}

/** The most numbers that a value of a program has. */
function largest({ equations }: Program): number {
  return Math.max(...equations.flatMap(({ outputs }) => outputs.map(({ shape }) => sizeOf(shape))));
}

const usesOf = (program: Program, type: string): number =>
  program.equations.filter((equation) => equation.type === type).length;

describe.each([
  ['a scalar for batches of one', false],
  ['a vector for the batch', true],
] as const)('dense layers, %s', (_, perSample) => {
  const params = { w1: random(1, 12, 30), b1: random(2, 30), w2: random(3, 30, 4), b2: random(4, 4) };
  const network: Network = ({ w1, b1, w2, b2 }, x) => {
    const hidden = tf.relu(tf.add(tf.matMul(x, w1!), b1!));
    return tf.add(tf.matMul(hidden, w2!), b2!);
  };
  const batchOf = (examples: number): Batch => ({
    x: random(5, examples, 12),
    y: tf.tensor1d(Array.from({ length: examples }, (_, i) => i % 4)),
  });

  test('sums equal those of the loop', () => {
    const batch = batchOf(50);
    const of = perSampleSums('name', logPosterior(network, perSample), perSample);
    const found = evaluate('test', () => ({ ...of(params, batch, context) }));
    const expected = loop(network, params, batch);
    expectEqual(found.gradient, expected.gradient);
    expectEqual(found.squares, expected.squares);
  });

  test('no value holds the weights for each example, and the whole batch is one program without a loop', () => {
    for (const examples of [64, 4096]) {
      const program = programOf(network, params, batchOf(examples), perSample);
      expect(largest(program)).toBeLessThanOrEqual(30 * examples);
      expect(usesOf(program, 'scan')).toBe(0);
    }
  });

  test('memory and work are linear in the batch', () => {
    const [small, medium, large] = [512, 1024, 2048].map((examples) =>
      peakBytes(programOf(network, params, batchOf(examples), perSample)),
    ) as [number, number, number];
    expect(large - medium).toBe(2 * (medium - small));
  });
});

const convolution: Network = ({ filter, w }, x) => {
  const maps = tf.tanh(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid'));
  return tf.matMul(tf.reshape(maps, [x.shape[0] as number, -1]), w!);
};

const recurrent: Network = ({ kernel, bias, w }, x) => {
  const [examples, steps, features] = x.shape as [number, number, number];
  const units = (bias!.shape[0] as number) / 4;
  let [h, c] = [tf.zeros([examples, units]), tf.zeros([examples, units])] as tf.Tensor[];
  for (let t = 0; t < steps; t++) {
    const input = tf.reshape(tf.slice(x, [0, t, 0], [examples, 1, features]), [examples, features]);
    const gates = tf.add(tf.matMul(tf.concat([input, h!], 1), kernel!), bias!);
    const [i, f, g, o] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    c = tf.add(tf.mul(tf.sigmoid(f), c!), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
  }
  return tf.matMul(h!, w!);
};

const examples = 72;
const labels = tf.tensor1d(Array.from({ length: examples }, (_, i) => i % 3));

describe.each([
  [
    'a convolution',
    convolution,
    { filter: random(1, 2, 2, 64, 256), w: random(2, 2 * 256, 3) },
    { x: random(3, examples, 2, 3, 64), y: labels },
  ],
  [
    'a recurrent layer',
    recurrent,
    { kernel: random(1, 64 + 128, 4 * 128), bias: random(2, 4 * 128), w: random(3, 128, 3) },
    { x: random(4, examples, 2, 64), y: labels },
  ],
] as readonly (readonly [string, Network, Params, Batch])[])(
  '%s, whose weights meet an example more than once',
  (_, network, params, batch) => {
    const count = leaves(params).reduce((sum, leaf) => sum + (leaf as tf.Tensor).size, 0);

    test('sums equal those of the loop', () => {
      const of = perSampleSums('name', logPosterior(network, false), false);
      const found = evaluate('test', () => ({ ...of(params, batch, context) }));
      const expected = loop(network, params, batch);
      expectEqual(found.gradient, expected.gradient);
      expectEqual(found.squares, expected.squares);
    });

    test('gradients are held a bounded number at a time', () => {
      const program = programOf(network, params, batch, false);
      expect(usesOf(program, 'scan')).toBe(1);
      expect(examples * count).toBeGreaterThan(2 ** 22);
      // Beside 2²² numbers there are the slices of the batch and the sums of two chunks.
      expect(peakBytes(program)).toBeLessThan(4 * (2 ** 22 + 6 * count + batch.x.size));
    });
  },
);
