import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { GraphModel } from './model-graph.ts';
import { type GraphModelFunction, graphToFunction } from './model-graph-run.ts';
import {
  assignGraphParameters,
  type GraphParameters,
  graphParameters,
  graphStatistics,
} from './model-graph-weights.ts';
import type { LayersModel } from './model-layers.ts';
import {
  layersToFunction,
  type ModelFunction,
  type TrainingFunction,
  type TrainingOptions,
} from './model-layers-run.ts';
import { assignLayersParameters, layersParameters, layersStatistics, type ModelParameters } from './model-weights.ts';

const isGraph = (model: LayersModel | GraphModel): model is GraphModel => !('layers' in model);

/**
 * The trainable weights of a model, by layer and name. The tensors are the model's own: do not dispose them.
 *
 * Those of a converted model (`tf.GraphModel`) are by name alone. Its graph does not say what was trained; they are the float32 weights, but
 * for scalars and the averages of batch normalisation, on which its outputs depend by ops that have a derivative. Weights whose values are
 * read, such as the shape of a reshape, are none. A constant vector of the graph that was not trained may be among them: leave it out.
 *
 * @throws if a converted model is not loaded or was disposed.
 */
export function modelParameters(model: GraphModel): GraphParameters;
export function modelParameters(model: LayersModel): ModelParameters;
export function modelParameters(model: LayersModel | GraphModel): ModelParameters | GraphParameters {
  return isGraph(model) ? graphParameters(model) : layersParameters(model);
}

/**
 * What training computes instead of learning, by layer and name: the moving averages of batch normalisation. The tensors are the model's
 * own: do not dispose them.
 *
 * Those of a converted model are by name alone: the means and variances of its `FusedBatchNorm` ops. A converter often folds them into
 * other weights.
 */
export function modelStatistics(model: GraphModel): GraphParameters;
export function modelStatistics(model: LayersModel): ModelParameters;
export function modelStatistics(model: LayersModel | GraphModel): ModelParameters | GraphParameters {
  return isGraph(model) ? graphStatistics(model) : layersStatistics(model);
}

/**
 * Writes parameters into the model's weights, the inverse of {@link modelParameters}; and statistics, where they are given. The tensors
 * stay the caller's.
 *
 * A converted model has new weights afterwards, those that {@link modelParameters} returned before are disposed. What is not given stays as
 * it is. Functions compiled with weights of the model that were not passed as parameters have captured the old ones, and throw: compile them
 * again.
 */
export function assignModelParameters(
  model: GraphModel,
  parameters: GraphParameters,
  statistics?: GraphParameters,
): void;
export function assignModelParameters(
  model: LayersModel,
  parameters: ModelParameters,
  statistics?: ModelParameters,
): void;
export function assignModelParameters(
  model: LayersModel | GraphModel,
  parameters: ModelParameters | GraphParameters,
  statistics?: ModelParameters | GraphParameters,
): void {
  if (isGraph(model)) assignGraphParameters(model, parameters as GraphParameters, statistics as GraphParameters);
  else assignLayersParameters(model, parameters as ModelParameters, statistics as ModelParameters);
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
 * A converted model (`tf.GraphModel`) takes one tensor, several in the order of `model.inputNodes` or several by name, and returns what its
 * `predict` does. Weights that are not among the parameters keep the model's values; a tensor for any float32 weight whose value is not
 * read, also a scalar, may be added. Ops that follow from shapes alone are computed while the function is traced. `StopGradient` stops
 * derivatives. Such a model is made for inference and cannot be trained further than its weights: there is no `training`.
 *
 * @throws if parameters and model differ in layers, weights or shapes, or a recurrent layer is stateful; in training, if there are layers of
 *   noise and no `random` or no `key`; if a converted model is not loaded, was disposed or has ops that cannot be traced, with all of them.
 */
export function modelToFunction(model: GraphModel, options?: { readonly training?: false }): GraphModelFunction<Tensor>;
export function modelToFunction<Y extends TensorTree>(
  model: GraphModel,
  options?: { readonly training?: false },
): GraphModelFunction<Y>;
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
  model: LayersModel | GraphModel,
  options: { readonly training?: false } | TrainingOptions = {},
): GraphModelFunction<unknown> | ModelFunction<unknown> | TrainingFunction<unknown> {
  if (!isGraph(model)) return layersToFunction(model, options);
  if (options.training === true) {
    throw new Error(
      'modelToFunction: a converted model has no training mode: its graph was made for inference. Differentiate the function without it.',
    );
  }
  return graphToFunction(model);
}
