// The weights of converted models: which are parameters and statistics, and others in their place.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tree from '@posteriors/tree';
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
import { convolutionModel, denseModel, embeddingModel, GraphBuilder, type, weightValues } from './graph-models.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x = tf.tensor2d([
  [0.1, -0.4, 0.7],
  [1, 0.2, -0.3],
]);

describe('parameters and statistics', () => {
  test('float32 weights on which outputs depend by ops with a derivative', () => {
    const g = new GraphBuilder();
    const weight = (name: string): string => g.weight(name, [3]);
    const input = g.placeholder('x', [-1, 3]);
    const plain = g.node('Mul', 'plain', [input, weight('plain/w')]);
    const through = g.node('AddV2', 'through', [plain, g.node('Identity', 'read', [weight('read/w')])]);
    const compared = g.node('Greater', 'compared', [through, weight('compared/w')]);
    const chosen = g.node('SelectV2', 'chosen', [compared, through, weight('chosen/w')]);
    const whole = g.node('Cast', 'whole', [weight('whole/w')], { DstT: type('int32') });
    const number = g.node('Cast', 'number', [whole], { DstT: type('float32') });
    const stopped = g.node('StopGradient', 'stopped', [weight('stopped/w')]);
    const ofShape = g.node('Shape', 'ofShape', [weight('shape/w')]);
    const filled = g.node('Fill', 'filled', [ofShape, g.constant('fill/value', [2], [], 'float32')]);
    const scaled = g.node('Mul', 'scaled', [filled, g.constant('scalar', [3], [], 'float32')]);
    const sum = [number, stopped, scaled].reduce((a, b) => g.node('AddV2', `${b}/sum`, [a, b]), chosen);
    g.node('Tile', 'tiled', [sum, g.integers('repeats', [1, 1])]);
    const model = g.build();
    expect(Object.keys(modelParameters(model))).toEqual(['plain/w', 'read/w', 'chosen/w']);
    expect(modelStatistics(model)).toEqual({});
    const f = modelToFunction(model);
    expect(f(modelParameters(model), x)).toBeAllClose(model.predict(x) as Tensor);
    // What is no parameter has no gradient, but for a scalar.
    const others = ['compared/w', 'whole/w', 'stopped/w', 'shape/w', 'scalar'];
    const given = Object.fromEntries(others.map((name) => [name, model.weights[name]![0]!]));
    const gradient = grad((p: GraphParameters) => tf.sum(f(p, x)))(given);
    const zero = tf.zeros([3]);
    const none = { 'compared/w': zero, 'whole/w': zero, 'stopped/w': zero, 'shape/w': zero };
    expect(gradient).toBeAllClose({ ...none, scalar: tf.scalar(2 * x.size) });
  });

  test('weights that are not given keep the values of the model, and a scalar may be given', () => {
    const model = embeddingModel();
    const f = modelToFunction<{ clipped: Tensor }>(model);
    const inputs = { ids: tf.zeros([1, 3], 'int32'), features: tf.tensor2d([[0.1, 0.2]]) };
    const expected = model.predict(inputs) as { clipped: Tensor };
    expect(f({}, inputs)).toBeAllClose(expected);
    expect(f({ scale: tf.scalar(0) }, inputs).clipped).toBeAllClose(tf.zeros([1, 4]));
    const gradient = grad((p: GraphParameters) => tf.sum(f(p, inputs).clipped))({ scale: tf.scalar(0) });
    const { table } = modelParameters(model) as { table: Tensor };
    expect(gradient).toBeAllClose({ scale: tf.add(tf.sum(tf.gather(table, 0)), 0.3) });
  });

  test('statistics are the model’s own unless others are given', () => {
    const model = convolutionModel();
    const f = modelToFunction(model);
    const [parameters, statistics] = [modelParameters(model), modelStatistics(model)];
    const images = tf.ones([1, 6, 6, 2]);
    const expected = model.predict(images) as Tensor;
    expect(f(parameters, images, { statistics })).toBeAllClose(expected);
    const other = { ...statistics, 'norm/variance': tf.fill([3], 1e6) };
    expect([...f(parameters, images, { statistics: other }).dataSync()]).not.toEqual([...expected.dataSync()]);
    expect(() => f(parameters, images, { statistics: parameters })).toThrow(
      'modelToFunction: the model has no weight conv/kernel among its statistics; it has norm/mean, norm/variance',
    );
  });

  test('what does not fit is named with both sides', () => {
    const model = denseModel();
    const f = modelToFunction(model);
    const names = 'hidden/kernel, hidden/bias, fused/kernel, fused/bias, output/kernel, output/bias';
    expect(() => f({ other: tf.scalar(1) }, x)).toThrow(
      `modelToFunction: the model has no weight other among its parameters; it has ${names}`,
    );
    expect(() => f({ 'hidden/bias': tf.zeros([5]) }, x)).toThrow(
      'modelToFunction: hidden/bias is float32[5] in the parameters and float32[4] in the model',
    );
    expect(() => f({ 'hidden/bias': tf.zeros([4], 'int32') }, x)).toThrow('hidden/bias is int32[4] in the parameters');
    // The bounds of a clip are read while the function is traced.
    expect(() => modelToFunction(embeddingModel())({ least: tf.scalar(0) }, x)).toThrow(
      'the model has no weight least',
    );
  });
});

