// Layers of tfjs under the transforms: each model compiled, differentiated, and mapped over samples.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { grad, jit, type ModelParameters, modelParameters, modelStatistics, modelToFunction } from '../src/index.ts';
import { uniforms } from './float64.ts';
import { energy, expectModelGradients, type ModelLoss } from './model-gradients.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Symbolic = tf.SymbolicTensor;
const { layers } = tf;

interface Sample {
  readonly shape: readonly number[];
  /** Integers below this, else real numbers. */
  readonly below?: number;
}
interface Model {
  readonly name: string;
  readonly samples: readonly Sample[];
  build(): tf.LayersModel;
}

const models: Model[] = [];

/** A model of one input and layers on it. */
function chain(name: string, sample: Sample, list: () => tf.layers.Layer[]): void {
  models.push({
    name,
    samples: [sample],
    build() {
      const input = tf.input({ shape: [...sample.shape] });
      return tf.model({ inputs: input, outputs: list().reduce((x, each) => each.apply(x) as Symbolic, input) });
    },
  });
}

function graph(name: string, samples: readonly Sample[], outputs: (inputs: Symbolic[]) => unknown): void {
  models.push({
    name,
    samples,
    build() {
      const inputs = samples.map(({ shape }) => tf.input({ shape: [...shape] }));
      return tf.model({ inputs, outputs: outputs(inputs) as Symbolic });
    },
  });
}

const flat: Sample = { shape: [4] };
const sequence: Sample = { shape: [3, 2] };
const image: Sample = { shape: [5, 4, 2] };
const last = (): tf.layers.Layer => layers.dense({ units: 2, activation: 'tanh' });
const flatten = (): tf.layers.Layer[] => [layers.flatten(), last()];

