/** The layers of a tfjs model while it runs as a pure function: noise comes from a key, and what a call leaves behind is undone. */

import { add, cast, dispose, greaterEqual, mul, ones, type Tensor } from '@tensorflow/tfjs-core';

/** What is used of a `tf.LayersModel`. */
export interface LayersModel {
  readonly layers: readonly {
    readonly name: string;
    readonly trainableWeights: readonly LayerWeight[];
    readonly nonTrainableWeights: readonly LayerWeight[];
  }[];
  apply(inputs: never, kwargs?: never): unknown;
}

export interface LayerWeight {
  /** The name without the number that tfjs adds where another model has a weight of this name. */
  readonly originalName: string;
  read(): Tensor;
  write(value: Tensor): unknown;
}

type Call = (inputs: Tensor | readonly Tensor[], kwargs: { readonly [name: string]: unknown }) => unknown;

/** A layer with those of its fields that are used, most of which only some classes have. */
export type Layer = LayersModel['layers'][number] & {
  readonly _nonTrainableWeights?: readonly LayerWeight[];
  readonly stateful?: boolean;
  getClassName(): string;
  call: Call;
  // Layers within layers.
  readonly layers?: readonly Layer[];
  readonly layer?: Layer;
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
  readonly cell?: Layer;
  readonly cells?: readonly Layer[];
  // Noise.
  readonly rate?: number;
  readonly stddev?: number;
  readonly noiseShape?: readonly number[];
  getNoiseShape?(input: Tensor): readonly number[] | null | undefined;
  // Recurrent cells.
  readonly dropout?: number;
  readonly recurrentDropout?: number;
  dropoutFunc?: ((units: Tensor, rate: number) => Tensor) | undefined;
  dropoutMask?: Tensor | Tensor[] | null;
  recurrentDropoutMask?: Tensor | Tensor[] | null;
  // Batch normalisation.
  readonly movingMean?: LayerWeight;
  gamma?: Pick<LayerWeight, 'read'> | undefined;
  beta?: Pick<LayerWeight, 'read'> | undefined;
};

/** Draws for the noise of one call: uniform numbers in [0, 1) and standard normal ones, new ones each time. */
export interface Noise {
  uniform(shape: readonly number[]): Tensor;
  normal(shape: readonly number[]): Tensor;
}

/** All layers of a model, those within others before these. */
export function nestedLayers(model: LayersModel): Layer[] {
  const found = new Set<Layer>();
  const visit = (layer: Layer): void => {
    if (found.has(layer)) return;
    const { layers = [], cells = [], layer: wrapped, forwardLayer, backwardLayer, cell } = layer;
    for (const inner of [...layers, ...cells, wrapped, forwardLayer, backwardLayer, cell]) {
      if (inner !== undefined) visit(inner);
    }
    found.add(layer);
  };
  (model.layers as readonly Layer[]).forEach(visit);
  return [...found];
}

export const describeLayer = (layer: Layer): string => `${layer.name} (${layer.getClassName()})`;

/** How a layer that draws random numbers in training computes its outputs from given ones. */
const noisy: { readonly [className: string]: (layer: Layer, input: Tensor, noise: Noise) => Tensor } = {
  Dropout: dropOut,
  SpatialDropout1D: dropOut,
  GaussianNoise: ({ stddev = 0 }, input, noise) => add(input, mul(noise.normal(input.shape), stddev)),
  GaussianDropout: ({ rate = 0 }, input, noise) =>
    mul(input, add(1, mul(noise.normal(input.shape), Math.sqrt(rate / (1 - rate))))),
  AlphaDropout({ rate = 0, noiseShape }, input, noise) {
    // What selu tends to far below 0; `scale` and `offset` restore mean 0 and variance 1 (Klambauer et al. 2017, Self-Normalizing
    // Neural Networks, section 2).
    const dropped = -1.0507009873554805 * 1.6732632423543772;
    const scale = 1 / Math.sqrt((1 - rate) * (1 + rate * dropped ** 2));
    const kept = cast(greaterEqual(noise.uniform(noiseShape ?? input.shape), rate), 'float32');
    const values = add(mul(input, kept), mul(add(1, mul(kept, -1)), dropped));
    return add(mul(values, scale), -scale * dropped * rate);
  },
};

function dropOut(layer: Layer, input: Tensor, noise: Noise): Tensor {
  return mul(input, keepMask(layer.getNoiseShape?.(input) ?? input.shape, layer.rate as number, noise));
}

/** 0 with probability `rate`, else `1 / (1 - rate)`. */
function keepMask(shape: readonly number[], rate: number, noise: Noise): Tensor {
  return mul(cast(greaterEqual(noise.uniform(shape), rate), 'float32'), 1 / (1 - rate));
}

const drops = (rate = 0): boolean => rate > 0 && rate < 1;

/** Whether a layer draws random numbers in training. */
export function drawsNoise(layer: Layer): boolean {
  const className = layer.getClassName();
  if (className === 'GaussianNoise') return true;
  return Object.hasOwn(noisy, className) ? drops(layer.rate) : drops(layer.dropout) || drops(layer.recurrentDropout);
}

/**
 * Runs `run` while the layers' errors name the layer, recurrent layers have no masks of other calls and, in training, noise is drawn from
 * `noise` alone and batch normalisation works without scale or offset. Afterwards the layers are as they were.
 */
export function withLayers<T>(layers: readonly Layer[], noise: Noise | undefined, run: () => T): T {
  const restores: (() => void)[] = [];
  const set = <K extends keyof Layer>(layer: Layer, field: K, value: Layer[K]): void => {
    const own = Object.getOwnPropertyDescriptor(layer, field);
    layer[field] = value;
    restores.push(() => {
      if (own === undefined) delete layer[field];
      else Object.defineProperty(layer, field, own);
    });
  };
  const named = new WeakSet<object>();
  try {
    for (const layer of layers) {
      set(layer, 'call', naming(layer, noise === undefined ? layer.call : callWithNoise(layer, noise), named));
      for (const mask of ['dropoutMask', 'recurrentDropoutMask'] as const) {
        if (!(mask in layer)) continue;
        restores.push(() => dispose(layer[mask] ?? []));
        set(layer, mask, null);
      }
      if (noise === undefined) continue;
      if ('dropoutFunc' in layer) {
        set(layer, 'dropoutFunc', (units, rate) => mul(units, keepMask(units.shape, rate, noise)));
      }
      const { movingMean } = layer;
      if (movingMean === undefined) continue;
      const filled = (value: number): Pick<LayerWeight, 'read'> => ({
        read: () => mul(ones(movingMean.read().shape), value),
      });
      if (layer.gamma == null) set(layer, 'gamma', filled(1));
      if (layer.beta == null) set(layer, 'beta', filled(0));
    }
    return run();
  } finally {
    for (const restore of restores) restore();
  }
}

function callWithNoise(layer: Layer, noise: Noise): Call {
  const perturb = noisy[layer.getClassName()];
  if (perturb === undefined || !drawsNoise(layer)) return layer.call;
  return (inputs) => perturb(layer, (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor, noise);
}

/** `call` with errors that name the layer; `named` has those that do so already. */
function naming(layer: Layer, call: Call, named: WeakSet<object>): Call {
  return (inputs, kwargs) => {
    try {
      return call.call(layer, inputs, kwargs);
    } catch (error) {
      if (!(error instanceof Error) || named.has(error)) throw error;
      const explained = new Error(`layer ${describeLayer(layer)}: ${error.message}`, { cause: error });
      named.add(explained);
      throw explained;
    }
  };
}
