/** Convolutions: three kernels of one form that is linear in x, filter and y, so that each is the transpose of the others. */

import { type Attributes, avalOf, kernelSpec, record, sizeOf } from '@posteriors/backend';
import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import { type BatchRule, registerRule, type TransposeRule } from '../rule.ts';
import { broadcastTo, ensureBatched, moveAxis, reshapeTo } from '../shapes.ts';

type Numbers = readonly number[];
type Role = 'x' | 'filter' | 'y';

/** The kernel that computes each of the three from the other two. */
type Kernels = { readonly [result in Role]: string };

const operands: { readonly [result in Role]: readonly [Role, Role] } = {
  y: ['x', 'filter'],
  x: ['y', 'filter'],
  filter: ['x', 'y'],
};

/** Computes one of the three from the other two; x and the filter have lengths of their own along the axes of the convolution. */
function compute(
  kernels: Kernels,
  result: Role,
  values: { readonly [role in Role]?: Tensor },
  { strides, dilations, paddings }: Attributes,
  own: Attributes,
): Tensor {
  const inputs = operands[result].map((role) => values[role] as Tensor);
  const lengths = result === 'y' ? {} : result === 'x' ? { space: own['space']! } : { window: own['window']! };
  return record(kernels[result], inputs, { strides: strides!, dilations: dilations!, paddings: paddings!, ...lengths });
}

/** The lengths of a tensor along the axes of the convolution, in front of its `channels` last ones. */
function lengthsOf(x: Tensor, attributes: Attributes, channels: number): Numbers {
  const end = x.rank - channels;
  return x.shape.slice(end - (attributes['strides'] as Numbers).length, end);
}

const transposeOf =
  (kernels: Kernels, result: Role): TransposeRule =>
  (index, cotangent, inputs, attributes) => {
    const wanted = operands[result][index] as Role;
    const known = operands[result][1 - index] as Role;
    const own: Attributes =
      wanted === 'x'
        ? { space: lengthsOf(inputs[index]!, attributes, 1) }
        : wanted === 'filter'
          ? { window: lengthsOf(inputs[index]!, attributes, 2) }
          : {};
    return compute(kernels, wanted, { [result]: cotangent, [known]: inputs[1 - index]! }, attributes, own);
  };

/** Merges the batch axis, the first, into the front of `axis`, which is counted without it. */
function merge(x: Tensor, axis: number): Tensor {
  const [size, ...shape] = x.shape as [number, ...number[]];
  const before = sizeOf(shape.slice(0, axis));
  const moved = moveAxis(reshapeTo(x, [size, before, sizeOf(shape.slice(axis))]), 0, before === 1 ? 0 : 1);
  return reshapeTo(
    moved,
    shape.map((n, i) => (i === axis ? size * n : n)),
  );
}

/** The inverse: `axis` holds, for each of `outside` elements and each example, `inside` elements. */
function split(x: Tensor, axis: number, outside: number, size: number, inside: number): Tensor {
  const { shape } = x;
  const before = sizeOf(shape.slice(0, axis)) * outside;
  const apart = reshapeTo(x, [before, size, inside * sizeOf(shape.slice(axis + 1))]);
  return reshapeTo(before === 1 ? apart : moveAxis(apart, 1, 0), [
    size,
    ...shape.map((n, i) => (i === axis ? outside * inside : n)),
  ]);
}

/** The axes of the three that stand for the same index: of the batch, of the channels of x and of those of y. */
const indices = { x: ['n', 'c'], filter: ['c', 'd'], y: ['n', 'd'] } as const;
type Index = 'n' | 'c' | 'd';

/** Where the axis of an index stands in a tensor of `rank`; the convolution is of `axes`. */
function axisOf(role: Role, index: Index, rank: number, axes: number): number {
  if (index === 'n') return rank - axes - 2;
  return role === 'filter' && index === 'c' ? rank - 2 : rank - 1;
}

/**
 * A batch of one operand is more of the index that it has alone: of images, of channels. A batch of both is a batch of convolutions, on
 * one more leading axis.
 */
const batchOf =
  (kernels: Kernels, result: Role): BatchRule =>
  (inputs, batched, attributes, size) => {
    const axes = (attributes['strides'] as Numbers).length;
    if (batched[0] && batched[1]) return record(kernels[result], inputs, attributes);
    const own = batched[0] ? 0 : 1;
    const role = operands[result][own] as Role;
    const other = operands[result][1 - own] as Role;
    const index = indices[role].find((each) => !(indices[other] as readonly Index[]).includes(each)) as Index;
    const x = inputs[own] as Tensor;
    const axis = axisOf(role, index, x.rank - 1, axes);
    const merged = merge(x, axis);
    const whole = record(
      kernels[result],
      inputs.map((input, i) => (i === own ? merged : input)),
      attributes,
    );
    return split(whole, axisOf(result, index, whole.rank, axes), 1, size, x.shape[axis + 1] as number);
  };

/** Channels apart: a batch of both operands is more channels, one of images is more images, one of filters more of each channel. */
const batchOfChannels =
  (kernels: Kernels, result: Role): BatchRule =>
  (inputs, batched, attributes, size) => {
    const [a, b] = inputs as readonly [Tensor, Tensor];
    if (batched[0] && !batched[1] && result !== 'filter') {
      const whole = record(kernels[result], [merge(a, 0), b], attributes);
      return split(whole, 0, 1, size, a.shape[1] as number);
    }
    if (!batched[0] && result === 'y') {
      const [channels, each] = b.shape.slice(-2) as [number, number];
      const whole = record(kernels[result], [a, merge(b, b.rank - 2)], attributes);
      return split(whole, whole.rank - 1, channels, size, each);
    }
    const merged = inputs.map((input, i) => {
      const all = ensureBatched(input, batched[i] as boolean, size);
      return merge(all, all.rank - (operands[result][i] === 'filter' ? 3 : 2));
    });
    const whole = record(kernels[result], merged, attributes);
    const axis = whole.rank - (result === 'filter' ? 2 : 1);
    return split(whole, axis, 1, size, (whole.shape[axis] as number) / size);
  };

/** Of no examples there is nothing to merge: the result has the shape of one, none times. */
const orNothing =
  (kernel: string, batch: BatchRule): BatchRule =>
  (inputs, batched, attributes, size) => {
    if (size > 0) return batch(inputs, batched, attributes, size);
    const one = inputs.map((x, i) => ({ ...avalOf(x), shape: batched[i] ? x.shape.slice(1) : x.shape }));
    return broadcastTo(zeros([]), [0, ...kernelSpec(kernel)!.shape(one, attributes).shape]);
  };

const families: readonly (Kernels & { readonly depthwise?: boolean })[] = [
  { y: 'Conv2D', x: 'Conv2DBackpropInput', filter: 'Conv2DBackpropFilter' },
  { y: 'Conv3D', x: 'Conv3DBackpropInputV2', filter: 'Conv3DBackpropFilterV2' },
  {
    y: 'DepthwiseConv2dNative',
    x: 'DepthwiseConv2dNativeBackpropInput',
    filter: 'DepthwiseConv2dNativeBackpropFilter',
    depthwise: true,
  },
];

for (const { depthwise, ...kernels } of families) {
  for (const result of ['x', 'filter', 'y'] as const) {
    registerRule(kernels[result], {
      derivative: { multilinear: true, transpose: transposeOf(kernels, result) },
      batch: orNothing(kernels[result], (depthwise ? batchOfChannels : batchOf)(kernels, result)),
    });
  }
}
