// Models of tfjs in training: noise from a key, and statistics that are returned.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tree from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  assignModelParameters,
  grad,
  jit,
  type ModelParameters,
  modelParameters,
  modelStatistics,
  modelToFunction,
  type RandomSource,
  vmap,
} from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Key = Parameters<RandomSource['uniform']>[0];
const { layers } = tf;

const keyOf = (...words: [number, number]): Tensor => tf.tensor1d(words, 'int32');

/** Fractions of the sines of a counter: good enough to tell draws apart. */
function fractions(key: Key, shape: readonly number[], salt: number): Tensor {
  const words = key instanceof tf.Tensor ? key : tf.tensor1d(new Int32Array(key), 'int32');
  const counter = tf.reshape(tf.range(1, tf.util.sizeFromShape([...shape]) + 1), [...shape]);
  const phase = tf.sum(tf.mul(tf.cast(words, 'float32'), tf.tensor1d([salt, 1.618])));
  return tf.mod(tf.mul(tf.sin(tf.add(tf.mul(counter, 12.9898), phase)), 437.585453), 1);
}

const random: RandomSource = {
  foldIn: (key, data) => tf.add(key as Tensor, keyOf(0, 7 * data + 1)),
  uniform: (key, shape) => fractions(key, shape, 78.233),
  normal: (key, shape) => tf.sub(tf.mul(4, fractions(key, shape, 39.425)), 2),
};

const key = keyOf(3, 5);
const uniform = (count: number, shape: number[]): Tensor => random.uniform(random.foldIn(key, count), shape);
const normal = (count: number, shape: number[]): Tensor => random.normal(random.foldIn(key, count), shape);
const kept = (numbers: Tensor, rate: number): Tensor => tf.cast(tf.greaterEqual(numbers, rate), 'float32');

const wave = (...shape: number[]): Tensor =>
  tf.sin(tf.reshape(tf.range(1, tf.util.sizeFromShape(shape) + 1), shape)) as Tensor;
const only = (layer: tf.layers.Layer): tf.LayersModel => tf.sequential({ layers: [layer] });
const valuesOf = (model: tf.LayersModel): (readonly number[])[] =>
  model.getWeights().map((weight) => [...weight.dataSync()]);

