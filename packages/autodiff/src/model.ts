import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { evaluate } from './evaluate.ts';
import {
  describeLayer,
  drawsNoise,
  type Layer,
  type LayersModel,
  type LayerWeight,
  type Noise,
  nestedLayers,
  withLayers,
} from './model-layers.ts';
import { type ModelParameters, match, statisticWeights, trainableWeights, treeOf } from './model-weights.ts';

/** What a draw depends on, as in `@posteriors/random`: two words on the host, or an int32 tensor `[2]`. */
type Key = Uint32Array | Tensor;

/** Where random numbers come from: `import * as random from '@posteriors/random'` is one. */
export interface RandomSource {
  /** A new key from a key and a number. */
  foldIn(key: Key, data: number): Key;
  /** Uniform numbers in [0, 1). */
  uniform(key: Key, shape: readonly number[]): Tensor;
  /** Standard normal numbers. */
  normal(key: Key, shape: readonly number[]): Tensor;
}

export interface TrainingOptions {
  readonly training: true;
  /** Draws the noise of dropout and the like. A model without such layers needs none. */
  readonly random?: RandomSource;
}

/** What a model's function may be given beside parameters and inputs. */
export interface ModelContext {
  /** Used in the place of the model's own, see {@link modelStatistics}. */
  readonly statistics?: ModelParameters;
}

export interface TrainingContext extends ModelContext {
  /** What noise is drawn from. A model without noise needs none. */
  readonly key?: Key;
}

type Inputs = Tensor | readonly Tensor[];

/** A model as a function in inference. */
export type ModelFunction<Y> = (parameters: ModelParameters, inputs: Inputs, context?: ModelContext) => Y;

/** A model as a function in training: it also returns the new statistics. */
export type TrainingFunction<Y> = (
  parameters: ModelParameters,
  inputs: Inputs,
  context?: TrainingContext,
) => [outputs: Y, statistics: ModelParameters];

/** The trainable weights of a model, by layer and name. The tensors are the model's own: do not dispose them. */
export function modelParameters(model: LayersModel): ModelParameters {
  return treeOf(trainableWeights(model), (weight) => weight.read());
}

/**
 * What training computes instead of learning, by layer and name: the moving averages of batch normalisation. The tensors are the model's
 * own: do not dispose them.
 */
export function modelStatistics(model: LayersModel): ModelParameters {
  return treeOf(statisticWeights(model), (weight) => weight.read());
}

/**
 * Writes parameters into the model's weights, the inverse of {@link modelParameters}; and statistics, where they are given. The tensors
 * stay the caller's.
 */
export function assignModelParameters(
  model: LayersModel,
  parameters: ModelParameters,
  statistics?: ModelParameters,
): void {
  const values = match('parameters', trainableWeights(model), parameters);
  const computed = statistics === undefined ? [] : match('statistics', statisticWeights(model), statistics);
  for (const [weight, tensor] of [...values, ...computed]) weight.write(tensor);
}

/**
 * The model as a function of its parameters: `(parameters, inputs) => outputs`, with what the model returns (one tensor or several).
 *
 * Parameters are as {@link modelParameters} returns them; inputs have a batch axis, as the model asks. Weights of frozen layers keep the
 * model's values, and so do statistics, unless others are given: `(parameters, inputs, { statistics })`. The model itself is left as it is.
 *
 * With `{ training: true }` layers run as in training, and the function is
 * `(parameters, inputs, { key, statistics }) => [outputs, newStatistics]`. Layers of noise (dropout in all its kinds, also within recurrent
 * layers, and Gaussian noise) draw from `key` by means of `random`, and do not use their seeds; each draw has a key of its own,
 * `foldIn(key, i)`. Batch normalisation returns its moving averages.
 *
 * @throws if parameters and model differ in layers, weights or shapes, or a recurrent layer is stateful; in training, if there are layers of
 *   noise and no `random` or no `key`.
 */