describe('assignModelParameters', () => {
  test('writes copies, partly too, and disposes what they replace', () => {
    const model = convolutionModel();
    const images = tf.ones([1, 6, 6, 2]);
    const old = modelParameters(model);
    const moved = (tensors: GraphParameters): GraphParameters => tree.map((leaf: Tensor) => tf.add(leaf, 0.1), tensors);
    const statistics = moved(modelStatistics(model));
    const expected = modelToFunction(model)(moved(old), images, { statistics });
    expectNoLeak(() => {
      const given = [moved(old), moved(modelStatistics(model))] as const;
      assignModelParameters(model, ...given);
      tf.dispose([...given]);
    });
    expect(Object.values(old).every(({ isDisposed }) => isDisposed)).toBe(true);
    expect(model.predict(images) as Tensor).toBeAllClose(expected);
    expectNoLeak(() => assignModelParameters(model, modelParameters(model)));
    expect(model.predict(images) as Tensor).toBeAllClose(expected);
    const before = weightValues(model);
    assignModelParameters(model, { 'norm/beta': tf.zeros([3]) });
    expect([...modelParameters(model)['norm/beta']!.dataSync()]).toEqual([0, 0, 0]);
    expect(() => assignModelParameters(model, { 'norm/beta': tf.ones([3]), other: tf.ones([3]) })).toThrow(
      'assignModelParameters: the model has no weight other',
    );
    const unchanged = Object.keys(model.weights).map((name) => name !== 'norm/beta');
    expect(weightValues(model).filter((_, i) => unchanged[i])).toEqual(before.filter((_, i) => unchanged[i]));
  });

  test('weights of the model in the place of each other, and nothing where a tensor is disposed', () => {
    const model = denseModel();
    const { 'hidden/bias': one, 'fused/bias': other } = modelParameters(model) as { [name: string]: Tensor };
    const [first, second] = [one!, other!].map((bias) => [...bias.dataSync()]);
    expectNoLeak(() => assignModelParameters(model, { 'hidden/bias': other!, 'fused/bias': one! }));
    const swapped = modelParameters(model);
    expect([...swapped['hidden/bias']!.dataSync()]).toEqual(second);
    expect([...swapped['fused/bias']!.dataSync()]).toEqual(first);
    expectNoLeak(() => {
      expect(() =>
        assignModelParameters(model, { 'fused/bias': swapped['hidden/bias']!, 'hidden/bias': one! }),
      ).toThrow('assignModelParameters: hidden/bias of the parameters is disposed');
    });
    expect([...modelParameters(model)['fused/bias']!.dataSync()]).toEqual(first);
  });

  test('not while a function is traced', () => {
    const model = denseModel();
    const assign = (p: GraphParameters): Tensor => {
      assignModelParameters(model, p);
      return tf.scalar(0);
    };
    expect(() => jit(assign)(modelParameters(model))).toThrow(/cannot be changed while a function is traced/);
  });
});