chain('dense', flat, () => [layers.dense({ units: 3, activation: 'gelu' as 'relu' }), last()]);
chain('ReLU layers', flat, () => [
  layers.dense({ units: 5 }),
  layers.prelu({ alphaInitializer: 'ones' }),
  layers.elu(),
  layers.dense({ units: 4 }),
  layers.leakyReLU(),
  layers.thresholdedReLU({ theta: 0.1 }),
  layers.reLU({ maxValue: 6 }),
  layers.softmax(),
]);
chain('activation and permute', sequence, () => [
  layers.permute({ dims: [2, 1] }),
  layers.activation({ activation: 'softsign' }),
  ...flatten(),
]);
chain('repeatVector and timeDistributed', flat, () => [
  layers.repeatVector({ n: 3 }),
  layers.timeDistributed({ layer: layers.dense({ units: 2, activation: 'sigmoid' }) }),
  ...flatten(),
]);
chain('convolution and pool', image, () => [
  layers.conv2d({ filters: 3, kernelSize: 2, padding: 'same', activation: 'elu' }),
  layers.maxPooling2d({ poolSize: 2 }),
  ...flatten(),
]);
chain('dilated convolution, padding, cropping and upsampling', image, () => [
  layers.zeroPadding2d({ padding: [1, 2] }),
  layers.conv2d({ filters: 2, kernelSize: 2, dilationRate: 2 }),
  layers.cropping2D({
    cropping: [
      [0, 1],
      [1, 0],
    ],
  }),
  layers.upSampling2d({ size: [2, 1] }),
  layers.averagePooling2d({ poolSize: 2 }),
  ...flatten(),
]);
chain('conv1d and global pools', sequence, () => [
  layers.conv1d({ filters: 3, kernelSize: 2, activation: 'tanh' }),
  layers.globalMaxPooling1d(),
  last(),
]);
chain('conv3d', { shape: [3, 3, 2, 1] }, () => [
  layers.conv3d({ filters: 2, kernelSize: 2, activation: 'tanh' }),
  ...flatten(),
]);
chain('depthwiseConv2d', image, () => [
  layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }),
  layers.globalAveragePooling2d({}),
  last(),
]);
chain('separableConv2d', image, () => [
  layers.separableConv2d({ filters: 3, kernelSize: 2, depthMultiplier: 2, activation: 'tanh' }),
  ...flatten(),
]);
chain('conv2dTranspose', image, () => [
  layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, activation: 'tanh' }),
  ...flatten(),
]);
chain('conv3dTranspose and pools of volumes', { shape: [2, 2, 2, 1] }, () => [
  layers.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2, activation: 'tanh' }),
  layers.maxPooling3d({ poolSize: 2, strides: 1 }),
  layers.averagePooling3d({ poolSize: 3 }),
  ...flatten(),
]);
chain('pools of sequences', { shape: [9, 2] }, () => [
  layers.maxPooling1d({ poolSize: 2, strides: 1 }),
  layers.averagePooling1d({ poolSize: 2 }),
  layers.globalAveragePooling1d(),
  last(),
]);
chain('global maximum', image, () => [
  layers.globalMaxPooling2d({}),
  layers.reshape({ targetShape: [2, 1] }),
  ...flatten(),
]);
chain('rescaling and centerCrop', image, () => [
  layers.rescaling({ scale: 0.5, offset: 0.1 }),
  // centerCrop writes into the shape of the layer before it.
  layers.zeroPadding2d({ padding: 1 }),
  layers.centerCrop({ height: 3, width: 3 }),
  ...flatten(),
]);
chain('noise, which inference leaves out', sequence, () => [
  layers.dense({ units: 3 }),
  layers.dropout({ rate: 0.5 }),
  layers.spatialDropout1d({ rate: 0.5 }),
  layers.gaussianNoise({ stddev: 1 }),
  layers.gaussianDropout({ rate: 0.5 }),
  layers.alphaDropout({ rate: 0.5 }),
  ...flatten(),
]);
chain('masking', sequence, () => [layers.masking({ maskValue: 0 }), layers.lstm({ units: 2 }), last()]);
chain('simpleRNN', sequence, () => [layers.simpleRNN({ units: 2 }), last()]);
chain('LSTM', sequence, () => [layers.lstm({ units: 2, recurrentActivation: 'sigmoid' }), last()]);
chain('GRU', sequence, () => [layers.gru({ units: 2, goBackwards: true }), last()]);
chain('bidirectional', sequence, () => [
  layers.bidirectional({ layer: layers.lstm({ units: 2, returnSequences: true }) as tf.RNN, mergeMode: 'concat' }),
  ...flatten(),
]);
chain('stacked cells', sequence, () => [
  layers.rnn({
    cell: [layers.gruCell({ units: 3 }), layers.simpleRNNCell({ units: 3 }), layers.lstmCell({ units: 2 })] as never,
  }),
  last(),
]);
chain('convLstm2d', { shape: [2, 3, 3, 1] }, () => [layers.convLstm2d({ filters: 2, kernelSize: 2 }), ...flatten()]);
chain('embedding', { shape: [3], below: 5 }, () => [layers.embedding({ inputDim: 5, outputDim: 2 }), ...flatten()]);
chain('embedding with masks and LSTM', { shape: [3], below: 5 }, () => [
  layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true }),
  layers.lstm({ units: 2 }),
  last(),
]);
chain('layerNormalization', sequence, () => [layers.dense({ units: 3 }), layers.layerNormalization(), ...flatten()]);
chain('batchNormalization', image, () => [
  layers.conv2d({ filters: 3, kernelSize: 2 }),
  layers.batchNormalization(),
  layers.activation({ activation: 'tanh' }),
  ...flatten(),
]);
graph('branches', [flat, flat], ([a, b]) => {
  const dense = (x: Symbolic): Symbolic => layers.dense({ units: 3, activation: 'tanh' }).apply(x) as Symbolic;
  const pair = [dense(a!), dense(b!)];
  const joined = [
    layers.add(),
    layers.multiply(),
    layers.average(),
    layers.maximum(),
    layers.minimum(),
    layers.dot({ axes: 1 }),
    layers.dot({ axes: 1, normalize: true }),
  ].map((each) => each.apply(pair) as Symbolic);
  return last().apply(layers.concatenate().apply(joined) as Symbolic);
});
graph('GRU and attention', [sequence], ([x]) => {
  const states = layers.gru({ units: 2, returnSequences: true }).apply(x!) as Symbolic;
  // tfjs disposes a tensor too early that one layer has twice.
  const queries = layers.dense({ units: 2 }).apply(states) as Symbolic;
  const scores = layers.dot({ axes: 2 }).apply([queries, states]) as Symbolic;
  const weights = layers.activation({ activation: 'softmax' }).apply(scores) as Symbolic;
  const seen = layers.dot({ axes: [2, 1] }).apply([weights, states]) as Symbolic;
  return last().apply(layers.flatten().apply(seen) as Symbolic);
});
graph('a model in a model, of several outputs', [flat], ([x]) => {
  const inner = tf.sequential({ layers: [layers.dense({ units: 3, inputShape: [4], activation: 'tanh' }), last()] });
  const y = inner.apply(x!) as Symbolic;
  return [y, layers.dense({ units: 1 }).apply(y)];
});

