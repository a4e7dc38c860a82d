/** Convolutions as tfjs spells them: paddings by name, channels first or last, bias and activation included. */
import { backend_util, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { record } from './trace.ts';
import { named, type RawAttributes, reshape, type Translations } from './translation.ts';

type Numbers = readonly number[];
type Pair = readonly [before: number, after: number];

/** A number that stands for all axes, or one for each. */
function perAxis(value: unknown, axes: number): Numbers {
  if (Array.isArray(value)) return (value as number[]).slice(0, axes);
  return Array.from({ length: axes }, () => (value as number | undefined | null) ?? 1);
}

const rounding: { readonly [mode: string]: (x: number) => number } = {
  floor: Math.floor,
  ceil: Math.ceil,
  round: Math.round,
};

/** Zeros before and after each axis, of x with the given lengths and a window that reaches so far. */
function paddingsOf(lengths: Numbers, reach: Numbers, strides: Numbers, attributes: RawAttributes): readonly Pair[] {
  const { pad, dimRoundingMode, dataFormat } = attributes;
  return lengths.map((length, i): Pair => {
    const missing = (places: number): number => Math.max(0, (places - 1) * strides[i]! + reach[i]! - length);
    if (pad === 'valid') return [0, 0];
    if (pad === 'same') {
      const total = missing(Math.ceil(length / strides[i]!));
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    }
    const own = (Array.isArray(pad) ? pad[dataFormat === 'NCHW' ? i + 2 : i + 1] : [pad, pad]) as Pair;
    if (!Array.isArray(own) || !own.every((n) => Number.isInteger(n) && n >= 0)) {
      throw new Error(
        `trace: the padding ${JSON.stringify(pad)} of a convolution is not 'same', 'valid', a whole number or pairs of them`,
      );
    }
    const [before, after] = own;
    const round = rounding[dimRoundingMode as string] ?? Math.floor;
    const places = round((length + before + after - reach[i]!) / strides[i]! + 1);
    return [before, Math.max(after, missing(places) - before)];
  });
}

/** Canonical attributes of a convolution of x with a filter of these lengths. */
function geometry(space: Numbers, window: Numbers, attributes: RawAttributes) {
  const strides = perAxis(attributes['strides'], space.length);
  const dilations = perAxis(attributes['dilations'], space.length);
  const reach = window.map((n, i) => (n - 1) * dilations[i]! + 1);
  return { strides, dilations, paddings: paddingsOf(space, reach, strides, attributes) };
}

const lengths = (shape: Numbers, channelsFirst: boolean): Numbers =>
  channelsFirst ? shape.slice(2) : shape.slice(1, -1);

/** A tensor with its channels last. */
function channelsLast(x: Tensor, channelsFirst: boolean): Tensor {
  return channelsFirst ? transpose(x, [0, ...x.shape.slice(2).map((_, i) => i + 2), 1]) : x;
}

/** A result with its channels where tfjs puts them. */
function asAsked(y: Tensor, channelsFirst: boolean): Tensor {
  return channelsFirst ? transpose(y, [0, y.rank - 1, ...y.shape.slice(2).map((_, i) => i + 1)]) : y;
}

const isChannelsFirst = ({ dataFormat }: RawAttributes): boolean => dataFormat === 'NCHW' || dataFormat === 'NCDHW';

function forward(kernel: string, x: Tensor, filter: Tensor, attributes: RawAttributes): Tensor {
  const first = isChannelsFirst(attributes);
  const space = lengths(x.shape, first);
  const window = filter.shape.slice(0, space.length);
  const y = record(kernel, [channelsLast(x, first), filter], { ...geometry(space, window, attributes) });
  return asAsked(y, first);
}

function gradientOfX(kernel: string, y: Tensor, filter: Tensor, attributes: RawAttributes): Tensor {
  const first = isChannelsFirst(attributes);
  const space = lengths(attributes['inputShape'] as Numbers, first);
  const window = filter.shape.slice(0, space.length);
  const canonical = { ...geometry(space, window, attributes), space };
  return asAsked(record(kernel, [channelsLast(y, first), filter], canonical), first);
}

function gradientOfFilter(kernel: string, x: Tensor, y: Tensor, attributes: RawAttributes): Tensor {
  const first = isChannelsFirst(attributes);
  const space = lengths(x.shape, first);
  const window = (attributes['filterShape'] as Numbers).slice(0, space.length);
  const canonical = { ...geometry(space, window, attributes), window };
  return record(kernel, [channelsLast(x, first), channelsLast(y, first)], canonical);
}

/** A convolution, its bias and its activation. */
function fused(kernel: string, [x, filter, bias, alpha]: readonly Tensor[], attributes: RawAttributes): Tensor {
  const aligned = (own: Tensor): Tensor =>
    isChannelsFirst(attributes) && own.rank === 1 ? reshape(own, [own.size, 1, 1]) : own;
  let y = forward(kernel, x!, filter!, attributes);
  if (bias !== undefined && bias !== null) y = record('Add', [y, aligned(bias)]);
  const activation = (attributes['activation'] as backend_util.Activation | null | undefined) ?? 'linear';
  const weights = alpha === undefined || alpha === null ? undefined : aligned(alpha);
  return backend_util.applyActivation(y, activation, weights, attributes['leakyreluAlpha'] as number | undefined);
}

const kernels = {
  Conv2D: ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'],
  Conv3D: ['Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'],
  DepthwiseConv2dNative: [
    'DepthwiseConv2dNative',
    'DepthwiseConv2dNativeBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
  ],
} as const;

export const convolutionTranslations: Translations = {
  ...Object.fromEntries(
    Object.values(kernels).flatMap(([convolution, ofX, ofFilter]) => [
      [convolution, named('x filter', ([x, filter], attributes) => forward(convolution, x!, filter!, attributes))],
      [ofX, named('dy filter', ([y, filter], attributes) => gradientOfX(ofX, y!, filter!, attributes))],
      [ofFilter, named('x dy', ([x, y], attributes) => gradientOfFilter(ofFilter, x!, y!, attributes))],
    ]),
  ),
  FusedConv2D: named('x filter bias preluActivationWeights', (inputs, attributes) =>
    fused('Conv2D', inputs, attributes),
  ),
  FusedDepthwiseConv2D: named('x filter bias preluActivationWeights', (inputs, attributes) =>
    fused('DepthwiseConv2dNative', inputs, attributes),
  ),
};
