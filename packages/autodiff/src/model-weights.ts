/** The weights of a model by layer and name, and tensors in their place. */

import type { Tensor } from '@tensorflow/tfjs-core';
import { type LayersModel, type LayerWeight, nestedLayers } from './model-layers.ts';

/** Tensors of a model by layer name and weight name. */
export type ModelParameters = { readonly [layer: string]: { readonly [weight: string]: Tensor } };

export interface NamedWeight {
  readonly layer: string;
  readonly name: string;
  readonly weight: LayerWeight;
}

/** The trainable weights in the model's order; one that layers share stands once. */
export function trainableWeights(model: LayersModel): NamedWeight[] {
  return named(model, ({ trainableWeights }) => trainableWeights);
}

/** Weights that training computes instead of learning, such as moving averages. Those of frozen layers are none. */
export function statisticWeights(model: LayersModel): NamedWeight[] {
  const computed = new Set(nestedLayers(model).flatMap((layer) => layer._nonTrainableWeights ?? []));
  return named(model, ({ nonTrainableWeights }) => nonTrainableWeights.filter((weight) => computed.has(weight)));
}

/** Equal names within a layer are numbered. */
function named(
  model: LayersModel,
  weightsOf: (layer: LayersModel['layers'][number]) => readonly LayerWeight[],
): NamedWeight[] {
  const seen = new Set<LayerWeight>();
  return model.layers.flatMap((layer) => {
    const taken = new Set<string>();
    return weightsOf(layer).flatMap((weight) => {
      if (seen.has(weight)) return [];
      seen.add(weight);
      const prefix = `${layer.name}/`;
      const { originalName } = weight;
      const base = originalName.startsWith(prefix) ? originalName.slice(prefix.length) : originalName;
      let name = base;
      for (let n = 1; taken.has(name); n++) name = `${base}_${n}`;
      taken.add(name);
      return [{ layer: layer.name, name, weight }];
    });
  });
}

/** See `modelParameters`. */
export function layersParameters(model: LayersModel): ModelParameters {
  return treeOf(trainableWeights(model));
}

/** See `modelStatistics`. */
export function layersStatistics(model: LayersModel): ModelParameters {
  return treeOf(statisticWeights(model));
}

/** See `assignModelParameters`. */
export function assignLayersParameters(
  model: LayersModel,
  parameters: ModelParameters,
  statistics?: ModelParameters,
): void {
  const values = match('parameters', trainableWeights(model), parameters);
  const computed = statistics === undefined ? [] : match('statistics', statisticWeights(model), statistics);
  for (const [weight, tensor] of [...values, ...computed]) weight.write(tensor);
}

function treeOf(weights: readonly NamedWeight[]): ModelParameters {
  const tree: { [layer: string]: { [weight: string]: Tensor } } = {};
  for (const { layer, name, weight } of weights) {
    tree[layer] ??= {};
    tree[layer][name] = weight.read();
  }
  return tree;
}

/** @throws if the tree and the weights, which are called by `what`, differ in layers, names or shapes. */
export function match(
  what: 'parameters' | 'statistics',
  weights: readonly NamedWeight[],
  tree: ModelParameters,
): Map<LayerWeight, Tensor> {
  const known = new Set(weights.map(({ layer, name }) => `${layer}/${name}`));
  for (const [layer, tensors] of Object.entries(tree)) {
    for (const name of Object.keys(tensors)) {
      if (known.has(`${layer}/${name}`)) continue;
      const kind = what === 'parameters' ? 'trainable weight' : 'statistic';
      throw new Error(`modelToFunction: the model has no ${kind} ${layer}/${name}; it has ${[...known].join(', ')}`);
    }
  }
  return new Map(
    weights.map(({ layer, name, weight }) => {
      const tensor = tree[layer]?.[name];
      if (tensor === undefined)
        throw new Error(`modelToFunction: the ${what} have no ${layer}/${name}, which the model has`);
      const { shape } = weight.read();
      if (`${tensor.shape}` !== `${shape}`) {
        const several = `${tensor.shape.slice(1)}` === `${shape}`;
        throw new Error(
          `modelToFunction: ${layer}/${name} has shape [${tensor.shape}] in the ${what} and [${shape}] in the model` +
            (several
              ? '. To use many parameters at once, as draws are, map over them: vmap(network, { inAxes: [0, null] })'
              : ''),
        );
      }
      return [weight, tensor];
    }),
  );
}
