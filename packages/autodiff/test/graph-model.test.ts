// Converted models as functions: inputs and outputs, and that the model stays as it is.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tree from '@posteriors/tree';
import { GraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  assignModelParameters,
  type GraphParameters,
  grad,
  jit,
  modelParameters,
  modelStatistics,
  modelToFunction,
} from '../src/index.ts';
import { dense, denseModel, embeddingModel, GraphBuilder, weightValues } from './graph-models.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x = tf.tensor2d([
  [0.1, -0.4, 0.7],
  [1, 0.2, -0.3],
]);

describe('inputs and outputs', () => {
  test('inputs by name and by order', () => {
    const model = embeddingModel();
    const f = modelToFunction<{ [name: string]: Tensor }>(model);
    const [ids, features] = [tf.tensor2d([[1, 4, 0]], [1, 3], 'int32'), tf.tensor2d([[0.3, -0.2]])];
    const byName = f(modelParameters(model), { ids, features });
    expect(Object.keys(byName).sort()).toEqual(['clipped', 'probability']);
    expect(f(modelParameters(model), [ids, features])).toBeAllClose(byName);
    expect(f(modelParameters(model), { words: ids, rows: features })).toBeAllClose(byName);
  });

  test('what the model returns as it is given is returned anew', () => {
    const g = new GraphBuilder();
    const input = g.placeholder('x', [-1, 3]);
    const weight = g.weight('w', [3]);
    g.node('AddV2', 'sum', [input, weight]);
    const tensor = (name: string) => ({ name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: {} });
    const outputs = { same: tensor('x'), weight: tensor('w'), sum: tensor('sum') };
    const model = g.build({ inputs: { x: tensor('x') }, outputs } as never);
    const f = modelToFunction<Tensor[]>(model);
    for (const each of [f, jit(f)]) {
      const results = each(modelParameters(model), x);
      expect(results).toBeAllClose(model.predict(x) as Tensor[]);
      tf.dispose(results);
      expect([x, ...Object.values(modelParameters(model))].map(({ isDisposed }) => isDisposed)).toEqual([false, false]);
    }
  });

  test('one tensor in the place of two weights', () => {
    const model = denseModel();
    const f = modelToFunction(model);
    const bias = tf.tensor1d([0.1, 0.2, 0.3, 0.4]);
    const parameters = { ...modelParameters(model), 'hidden/bias': bias, 'fused/bias': bias };
    const copies = { ...parameters, 'fused/bias': tf.clone(bias) };
    expect(f(parameters, x)).toBeAllClose(f(copies, x));
    const loss = (p: GraphParameters): Tensor => tf.sum(tf.square(f(p, x)));
    expect(grad(loss)(parameters)).toBeAllClose(grad(loss)(copies));
    expect(bias.isDisposed).toBe(false);
  });

  test('a node that fails is named, and the model stays as it is', () => {
    const g = new GraphBuilder();
    dense(g, g.placeholder('x', [-1, -1]), 'layer', [3, 2], 'Tanh');
    const model = g.build();
    const before = weightValues(model);
    const f = modelToFunction(model);
    const parameters = tree.map((leaf: Tensor) => tf.neg(leaf), modelParameters(model));
    f(parameters, x).dispose();
    const wide = tf.ones([2, 4]);
    expect(() => f(parameters, tf.ones([3]))).toThrow(/^modelToFunction: The shape of dict\['x'\]/);
    expectNoLeak(() => {
      expect(() => f(parameters, wide)).toThrow(
        /^modelToFunction: node layer\/MatMul \(MatMul\): .*\[2,4\] and \[3,2\]/,
      );
      expect(() => jit(f)(parameters, wide)).toThrow(/node layer\/MatMul/);
    });
    expect(weightValues(model)).toEqual(before);
    expect(f(parameters, x)).toBeAllClose(tf.neg(model.predict(x) as Tensor));
  });

  test('a shape that an input gives is read eagerly, and an error where it is traced', () => {
    const g = new GraphBuilder();
    const shape = g.placeholder('shape', [2], 'int32');
    const product = g.node('Mul', 'product', [g.placeholder('x', [-1, 3]), g.weight('w', [3])]);
    g.node('Reshape', 'reshaped', [product, g.node('AddV2', 'next', [shape, g.integers('one', 1)])]);
    const model = g.build();
    const f = modelToFunction(model);
    const inputs = { x, shape: tf.tensor1d([2, 1], 'int32') };
    expect(() => jit(f)(modelParameters(model), inputs)).toThrow(
      /node reshaped \(Reshape\): dataSync: the value of a traced tensor int32\[2\] was read/,
    );
    expect(f(modelParameters(model), inputs).shape).toEqual([3, 2]);
    const compiled = jit((p: GraphParameters) => f(p, inputs));
    expect(compiled(modelParameters(model))).toBeAllClose(model.predict(inputs) as Tensor);
  });
});