describe('noise is drawn from the key', () => {
  const [flat, sequence] = [wave(2, 40), wave(2, 3, 8)];
  const dropped = -1.7580993408473766;
  const scale = (rate: number): number => ((1 - rate) * (1 + rate * dropped ** 2)) ** -0.5;
  const cases: [name: string, layer: tf.layers.Layer, input: Tensor, expected: () => Tensor][] = [
    [
      'dropout',
      layers.dropout({ rate: 0.4, seed: 1, inputShape: [40] }),
      flat,
      () => tf.div(tf.mul(flat, kept(uniform(0, [2, 40]), 0.4)), 0.6),
    ],
    [
      'dropout of a shape',
      layers.dropout({ rate: 0.4, noiseShape: [null as never, 1, 8], inputShape: [3, 8] }),
      sequence,
      () => tf.div(tf.mul(sequence, kept(uniform(0, [2, 1, 8]), 0.4)), 0.6),
    ],
    [
      'spatialDropout1d',
      layers.spatialDropout1d({ rate: 0.4, inputShape: [3, 8] } as never),
      sequence,
      () => tf.div(tf.mul(sequence, kept(uniform(0, [2, 1, 8]), 0.4)), 0.6),
    ],
    [
      'gaussianNoise',
      layers.gaussianNoise({ stddev: 0.3, inputShape: [40] }),
      flat,
      () => tf.add(flat, tf.mul(0.3, normal(0, [2, 40]))),
    ],
    [
      'gaussianDropout',
      layers.gaussianDropout({ rate: 0.2, inputShape: [40] }),
      flat,
      () => tf.mul(flat, tf.add(1, tf.mul(0.5, normal(0, [2, 40])))),
    ],
    [
      'alphaDropout',
      layers.alphaDropout({ rate: 0.25, inputShape: [40] }),
      flat,
      () => {
        const values = tf.where(tf.greaterEqual(uniform(0, [2, 40]), 0.25), flat, tf.fill([2, 40], dropped));
        return tf.mul(scale(0.25), tf.sub(values, 0.25 * dropped));
      },
    ],
    [
      'dropout within timeDistributed',
      layers.timeDistributed({ layer: layers.dropout({ rate: 0.5 }), inputShape: [3, 8] }),
      sequence,
      () => {
        const masks = [0, 1, 2].map((step) => kept(uniform(step, [2, 8]), 0.5));
        return tf.mul(2, tf.mul(sequence, tf.stack(masks, 1)));
      },
    ],
  ];
  test.each(cases)('%s', (_, layer, input, expected) => {
    const model = only(layer);
    const f = modelToFunction(model, { training: true, random });
    const [outputs, statistics] = f({}, input, { key });
    expect(statistics).toEqual({});
    expect(outputs).toBeAllClose(expected(), { rtol: 1e-5, atol: 1e-5 });
    expect(jit(f)({}, input, { key })[0]).toBeAllClose(outputs, { rtol: 1e-5, atol: 1e-5 });
    expect(outputs).not.toBeAllClose(f({}, input, { key: keyOf(3, 6) })[0], { rtol: 1e-2, atol: 1e-2 });
    expect(outputs).not.toBeAllClose(input, { rtol: 1e-2, atol: 1e-2 });
    // In inference, and in tfjs afterwards, there is none.
    expect(modelToFunction(model)({}, input)).toBeAllClose(input);
    expect(model.predict(input) as Tensor).toBeAllClose(input);
    expectNoLeak(() => f({}, input, { key })[0].dispose());
  });

  test('two layers, and one layer that is used twice, draw other numbers each time', () => {
    const input = tf.input({ shape: [40] });
    const drop = layers.dropout({ rate: 0.5 });
    const outputs = [drop, drop, layers.dropout({ rate: 0.5 })].map((each) => each.apply(input) as tf.SymbolicTensor);
    const f = modelToFunction<Tensor[]>(tf.model({ inputs: input, outputs }), { training: true, random });
    const results = f({}, tf.ones([1, 40]), { key })[0].map((each) => each.dataSync().join());
    expect(new Set(results).size).toBe(3);
  });

  test('within recurrent layers: one mask for a sequence, and none is left behind', () => {
    const rnn = layers.simpleRNN({ units: 3, dropout: 0.5, recurrentDropout: 0.25, inputShape: [3, 8] });
    const model = only(rnn);
    const f = modelToFunction(model, { training: true, random });
    const parameters = modelParameters(model);
    const [kernel, recurrent, bias] = rnn.getWeights() as [Tensor, Tensor, Tensor];
    const masks = [tf.mul(2, kept(uniform(0, [2, 8]), 0.5)), tf.mul(4 / 3, kept(uniform(1, [2, 3]), 0.25))] as const;
    let state: Tensor = tf.zeros([2, 3]);
    for (const step of tf.unstack(sequence, 1)) {
      const [input, last] = [tf.mul(step, masks[0]), tf.mul(state, masks[1])];
      state = tf.tanh(tf.addN([tf.matMul(input, kernel), tf.matMul(last, recurrent), tf.broadcastTo(bias, [2, 3])]));
    }
    expect(f(parameters, sequence, { key })[0]).toBeAllClose(state, { rtol: 1e-5, atol: 1e-5 });
    const loss = (p: ModelParameters): Tensor => tf.sum(f(p, sequence, { key })[0]);
    expect(tree.paths(grad(loss)(parameters))).toEqual(tree.paths(parameters));
    const plain = modelToFunction(model);
    const predicted = model.predict(sequence) as Tensor;
    f(parameters, sequence, { key });
    expect(model.predict(sequence) as Tensor).toBeAllClose(predicted);
    expect(plain(parameters, sequence)).toBeAllClose(predicted);
    expect(jit(plain)(parameters, sequence)).toBeAllClose(predicted);
    expectNoLeak(() => f(parameters, sequence, { key })[0].dispose());
    expectNoLeak(() => plain(parameters, sequence).dispose());
    model.dispose();
  });

  test.each([
    ['lstm', layers.lstm],
    ['gru', layers.gru],
  ] as const)('%s of dropout under grad, vmap over keys and jit', (_, make) => {
    const cells = make({ units: 2, dropout: 0.5, recurrentDropout: 0.5, recurrentActivation: 'sigmoid' }) as tf.RNN;
    const model = only(layers.bidirectional({ layer: cells, mergeMode: 'concat', inputShape: [3, 8] }));
    const f = modelToFunction(model, { training: true, random });
    const parameters = modelParameters(model);
    const loss = (p: ModelParameters, own: Tensor): Tensor => tf.sum(tf.square(f(p, sequence, { key: own })[0]));
    const keys = [keyOf(1, 2), keyOf(8, 1), keyOf(5, 5)];
    const mapped = jit(vmap(grad(loss), { inAxes: [null, 0] }))(parameters, tf.stack(keys));
    const looped = keys.map((own) => grad(loss)(parameters, own));
    keys.forEach((_, i) => {
      const row = tree.map((leaf: Tensor) => tf.gather(leaf, i), mapped as ModelParameters);
      expect(row).toBeAllClose(looped[i]!, { rtol: 1e-4, atol: 1e-5 });
    });
    expect(looped[0]).not.toBeAllClose(looped[1]!, { rtol: 1e-2, atol: 1e-2 });
    model.dispose();
  });

  test('without a source or a key, the layer is named', () => {
    const dropout = only(layers.dropout({ rate: 0.5, name: 'drop', inputShape: [2] }));
    expect(() => modelToFunction(dropout, { training: true })).toThrow(
      'modelToFunction: the layer drop (Dropout) draws random numbers in training; say how: modelToFunction(model, { training: true, random })',
    );
    const f = modelToFunction(dropout, { training: true, random });
    expect(() => f({}, tf.ones([1, 2]))).toThrow(/the layer drop \(Dropout\) draws random numbers .* pass a key/);
    // Layers that drop nothing need none.
    const idle = only(layers.dropout({ rate: 0, inputShape: [2] }));
    expect(modelToFunction(idle, { training: true })({}, tf.ones([1, 2]))[0]).toBeAllClose(tf.ones([1, 2]));
  });
});