export function modelToFunction(model: LayersModel, options?: { readonly training?: false }): ModelFunction<Tensor>;
export function modelToFunction(model: LayersModel, options: TrainingOptions): TrainingFunction<Tensor>;
export function modelToFunction<Y extends TensorTree>(
  model: LayersModel,
  options?: { readonly training?: false },
): ModelFunction<Y>;
export function modelToFunction<Y extends TensorTree>(
  model: LayersModel,
  options: TrainingOptions,
): TrainingFunction<Y>;
export function modelToFunction(
  model: LayersModel,
  options: { readonly training?: false } | TrainingOptions = {},
): ModelFunction<unknown> | TrainingFunction<unknown> {
  const layers = nestedLayers(model);
  const stateful = layers.find((layer) => layer.stateful);
  if (stateful !== undefined) {
    throw new Error(
      `modelToFunction: the layer ${describeLayer(stateful)} is stateful: it would go on from the last call, and a function depends on its ` +
        'arguments alone. Make it with stateful: false, and pass the whole sequence or its initialState.',
    );
  }
  if (options.training !== true) {
    return (parameters: ModelParameters, inputs: Inputs, context: ModelContext = {}) => {
      const weights = matched(model, parameters, context);
      return withLayers(layers, undefined, () => withWeights(weights, () => apply(model, inputs, false)));
    };
  }

  const { random } = options;
  const noisy = layers.find(drawsNoise);
  if (noisy !== undefined && random === undefined) {
    throw new Error(
      `modelToFunction: the layer ${describeLayer(noisy)} draws random numbers in training; say how: ` +
        'modelToFunction(model, { training: true, random }) with random of @posteriors/random',
    );
  }
  return (parameters: ModelParameters, inputs: Inputs, context: TrainingContext = {}) =>
    evaluate('modelToFunction', () => {
      const weights = matched(model, parameters, context);
      const noise = noiseOf(random, context.key, noisy);
      return withLayers(layers, noise, () =>
        withWeights(weights, () => {
          const outputs = apply(model, inputs, true);
          return [outputs, modelStatistics(model)] as [unknown, ModelParameters];
        }),
      );
    });
}

function matched(
  model: LayersModel,
  parameters: ModelParameters,
  { statistics = modelStatistics(model) }: ModelContext,
): Map<LayerWeight, Tensor> {
  return new Map([
    ...match('parameters', trainableWeights(model), parameters),
    ...match('statistics', statisticWeights(model), statistics),
  ]);
}

function apply(model: LayersModel, inputs: Inputs, training: boolean): unknown {
  return model.apply(inputs as never, { training } as never);
}

/** Draws with a key for each. */
function noiseOf(random: RandomSource | undefined, key: Key | undefined, noisy: Layer | undefined): Noise {
  let count = 0;
  const next = (): [RandomSource, Key] => {
    if (random === undefined || key === undefined) {
      const layer = noisy === undefined ? 'a layer' : `the layer ${describeLayer(noisy)}`;
      throw new Error(
        `modelToFunction: ${layer} draws random numbers in training; pass a key: f(parameters, inputs, { key })`,
      );
    }
    return [random, random.foldIn(key, count++)];
  };
  return {
    uniform(shape) {
      const [source, own] = next();
      return source.uniform(own, shape);
    },
    normal(shape) {
      const [source, own] = next();
      return source.normal(own, shape);
    },
  };
}

/** Runs `run` with tensors in the place of weights; what is written meanwhile is read back within `run` alone. */
function withWeights<T>(weights: ReadonlyMap<LayerWeight, Tensor>, run: () => T): T {
  const restores = [...weights].map(([weight, tensor]) => {
    // A variable of tfjs-layers holds its tensor in `val`.
    const variable = weight as LayerWeight & { val: Tensor };
    const original = variable.val;
    variable.val = tensor;
    variable.write = (value) => {
      variable.val = value;
      return variable;
    };
    return () => {
      variable.val = original;
      delete (variable as Partial<LayerWeight>).write;
    };
  });
  try {
    return run();
  } finally {
    for (const restore of restores) restore();
  }
}
