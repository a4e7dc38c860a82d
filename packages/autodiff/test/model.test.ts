import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tree from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  assignModelParameters,
  grad,
  jit,
  type ModelParameters,
  modelParameters,
  modelToFunction,
  vmap,
} from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const inputs = tf.tensor2d([
  [0.1, -0.4, 0.7],
  [1, 0.2, -0.3],
]);
const made: tf.LayersModel[] = [];
const disposed = <M extends tf.LayersModel>(model: M): M => {
  made.push(model);
  return model;
};
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

const layer = (units: number, activation: string, name: string): tf.layers.Layer =>
  tf.layers.dense({
    units,
    activation: activation as 'relu',
    name,
    biasInitializer: tf.initializers.randomNormal({ seed: 3 }),
  });

function network(activation = 'tanh'): tf.Sequential {
  const hidden = tf.layers.dense({ units: 4, activation: activation as 'tanh', name: 'hidden', inputShape: [3] });
  return disposed(tf.sequential({ layers: [hidden, layer(2, 'softmax', 'output')] }));
}

describe('modelToFunction', () => {
  test.each([
    'tanh',
    'relu',
    'relu6',
    'sigmoid',
    'elu',
    'selu',
    'softplus',
    'softmax',
    'linear',
    'swish',
    'hardSigmoid',
  ])('a dense network with %s equals the model, and its gradient equals tfjs', (activation) => {
    const model = network(activation);
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    expect(tree.paths(parameters)).toEqual(['$.hidden.bias', '$.hidden.kernel', '$.output.bias', '$.output.kernel']);
    expect(f(parameters, inputs)).toBeAllClose(model.predict(inputs) as Tensor);
    expect(jit(f)(parameters, inputs)).toBeAllClose(model.predict(inputs) as Tensor);
    const gradient = grad((p: ModelParameters) => tf.sum(tf.square(f(p, inputs))))(parameters);
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(model.apply(inputs) as Tensor)) as tf.Scalar);
    const weights = model.trainableWeights.map(
      (weight) => grads[(weight as unknown as { val: tf.Variable }).val.name]!,
    );
    expect([gradient['hidden']!['kernel'], gradient['hidden']!['bias']]).toBeAllClose(weights.slice(0, 2), {
      atol: 1e-5,
    });
    expect([gradient['output']!['kernel'], gradient['output']!['bias']]).toBeAllClose(weights.slice(2), { atol: 1e-5 });
  });

  test('other parameters than those of the model, which stays as it is', () => {
    const model = network();
    const f = modelToFunction(model);
    const before = model.getWeights().map((weight) => weight.dataSync());
    const parameters = tree.map((leaf: Tensor) => tf.zerosLike(leaf), modelParameters(model));
    expect(f(parameters, inputs)).toBeAllClose([
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
    expect(model.getWeights().map((weight) => weight.dataSync())).toBeAllClose(before);
    expect(() => f(parameters, tf.ones([2, 7]))).toThrow();
    expect(model.getWeights().map((weight) => weight.dataSync())).toBeAllClose(before);
  });

  test('a population of parameters by vmap', () => {
    const model = network();
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    const population = tree.map((leaf: Tensor) => tf.stack([leaf, tf.zerosLike(leaf), tf.neg(leaf)]), parameters);
    const results = vmap(f, { inAxes: [0, null] })(population, inputs);
    const one = (factor: number): Tensor =>
      f(
        tree.map((leaf: Tensor) => tf.mul(leaf, factor), parameters),
        inputs,
      );
    expect(results).toBeAllClose(tf.stack([one(1), one(0), one(-1)]));
  });

  test('a layer that is used twice has its parameters once', () => {
    const input = tf.input({ shape: [3] });
    const shared = layer(3, 'tanh', 'shared');
    const model = disposed(
      tf.model({ inputs: input, outputs: shared.apply(shared.apply(input)) as tf.SymbolicTensor }),
    );
    const parameters = modelParameters(model);
    expect(tree.paths(parameters)).toEqual(['$.shared.bias', '$.shared.kernel']);
    const f = modelToFunction(model);
    const { kernel, bias } = parameters['shared'] as { kernel: Tensor; bias: Tensor };
    const apply = (x: Tensor): Tensor => tf.tanh(tf.add(tf.matMul(x, kernel), bias));
    expect(f(parameters, inputs)).toBeAllClose(apply(apply(inputs)));
  });

  test('a weight of two layers stands once, and both use it', () => {
    const dense = layer(2, 'tanh', 'own');
    const [one, many] = [tf.input({ shape: [3] }), tf.input({ shape: [4, 3] })];
    const outputs = [dense.apply(one), tf.layers.timeDistributed({ layer: dense, name: 'each' }).apply(many)];
    // tfjs cannot dispose such a model: it would dispose the weights twice.
    const model = tf.model({ inputs: [one, many], outputs: outputs as tf.SymbolicTensor[] });
    const parameters = modelParameters(model);
    expect(tree.size(parameters)).toBe(2 * 3 + 2);
    const before = model.getWeights().map((weight) => weight.dataSync());
    const zeros = tree.map((leaf: Tensor) => tf.zerosLike(leaf), parameters);
    expect(modelToFunction<Tensor[]>(model)(zeros, [inputs, tf.ones([2, 4, 3])])).toBeAllClose([
      tf.zeros([2, 2]),
      tf.zeros([2, 4, 2]),
    ]);
    expect(model.getWeights().map((weight) => weight.dataSync())).toBeAllClose(before);
  });

  test('two layers of one cell have numbered names', () => {
    const cells = tf.layers.bidirectional({
      layer: tf.layers.simpleRNN({ units: 2, name: 'rnn' }) as tf.RNN,
      inputShape: [4, 3],
      name: 'both',
    });
    const model = disposed(tf.sequential({ layers: [cells] }));
    const parameters = modelParameters(model);
    expect(tree.size(parameters)).toBe(2 * (6 + 4 + 2));
    const f = modelToFunction(model);
    const sequence = tf.ones([1, 4, 3]);
    expect(jit(f)(parameters, sequence)).toBeAllClose(model.predict(sequence) as Tensor);
    const gradient = grad((p: ModelParameters) => tf.sum(f(p, sequence)))(parameters);
    expect(tree.paths(gradient)).toEqual(tree.paths(parameters));
  });

  test('several inputs and outputs', () => {
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const joined = tf.layers.concatenate().apply([a, b]) as tf.SymbolicTensor;
    const outputs = [
      layer(2, 'tanh', 'first').apply(joined),
      layer(1, 'relu', 'second').apply(joined),
    ] as tf.SymbolicTensor[];
    const model = disposed(tf.model({ inputs: [a, b], outputs }));
    const f = modelToFunction<Tensor[]>(model);
    const results = f(modelParameters(model), [inputs, tf.neg(inputs)]);
    expect(results).toBeAllClose(model.predict([inputs, tf.neg(inputs)]) as Tensor[]);
    const total = grad((p: ModelParameters) =>
      tf.add(tf.sum(f(p, [inputs, inputs])[0]!), tf.sum(f(p, [inputs, inputs])[1]!)),
    );
    expect(tree.size(total(modelParameters(model)))).toBe(2 * 6 + 2 + 6 + 1);
  });

  test('layers run as in inference, and frozen weights keep the values of the model', () => {
    const model = disposed(
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 3, inputShape: [3], name: 'frozen', trainable: false }),
          tf.layers.dropout({ rate: 0.9 }),
          tf.layers.leakyReLU(),
          layer(1, 'linear', 'last'),
        ],
      }),
    );
    const parameters = modelParameters(model);
    expect(tree.paths(parameters)).toEqual(['$.last.bias', '$.last.kernel']);
    const f = jit(modelToFunction(model));
    expect(f(parameters, inputs)).toBeAllClose(model.predict(inputs) as Tensor);
  });

  test.each([
    ['with scale and offset', {}],
    ['without scale', { scale: false }],
    ['without offset', { center: false }],
    ['without either', { scale: false, center: false }],
    // tfjs's own kernel on cpu does not broadcast here, and is wrong.
    ['over an axis that is not the last', { axis: 1 }],
  ])(
    'batchNormalization %s, with the averages of the model',
    (_, options: { axis?: number; scale?: boolean; center?: boolean }) => {
      const { axis = 2, scale = true, center = true } = options;
      const broadcast = axis === 1 ? [4, 1] : [1, 3];
      const [mean, variance] = [tf.linspace(-1, 1, 12 / (axis + 2)), tf.linspace(0.5, 2, 12 / (axis + 2))];
      const normalize = tf.layers.batchNormalization({ axis, scale, center, inputShape: [4, 3], name: 'norm' });
      const model = disposed(tf.sequential({ layers: [normalize, layer(2, 'tanh', 'last')] }));
      normalize.setWeights([...normalize.trainableWeights.map(() => tf.linspace(0.5, 1, mean.size)), mean, variance]);
      const parameters = modelParameters(model);
      const names = [...(center ? ['$.norm.beta'] : []), ...(scale ? ['$.norm.gamma'] : [])];
      expect(tree.paths(parameters)).toEqual(['$.last.bias', '$.last.kernel', ...names]);

      const reference = ({ norm = {}, last }: ModelParameters, x: Tensor): Tensor => {
        const along = (each: Tensor): Tensor => tf.reshape(each, broadcast);
        const unit = tf.div(tf.sub(x, along(mean)), tf.sqrt(tf.add(along(variance), 1e-3)));
        const scaled = norm['gamma'] ? tf.mul(unit, along(norm['gamma'])) : unit;
        const hidden = norm['beta'] ? tf.add(scaled, along(norm['beta'])) : scaled;
        const product = tf.matMul(tf.reshape(hidden, [8, 3]), last!['kernel']!);
        return tf.reshape(tf.tanh(tf.add(product, last!['bias']!)), [2, 4, 2]);
      };
      const sequences = tf.sin(tf.reshape(tf.range(0, 24), [2, 4, 3]));
      const f = modelToFunction(model);
      expect(jit(f)(parameters, sequences)).toBeAllClose(reference(parameters, sequences));
      if (axis === 2) expect(model.predict(sequences) as Tensor).toBeAllClose(reference(parameters, sequences));
      const gradient = (of: typeof reference): ModelParameters =>
        grad((p: ModelParameters) => tf.sum(tf.square(of(p, sequences))))(parameters);
      expect(gradient(f)).toBeAllClose(gradient(reference), { rtol: 1e-5, atol: 1e-5 });
    },
  );

  test('layerNormalization', () => {
    const model = disposed(
      tf.sequential({
        layers: [tf.layers.layerNormalization({ inputShape: [3], name: 'norm' }), layer(2, 'tanh', 'last')],
      }),
    );
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    expect(tree.paths(parameters)).toEqual(['$.last.bias', '$.last.kernel', '$.norm.beta', '$.norm.gamma']);
    expect(jit(f)(parameters, inputs)).toBeAllClose(model.predict(inputs) as Tensor);
    const gradient = grad((p: ModelParameters) => tf.sum(f(p, inputs)))(parameters);
    expect(tree.paths(gradient)).toEqual(tree.paths(parameters));
  });

  test('parameters that do not fit are named with both sides', () => {
    const model = network();
    const f = modelToFunction(model);
    const { hidden, output } = modelParameters(model) as {
      hidden: { [name: string]: Tensor };
      output: { [name: string]: Tensor };
    };
    expect(() => f({ hidden: hidden! }, inputs)).toThrow(
      'modelToFunction: the parameters have no output/kernel, which the model has',
    );
    expect(() => f({ hidden: hidden!, output: output!, extra: { kernel: inputs } }, inputs)).toThrow(
      'modelToFunction: the model has no trainable weight extra/kernel; it has hidden/kernel, hidden/bias, output/kernel, output/bias',
    );
    expect(() => f({ hidden: { ...hidden!, bias: tf.zeros([5]) }, output: output! }, inputs)).toThrow(
      'modelToFunction: hidden/bias has shape [5] in the parameters and [4] in the model',
    );
  });

  test('leaves the outputs and nothing else', () => {
    const model = network();
    const f = modelToFunction(model);
    f(modelParameters(model), inputs).dispose();
    expectNoLeak(() => f(modelParameters(model), inputs).dispose());
    expectNoLeak(() => {
      expect(() => f({}, inputs)).toThrow();
    });
  });
});

