// Converted models under the transforms, on each device: predictions, gradients of both orders, samples apart, and what is left behind.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tree from '@posteriors/tree';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type GraphParameters,
  grad,
  hvp,
  jit,
  modelParameters,
  modelStatistics,
  modelToFunction,
  vmap,
} from '../src/index.ts';
import { uniforms } from './float64.ts';
import {
  attentionModel,
  convolutionModel,
  denseModel,
  embeddingModel,
  fusedModel,
  resizeModel,
  weightValues,
} from './graph-models.ts';
import { energy, expectModelGradients, expectSlope, type ModelLoss } from './model-gradients.ts';

type Tensor = tf.Tensor;
type Outputs = { [name: string]: Tensor };

const uniform = uniforms(5);
const numbers = (shape: number[], below?: number): Tensor => {
  const values = Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
    below === undefined ? 2 * uniform() - 1 : Math.floor(below * uniform()),
  );
  return tf.tensor(values, shape, below === undefined ? 'float32' : 'int32');
};

interface Case {
  readonly name: string;
  build(): GraphModel<tf.io.IOHandlerSync>;
  inputs(): Tensor[];
  readonly parameters: readonly string[];
  readonly statistics?: readonly string[];
}

const cases: Case[] = [
  {
    name: 'dense',
    build: denseModel,
    inputs: () => [numbers([3, 3])],
    parameters: ['hidden/kernel', 'hidden/bias', 'fused/kernel', 'fused/bias', 'output/kernel', 'output/bias'],
  },
  {
    name: 'convolutions, batch normalisation and a computed reshape',
    build: convolutionModel,
    inputs: () => [numbers([2, 6, 6, 2])],
    parameters: ['conv/kernel', 'norm/gamma', 'norm/beta', 'depthwise/kernel', 'output/kernel', 'output/bias'],
    statistics: ['norm/mean', 'norm/variance'],
  },
  {
    name: 'fused convolutions',
    build: fusedModel,
    inputs: () => [numbers([2, 4, 4, 2])],
    parameters: ['conv/kernel', 'conv/bias', 'deep/kernel', 'deep/bias', 'deep/slope'],
  },
  {
    name: 'an embedding, with several inputs and outputs by name',
    build: embeddingModel,
    inputs: () => [numbers([4, 3], 5), numbers([4, 2])],
    parameters: ['table', 'score/kernel', 'score/bias'],
  },
  {
    name: 'attention with computed shapes and layer normalisation',
    build: attentionModel,
    inputs: () => [numbers([2, 3, 4])],
    parameters: ['query/kernel', 'key/kernel', 'value/kernel', 'norm/gamma'],
  },
  {
    name: 'a resize by a factor',
    build: resizeModel,
    inputs: () => [numbers([2, 2, 4, 2])],
    parameters: ['weight'],
  },
];

const valuesOf = (tensors: unknown): readonly (readonly number[])[] =>
  tree.leaves(tensors as tree.TensorTree).map((leaf) => [...(leaf as Tensor).dataSync()]);
const one = (row: Tensor[]): Tensor[] => row.map((input) => tf.expandDims(input));

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(cases)('$name: as the model predicts, eagerly and compiled', async ({ build, inputs, ...names }) => {
    const [model, x] = [build(), inputs()];
    // Not every device of tfjs has every kernel of these models.
    await setBackend('cpu');
    const expected = model.predict(x) as Outputs;
    const before = weightValues(model);
    await setBackend(device);
    const parameters = modelParameters(model);
    const f = modelToFunction<Outputs>(model);
    expect(Object.keys(parameters).sort()).toEqual([...names.parameters].sort());
    expect(Object.keys(modelStatistics(model)).sort()).toEqual(names.statistics ?? []);
    expect(f(parameters, x)).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-6 });
    expect(jit(f)(parameters, x)).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-6 });
    const other = tree.map((leaf: Tensor) => tf.mul(leaf, 0.5), parameters);
    expect(valuesOf(f(other, x))).not.toEqual(valuesOf(expected));
    expect(weightValues(model)).toEqual(before);
  });

  test.each(cases)('$name: leaves what it returns and nothing else', ({ build, inputs }) => {
    const [model, x] = [build(), inputs()];
    const parameters = modelParameters(model);
    const f = modelToFunction<Outputs>(model);
    const loss = (p: GraphParameters): Tensor => energy(f(p, x));
    const compiled = jit(grad(loss));
    tf.dispose([f(parameters, x), compiled(parameters)]);
    expectNoLeak(() => tf.dispose(f(parameters, x)));
    expectNoLeak(() => tf.dispose(grad(loss)(parameters)));
    expectNoLeak(() => tf.dispose(compiled(parameters)));
    expectNoLeak(() => {
      tf.tidy(() => {
        f(parameters, x);
      });
    });
    expectNoLeak(() => {
      expect(() => f(parameters, [])).toThrow('Input tensor count mismatch');
    });
    expectNoLeak(() => {
      const fails = (p: GraphParameters): Tensor => {
        f(p, x);
        throw new Error('afterwards');
      };
      expect(() => grad(fails)(parameters)).toThrow('afterwards');
    });
    const own = Object.values(model.weights).flat();
    expect(own.filter(({ isDisposed }) => isDisposed)).toEqual([]);
  });
});

describe('derivatives', () => {
  beforeAll(() => setBackend('cpu'));

  test.each(cases)('$name: gradients, samples apart, and Hessians', ({ build, inputs }) => {
    const [model, x] = [build(), inputs()];
    const f = modelToFunction(model);
    const [parameters, statistics] = [modelParameters(model), modelStatistics(model)];
    const loss: ModelLoss<GraphParameters> = (p, s, rows) => energy(f(p, rows, { statistics: s }));
    expectModelGradients(loss, parameters, statistics, x, one);

    const direction = tree.map((leaf: Tensor) => numbers(leaf.shape), parameters);
    const slope: ModelLoss<GraphParameters> = (p, s, rows) => {
      const gradient = grad(loss)(p, s, rows);
      return tf.addN(Object.keys(direction).map((name) => tf.sum(tf.mul(gradient[name]!, direction[name]!))));
    };
    const [, product] = hvp((p: GraphParameters) => loss(p, statistics, x), [parameters], [direction]);
    expectSlope(slope, product, parameters, statistics, x);
  });

  test('a population of parameters', () => {
    const model = denseModel();
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    const x = numbers([2, 3]);
    const factors = [1, 0.5, -1];
    const scaled = (factor: number): GraphParameters => tree.map((leaf: Tensor) => tf.mul(leaf, factor), parameters);
    const population = tree.map(
      (_: Tensor, ...leaves: Tensor[]) => tf.stack(leaves),
      parameters,
      ...factors.map(scaled),
    );
    const expected = tf.stack(factors.map((factor) => f(scaled(factor), x)));
    expect(vmap(f, { inAxes: [0, null] })(population, x)).toBeAllClose(expected);
    expect(jit(vmap(f, { inAxes: [0, null] }))(population, x)).toBeAllClose(expected);
    expect(() => f(population, x)).toThrow(/fused\/bias is float32\[3,4\] in the parameters .* inAxes: \[0, null\]/);
  });
});