describe('batch normalization', () => {
  test.each([
    ['the last axis', { axis: 2 }],
    ['another axis', { axis: 1 }],
  ])('over %s returns the averages that tfjs writes, and leaves the model as it is', (_, options) => {
    const model = only(layers.batchNormalization({ ...options, momentum: 0.9, inputShape: [4, 3], name: 'norm' }));
    const input = wave(2, 4, 3);
    const before = valuesOf(model);
    const f = modelToFunction(model, { training: true });
    const [outputs, statistics] = f(modelParameters(model), input);
    expect(jit(f)(modelParameters(model), input)).toBeAllClose([outputs, statistics]);
    expect(valuesOf(model)).toEqual(before);
    expect(tree.paths(statistics)).toEqual(['$.norm.moving_mean', '$.norm.moving_variance']);
    expectNoLeak(() => tf.dispose(f(modelParameters(model), input) as never));

    // From statistics that are passed, on; and what tfjs has after two calls.
    const [, next] = f(modelParameters(model), tf.mul(input, 2), { statistics });
    const { mean, variance } = tf.moments(input, options.axis === 2 ? [0, 1] : [0, 2], true);
    const normalized = tf.div(tf.sub(input, mean), tf.sqrt(tf.add(variance, 1e-3)));
    expect(outputs).toBeAllClose(normalized, { rtol: 1e-4, atol: 1e-5 });
    model.apply(input, { training: true });
    expect(modelStatistics(model)).toBeAllClose(statistics);
    model.apply(tf.mul(input, 2), { training: true });
    expect(modelStatistics(model)).toBeAllClose(next);
    const predicted = modelToFunction(model)(modelParameters(model), input);
    expect(jit(modelToFunction(model))(modelParameters(model), input, { statistics })).not.toBeAllClose(predicted);

    assignModelParameters(model, modelParameters(model), statistics);
    expect(modelStatistics(model)).toBeAllClose(statistics);
  });

  test('without scale and offset, which tfjs cannot train', () => {
    const normalize = { inputShape: [3], axis: -1, name: 'norm' };
    const plain = only(layers.batchNormalization({ ...normalize, scale: false, center: false }));
    const full = only(layers.batchNormalization(normalize));
    expect(() => plain.apply(wave(5, 3), { training: true })).toThrow();
    const [outputs, statistics] = modelToFunction(plain, { training: true })({}, wave(5, 3));
    const expected = modelToFunction(full, { training: true })(modelParameters(full), wave(5, 3));
    expect([outputs, statistics]).toBeAllClose(expected);
    expect(plain.getWeights().length).toBe(2);
    expect(modelToFunction(plain)({}, wave(5, 3))).toBeAllClose(plain.predict(wave(5, 3)) as Tensor);
  });

  test('as aux of a gradient; those of frozen layers are statistics, their weights are not', () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 2, inputShape: [3], name: 'frozen', trainable: false }),
        layers.batchNormalization({ name: 'norm', trainable: false }),
        layers.dense({ units: 1, name: 'last' }),
      ],
    });
    const f = modelToFunction(model, { training: true });
    const loss = (p: ModelParameters, x: Tensor): [Tensor, ModelParameters] => {
      const [outputs, statistics] = f(p, x);
      return [tf.sum(outputs), statistics];
    };
    const [gradient, statistics] = grad(loss, { hasAux: true })(modelParameters(model), wave(5, 3));
    expect(tree.paths(gradient)).toEqual(['$.last.bias', '$.last.kernel']);
    expect(statistics).toBeAllClose(f(modelParameters(model), wave(5, 3))[1]);
    expect(tree.paths(statistics)).toEqual(['$.norm.moving_mean', '$.norm.moving_variance']);
  });

  test('statistics that do not fit are named', () => {
    const model = only(layers.batchNormalization({ inputShape: [3], name: 'norm' }));
    const f = modelToFunction(model);
    const apply = (statistics: ModelParameters): Tensor => f(modelParameters(model), wave(2, 3), { statistics });
    const { moving_mean, moving_variance } = modelStatistics(model)['norm'] as { [name: string]: Tensor };
    expect(() => apply({ norm: { moving_mean: moving_mean! } })).toThrow(
      'modelToFunction: the statistics have no norm/moving_variance, which the model has',
    );
    const wrong = { norm: { moving_mean: tf.zeros([4]), moving_variance: moving_variance! } };
    expect(() => apply(wrong)).toThrow(
      'modelToFunction: norm/moving_mean has shape [4] in the statistics and [3] in the model',
    );
    expect(() => apply({ ...modelStatistics(model), other: { mean: moving_mean! } })).toThrow(
      'modelToFunction: the model has no statistic other/mean; it has norm/moving_mean, norm/moving_variance',
    );
  });
});

