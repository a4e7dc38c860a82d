import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';

/** What is used of a `tf.LayersModel`. */
export interface LayersModel {
  readonly layers: readonly { readonly name: string; readonly trainableWeights: readonly LayerWeight[] }[];
  apply(inputs: never, kwargs?: never): unknown;
}

export interface LayerWeight {
  /** The name without the number that tfjs adds where another model has a weight of this name. */
  readonly originalName: string;
  read(): Tensor;
  write(value: Tensor): unknown;
}

/** Parameters of a model: tensors by layer name and weight name. */
export type ModelParameters = { readonly [layer: string]: { readonly [weight: string]: Tensor } };

/** The trainable weights of a model, by layer and name. The tensors are the model's own: do not dispose them. */
export function modelParameters(model: LayersModel): ModelParameters {
  const parameters: { [layer: string]: { [weight: string]: Tensor } } = {};
  for (const { layer, name, weight } of trainableWeights(model)) {
    parameters[layer] ??= {};
    parameters[layer][name] = weight.read();
  }
  return parameters;
}

/** Writes parameters into the model's weights, the inverse of {@link modelParameters}. The tensors given stay the caller's. */
export function assignModelParameters(model: LayersModel, parameters: ModelParameters): void {
  const found = match(model, parameters);
  for (const { weight, tensor } of found) weight.write(tensor);
}

/**
 * The model as a function of its parameters: `(parameters, inputs) => outputs`, with what the model returns (one tensor or several).
 *
 * Parameters are as {@link modelParameters} returns them; inputs have a batch axis, as the model asks. Weights that are not trainable keep
 * the model's values. Layers run as in inference. The model itself is left as it is.
 *
 * @throws if parameters and model differ in layers, weights or shapes.
 */
export function modelToFunction(
  model: LayersModel,
): (parameters: ModelParameters, inputs: Tensor | readonly Tensor[]) => Tensor;
export function modelToFunction<Y extends TensorTree>(
  model: LayersModel,
): (parameters: ModelParameters, inputs: Tensor | readonly Tensor[]) => Y;
export function modelToFunction(
  model: LayersModel,
): (parameters: ModelParameters, inputs: Tensor | readonly Tensor[]) => unknown {
  return (parameters, inputs) => {
    const swapped = match(model, parameters).map(({ weight, tensor }) => {
      const variable = weight as unknown as { val: Tensor };
      const original = variable.val;
      variable.val = tensor;
      return () => {
        variable.val = original;
      };
    });
    try {
      return model.apply(inputs as never, { training: false } as never);
    } finally {
      for (const restore of swapped) restore();
    }
  };
}

interface NamedWeight {
  readonly layer: string;
  readonly name: string;
  readonly weight: LayerWeight;
}

/** Weights in the model's order; one that layers share stands once. Equal names within a layer are numbered. */
function trainableWeights(model: LayersModel): NamedWeight[] {
  const seen = new Set<LayerWeight>();
  return model.layers.flatMap((layer) => {
    const taken = new Set<string>();
    return layer.trainableWeights.flatMap((weight) => {
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

function match(model: LayersModel, parameters: ModelParameters): { weight: LayerWeight; tensor: Tensor }[] {
  const weights = trainableWeights(model);
  const known = new Set(weights.map(({ layer, name }) => `${layer}/${name}`));
  for (const [layer, named] of Object.entries(parameters)) {
    for (const name of Object.keys(named)) {
      if (!known.has(`${layer}/${name}`)) {
        throw new Error(
          `modelToFunction: the model has no trainable weight ${layer}/${name}; it has ${[...known].join(', ')}`,
        );
      }
    }
  }
  return weights.map(({ layer, name, weight }) => {
    const tensor = parameters[layer]?.[name];
    if (tensor === undefined)
      throw new Error(`modelToFunction: the parameters have no ${layer}/${name}, which the model has`);
    const { shape } = weight.read();
    if (`${tensor.shape}` !== `${shape}`) {
      const several = `${tensor.shape.slice(1)}` === `${shape}`;
      throw new Error(
        `modelToFunction: ${layer}/${name} has shape [${tensor.shape}] in the parameters and [${shape}] in the model` +
          (several
            ? '. To use many parameters at once, as draws are, map over them: vmap(network, { inAxes: [0, null] })'
            : ''),
      );
    }
    return { weight, tensor };
  });
}
