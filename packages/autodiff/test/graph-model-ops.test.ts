// The ops of converted models: what is refused, what users register, and what stops derivatives.
import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import { deregisterOp, type GraphModel, registerOp } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { type GraphParameters, grad, jit, jvp, modelParameters, modelToFunction } from '../src/index.ts';
import { attentionModel, flag, float, GraphBuilder, type } from './graph-models.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x = tf.tensor2d([
  [0.1, -0.4, 0.7],
  [1, 0.2, -0.3],
]);

test('StopGradient stops the gradient', () => {
  const g = new GraphBuilder();
  const product = g.node('Mul', 'product', [g.placeholder('x', [-1, 3]), g.weight('w', [3])]);
  g.node('Mul', 'square', [product, g.node('StopGradient', 'stopped', [product])]);
  const model = g.build();
  const f = modelToFunction(model);
  const parameters = modelParameters(model) as { w: Tensor };
  const { w } = parameters;
  const gradient = grad((p: GraphParameters) => tf.sum(f(p, x)))(parameters);
  expect(gradient).toBeAllClose({ w: tf.sum(tf.mul(tf.square(x), w), 0) });
  const [, tangent] = jvp((p: GraphParameters) => f(p, x), [parameters], [parameters]);
  expect(tangent).toBeAllClose(model.predict(x) as Tensor);
});

test('a spectrum', () => {
  const g = new GraphBuilder();
  const window = g.node('Mul', 'window', [g.placeholder('x', [-1, 5]), g.weight('w', [5])]);
  const spectrum = g.node('RFFT', 'spectrum', [window, g.integers('length', [5])]);
  g.node('ComplexAbs', 'magnitude', [spectrum]);
  const model = g.build();
  const f = modelToFunction(model);
  const signal = tf.tensor2d([[1, -2, 0.5, 3, 1]]);
  const parameters = modelParameters(model);
  expect(Object.keys(parameters)).toEqual(['w']);
  expect(jit(f)(parameters, signal)).toBeAllClose(model.predict(signal) as Tensor, { atol: 1e-5 });
  // The power in all frequencies is n times that of the signal; those but the first stand twice.
  const weights = tf.tensor1d([1, 2, 2]);
  const power = (p: GraphParameters): Tensor => tf.sum(tf.mul(weights, tf.square(f(p, signal))));
  const expected = { w: tf.mul(10, tf.mul(tf.reshape(tf.square(signal), [5]), (parameters as { w: Tensor }).w)) };
  expect(grad(power)(parameters)).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
});

describe('ops that cannot be traced', () => {
  /** A model with nodes whose ops are refused, of which one leads to no output. */
  function refused(): GraphModel<tf.io.IOHandlerSync> {
    const g = new GraphBuilder();
    const scores = g.node('Mul', 'scores', [g.placeholder('x', [-1, 3]), g.weight('w', [3])]);
    const limits = [g.integers('count', 2), g.constant('overlap', [0.5], [], 'float32')];
    const boxes = ['second', 'first'].map((name) => g.node('NonMaxSuppressionV3', name, [scores, scores, ...limits]));
    const loop = g.node('StatelessWhile', 'loop', boxes);
    const noise = g.node('RandomStandardNormal', 'noise', [g.integers('noise/shape', [3])], { dtype: type('float32') });
    const table = g.node('HashTableV2', 'table', []);
    const found = g.node('LookupTableFindV2', 'found', [table, scores, noise]);
    const words = g.node('StringSplit', 'words', [found, loop], { skip_empty: flag(true) });
    g.node('NoSuchOp', 'unknown', [words, g.node('Where', 'where', [scores])]);
    g.node('Print', 'elsewhere', [scores]);
    const tensor = { name: 'unknown:0', dtype: 'DT_FLOAT', tensorShape: {} };
    return g.build({ inputs: {}, outputs: { y: tensor } } as never);
  }

  test('are listed before anything runs', () => {
    const message = (() => {
      try {
        modelToFunction(refused());
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    const [head, ...lines] = message.split('\n  ');
    expect(head).toBe('modelToFunction: the model has ops that cannot be traced:');
    expect(lines.map((line) => line.split(': ')[0])).toEqual([
      'HashTableV2 (table)',
      'LookupTableFindV2 (found)',
      'NoSuchOp (unknown)',
      'NonMaxSuppressionV3 (first, second)',
      'RandomStandardNormal (noise)',
      'StatelessWhile (loop)',
      'StringSplit (words)',
      'Where (where)',
    ]);
    for (const [i, reason] of [
      /table.*asynchronously/,
      /table/,
      /tf\.registerOp/,
      /how many boxes/,
      /hidden random numbers/,
      /loops/,
      /strings/,
      /how many indices/,
    ].entries()) {
      expect(lines[i]).toMatch(reason);
    }
  });

  describe('with registerOp', () => {
    afterEach(() => {
      deregisterOp('Cube');
      deregisterOp('Inner');
    });

    test('an op does what it records', () => {
      registerOp('Cube', ({ inputs: [input], attrs }) => {
        const { factor } = attrs as { factor: number };
        return tf.mul(tf.pow(input!, 3), factor);
      });
      const g = new GraphBuilder();
      g.node('Cube', 'cube', [g.node('Mul', 'product', [g.placeholder('x', [-1, 3]), g.weight('w', [3])])], {
        factor: float(2),
      });
      const model = g.build();
      const parameters = modelParameters(model) as { w: Tensor };
      const { w, ...others } = parameters;
      expect(others).toEqual({});
      const f = modelToFunction(model);
      expect(jit(f)(parameters, x)).toBeAllClose(model.predict(x) as Tensor);
      const gradient = grad((p: GraphParameters) => tf.sum(f(p, x)))(parameters);
      const slopes = tf.mul(6, tf.mul(tf.pow(x, 3), tf.square(w)));
      expect(gradient).toBeAllClose({ w: tf.sum(slopes, 0) });
    });

    test('an op may be another model', () => {
      const inner = attentionModel();
      const innerFunction = modelToFunction(inner);
      registerOp('Inner', ({ inputs }) => innerFunction(modelParameters(inner), inputs[0]!));
      const g = new GraphBuilder();
      const input = g.node('Mul', 'product', [g.placeholder('x', [-1, -1, 4]), g.weight('w', [4])]);
      g.node('Relu', 'active', [g.node('Inner', 'inner', [input])]);
      const model = g.build();
      const f = modelToFunction(model);
      const sequences = tf.ones([1, 3, 4]);
      const parameters = modelParameters(model) as { w: Tensor };
      const expected = innerFunction(modelParameters(inner), tf.mul(sequences, parameters.w));
      expect(jit(f)(parameters, sequences)).toBeAllClose(tf.relu(expected));
    });
  });
});
