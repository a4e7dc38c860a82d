/** A model of layers as a pure function: its layers run, in inference or training, with tensors in the place of weights. */

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
import { layersStatistics, type ModelParameters, match, statisticWeights, trainableWeights } from './model-weights.ts';

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
  /** Used in the place of the model's own, see `modelStatistics`. */
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

/** See `modelToFunction`. */
export function layersToFunction(
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
          return [outputs, layersStatistics(model)] as [unknown, ModelParameters];
        }),
      );
    });
}

function matched(
  model: LayersModel,
  parameters: ModelParameters,
  { statistics = layersStatistics(model) }: ModelContext,
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