test('assignModelParameters writes parameters back, and they stay the caller’s', () => {
  const model = network();
  const parameters = tree.map((leaf: Tensor) => tf.mul(leaf, 2), modelParameters(model));
  const expected = modelToFunction(model)(parameters, inputs);
  assignModelParameters(model, parameters);
  expect(model.predict(inputs) as Tensor).toBeAllClose(expected);
  expect(modelParameters(model)).toBeAllClose(parameters);
  for (const leaf of tree.leaves(parameters)) leaf.dispose();
  expect(model.predict(inputs) as Tensor).toBeAllClose(expected);
  expect(() => assignModelParameters(model, {})).toThrow(/the parameters have no hidden\/kernel/);
  expectNoLeak(() => {
    const zeros = tree.map((leaf: Tensor) => tf.zerosLike(leaf), modelParameters(model));
    assignModelParameters(model, zeros);
    for (const leaf of tree.leaves(zeros)) leaf.dispose();
  });
});

test('binaryCrossentropy, whose logit is 0 at a probability of a half', () => {
  const labels = tf.tensor1d([1, 0]);
  const loss = (p: Tensor): Tensor => tf.mul(2, tf.sum(tf.metrics.binaryCrossentropy(labels, p)));
  const half = tf.tensor1d([0.5, 0.5]);
  // -log(p) and -log(1 - p)
  expect(grad(loss)(half)).toBeAllClose([-2, 2]);
  expect(grad((p: Tensor) => tf.sum(grad(loss)(p)))(half)).toBeAllClose([4, 4]);
});