const uniform = uniforms(7);
const numbers = (shape: readonly number[], below?: number): Tensor => {
  const values = Array.from({ length: tf.util.sizeFromShape([...shape]) }, () =>
    below === undefined ? 2 * uniform() - 1 : Math.floor(below * uniform()),
  );
  return tf.tensor(values, [...shape], below === undefined ? 'float32' : 'int32');
};

/** A model with weights away from their first values, which are often 0 or 1, and a batch for it. */
function made({ samples, build }: Model, batch = 3): { model: tf.LayersModel; inputs: Tensor[] } {
  const model = build();
  model.setWeights(
    model.weights.map((weight) => {
      const { shape } = weight.read();
      const drawn = numbers(shape);
      return weight.name.includes('variance') ? tf.add(tf.square(drawn), 0.5) : drawn;
    }),
  );
  return { model, inputs: samples.map(({ shape, below }) => numbers([batch, ...shape], below)) };
}

const asArray = (outputs: unknown): Tensor[] => (Array.isArray(outputs) ? outputs : [outputs]) as Tensor[];
const valuesOf = (model: tf.LayersModel): (readonly number[])[] =>
  model.weights.map((weight) => [...weight.read().dataSync()]);
const one = (inputs: readonly Tensor[]): Tensor[] => inputs.map((input) => tf.expandDims(input));
const argument = (inputs: readonly Tensor[]): Tensor | Tensor[] =>
  inputs.length === 1 ? (inputs[0] as Tensor) : [...inputs];

describe.each(models)('$name', (each) => {
  test('compiled, differentiated and mapped over samples', () => {
    const { model, inputs } = made(each);
    const before = valuesOf(model);
    const apply = modelToFunction<Tensor | Tensor[]>(model);
    const parameters = modelParameters(model);
    const expected = asArray(model.predict(argument(inputs)));
    expect(asArray(apply(parameters, argument(inputs)))).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-5 });
    expect(asArray(jit(apply)(parameters, argument(inputs)))).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-5 });
    const loss: ModelLoss<ModelParameters> = (p, statistics, x) => energy(apply(p, argument(x), { statistics }));
    expectModelGradients(loss, parameters, modelStatistics(model), inputs, one);
    expect(valuesOf(model)).toEqual(before);
    const dispose = (outputs: unknown): void => tf.dispose(outputs as Tensor);
    expectNoLeak(() => dispose(apply(parameters, argument(inputs))));
    expectNoLeak(() => dispose(grad(loss)(parameters, modelStatistics(model), inputs)));
  });
});

test('every layer of tfjs is in one of them', () => {
  const { classNameMap } = tf.serialization.SerializationMap.getMap() as never as {
    readonly classNameMap: { readonly [name: string]: readonly [{ readonly prototype: unknown }] };
  };
  const isLayer = ({ prototype }: { readonly prototype: unknown }): boolean => prototype instanceof layers.Layer;
  const names = Object.keys(classNameMap).filter((name) => isLayer(classNameMap[name]![0]));
  const used = new Set(
    models.flatMap(({ build }) => JSON.stringify(build().toJSON(null, false)).match(/(?<="class_name":")\w+/g) ?? []),
  );
  // A model goes by one of two names, and ConvLSTM2D does not name its cell.
  const unnamed = ['Functional', 'ConvLSTM2DCell'];
  // The first reads its input to check it and the last decides about a shape: neither can be traced. Resizing fails in every model of tfjs.
  const leftOut = ['CategoryEncoding', 'Resizing', 'RandomWidth'];
  expect(names.filter((name) => !used.has(name))).toEqual([...unnamed, ...leftOut]);
});

test('in training, batch normalization has gradients through the moments of the batch', () => {
  const each = models.find(({ name }) => name === 'batchNormalization')!;
  const { model, inputs } = made(each, 2);
  const apply = modelToFunction(model, { training: true });
  const loss: ModelLoss<ModelParameters> = (p, statistics, x) => energy(apply(p, argument(x), { statistics })[0]);
  // One image alone: its moments are over its places.
  expectModelGradients(loss, modelParameters(model), modelStatistics(model), inputs, one);
});