describe('values that ops read and derivatives may move', () => {
  /** `Fill([2], sum(x)) * w`, and so with a scalar `x` itself. */
  const filled = (rank: 0 | 1, dtype: 'float32' | 'int32' = 'float32'): ReturnType<GraphBuilder['build']> => {
    const g = new GraphBuilder();
    const x = g.placeholder('x', rank === 0 ? [] : [-1], dtype);
    const value = rank === 0 ? x : g.node('Sum', 'sum', [x, g.integers('axis', [0])]);
    g.node('Mul', 'product', [g.node('Fill', 'filled', [g.integers('dims', [2]), value]), g.weight('w', [2])]);
    return g.build();
  };

  test.each([
    ['the sum of an input', filled(1), tf.tensor1d([1, 2])],
    ['an input', filled(0), tf.scalar(3)],
    ['a variable', filled(0), tf.variable(tf.scalar(3))],
    ['a variable of integers', filled(0, 'int32'), tf.variable(tf.scalar(3, 'int32'))],
  ])('%s is refused eagerly and traced', (_, model, input) => {
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    const message = /node filled \(Fill\): dataSync: the value of a traced tensor \w+\[\] was read/;
    expectNoLeak(() => {
      expect(() => f(parameters, input)).toThrow(message);
      expect(() => f(parameters, { x: input })).toThrow(message);
      expect(() => jit((p: GraphParameters) => f(p, [input]))(parameters)).toThrow(message);
      expect(() => jit((y: Tensor) => f(parameters, y))(input)).toThrow(message);
      if (input.dtype === 'float32')
        expect(() => tf.grad((y: Tensor) => tf.sum(f(parameters, y)))(input)).toThrow(message);
    });
  });

  test('integers have no derivative, and are read where they are known', () => {
    const model = filled(0, 'int32');
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    const value = tf.scalar(3, 'int32');
    const expected = tf.mul(parameters['w']!, 3);
    expect(f(parameters, value)).toBeAllClose(expected);
    expect(jit((p: GraphParameters) => f(p, value))(parameters)).toBeAllClose(expected);
  });
});

test('parameters and inputs that are none are named', () => {
  const model = denseModel();
  const f = modelToFunction(model) as (parameters: unknown, inputs: unknown, context?: unknown) => Tensor;
  const parameters = modelParameters(model);
  for (const [run, message] of [
    [() => f(null, x), 'modelToFunction: the parameters are null; give an object that has a tensor for each name'],
    [() => f(x, parameters), 'modelToFunction: the parameters are float32[2,3]; give an object'],
    [
      () => f({ 'hidden/bias': 3 }, x),
      'modelToFunction: hidden/bias of the parameters is not a tensor but number; make it one with tf.tensor',
    ],
    [() => f(parameters, x, { statistics: null }), 'modelToFunction: the statistics are null'],
    [
      () => f(parameters, 3),
      'modelToFunction: the inputs are number; give a tensor, or several in an array or by name',
    ],
    [() => f(parameters, undefined), 'modelToFunction: the inputs are undefined'],
    [() => f(parameters, null), 'modelToFunction: the inputs are null'],
    [() => f(parameters, { x: [1, 2] }), 'modelToFunction: the input x is not a tensor but Array'],
    [() => f(parameters, [x, null]), 'modelToFunction: the input 1 is not a tensor but null'],
  ] as const) {
    expectNoLeak(() => expect(run).toThrow(message));
  }
  expect(f(parameters, x)).toBeAllClose(model.predict(x) as Tensor);
});

test('gradients of tfjs itself go through', () => {
  const model = denseModel();
  const f = modelToFunction(model);
  const parameters = modelParameters(model);
  const names = Object.keys(parameters);
  const of = tf.grads((...weights) => f(Object.fromEntries(names.map((name, i) => [name, weights[i]!])), x));
  const along = tf.tensor2d([[1, -2], [0.5, 3]]); // biome-ignore format: a matrix
  const loss = (p: GraphParameters): Tensor => tf.sum(tf.mul(f(p, x), along));
  const gradient = grad(loss)(parameters);
  const expected = names.map((name) => gradient[name]!);
  expect(of(Object.values(parameters), along)).toBeAllClose(expected, { atol: 1e-6 });
});

test('a model that is disposed or not loaded is named as such', () => {
  const model = denseModel();
  const f = modelToFunction(model);
  model.dispose();
  expect(() => f({}, x)).toThrow('modelToFunction: the model was disposed');
  expect(() => modelToFunction(model)).toThrow('modelToFunction: the model was disposed');
  expect(() => modelParameters(model)).toThrow('modelParameters: the model was disposed');
  expect(() => modelStatistics(model)).toThrow('modelStatistics: the model was disposed');
  expect(() => assignModelParameters(model, {})).toThrow('assignModelParameters: the model was disposed');
  expect(() => modelParameters(new GraphModel('nowhere'))).toThrow('modelParameters: the model has no graph yet');
});

test('there is no training mode', () => {
  expect(() => modelToFunction(denseModel() as never, { training: true })).toThrow(/has no training mode/);
});