describe('errors name the layer', () => {
  class Own extends tf.layers.Layer {
    static className = 'Own';
    readonly run: (x: Tensor) => Tensor;
    constructor(run: (x: Tensor) => Tensor, config: { name: string; inputShape?: number[] }) {
      super(config);
      this.run = run;
    }
    override computeOutputShape(shape: tf.Shape): tf.Shape {
      return shape;
    }
    override call(inputs: Tensor | Tensor[]): Tensor {
      return this.run(Array.isArray(inputs) ? inputs[0]! : inputs);
    }
  }

  test('whose kernel has no rule, at first use', () => {
    const distinct = (x: Tensor): Tensor => tf.reshape(tf.unique(tf.reshape(x, [4])).values, [1, 4]);
    const inner = only(new Own(distinct, { name: 'distinct', inputShape: [4] }));
    const f = modelToFunction(only(inner));
    expect(() => jit(f)({}, wave(1, 4))).toThrow(/^layer distinct \(Own\): trace: .* Unique/);
    expect(f({}, wave(1, 4))).toBeAllClose(distinct(wave(1, 4)));
  });

  test('that draws hidden numbers in training', () => {
    const model = only(new Own((x) => tf.dropout(x, 0.5), { name: 'own', inputShape: [4] }));
    const f = modelToFunction(model, { training: true });
    expect(() => f({}, wave(1, 4))).toThrow(/^layer own \(Own\): .* draws hidden random numbers/);
    // The layer is as it was.
    expect(Object.hasOwn(model.layers[0]!, 'call')).toBe(false);
  });

  test('that is stateful', () => {
    const rnn = layers.lstm({ units: 2, stateful: true, batchInputShape: [1, 3, 2], name: 'memory' });
    expect(() => modelToFunction(only(rnn))).toThrow(/^modelToFunction: the layer memory \(LSTM\) is stateful/);
    const both = layers.bidirectional({
      layer: layers.gru({ units: 2, stateful: true, name: 'memory' }) as tf.RNN,
      mergeMode: 'concat',
      batchInputShape: [1, 3, 2],
    });
    expect(() => modelToFunction(only(both))).toThrow(/\(GRU\) is stateful/);
  });
});
