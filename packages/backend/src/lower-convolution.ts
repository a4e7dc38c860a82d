/**
 * Convolutions on tfjs devices: all nine kernels as one, the convolution itself, which every device has, on operands that are transposed,
 * reversed or spread out with zeros. tfjs's gradient kernels take no dilations, are missing on wasm, or wrong there (of three axes).
 */
import { type Apply, applying } from './equations.ts';
import { placesAlong } from './kernels-convolution.ts';
import type { Lowering } from './lower.ts';
import { type Atom, type Attributes, type Equation, sizeOf, type Value } from './program.ts';

type Numbers = readonly number[];
type Pairs = readonly (readonly [before: number, after: number])[];

interface Geometry {
  readonly strides: Numbers;
  readonly dilations: Numbers;
  readonly paddings: Pairs;
}

/** Equations in the making. */
class Steps {
  readonly equations: Equation[] = [];

  readonly apply: Apply = applying(this.equations);

  /** The equations, the last of which defines `output`. */
  ending(output: Value): readonly Equation[] {
    const last = this.equations.pop() as Equation;
    return [...this.equations, { ...last, outputs: [output] }];
  }

  reshape(x: Atom, shape: Numbers): Value {
    return this.apply('Reshape', [x], shape, { shape });
  }

  transpose(x: Atom, perm: Numbers): Value {
    const shape = perm.map((axis) => x.shape[axis] as number);
    return this.apply('Transpose', [x], shape, { perm });
  }

  slice(x: Atom, begin: Numbers, size: Numbers): Atom {
    return size.every((n, i) => n === x.shape[i]) ? x : this.apply('Slice', [x], size, { begin, size });
  }

  sum(x: Atom, axis: number): Value {
    const shape = x.shape.filter((_, i) => i !== axis);
    return this.apply('Sum', [x], shape, { axis: [axis], keepDims: false });
  }

  /** Zeros before and after each axis; negative numbers cut. */
  extend(x: Atom, paddings: Pairs): Atom {
    let whole = x;
    // One axis after the other: devices pad tensors of up to four.
    paddings.forEach((pair, axis) => {
      const { shape } = whole;
      const positive = pair.map((n) => Math.max(0, n)) as [number, number];
      if (positive[0] + positive[1] === 0) return;
      const rest = sizeOf(shape.slice(axis + 1));
      const rows = this.reshape(whole, [sizeOf(shape.slice(0, axis)), shape[axis]! * rest]);
      const length = shape[axis]! + positive[0] + positive[1];
      const padded = this.apply('PadV2', [rows], [rows.shape[0]!, length * rest], {
        paddings: [[0, 0], positive.map((n) => n * rest)],
        constantValue: 0,
      });
      whole = this.reshape(
        padded,
        shape.map((n, i) => (i === axis ? length : n)),
      );
    });
    return this.slice(
      whole,
      paddings.map(([before]) => Math.max(0, -before)),
      x.shape.map((n, i) => n + paddings[i]![0] + paddings[i]![1]),
    );
  }

  /** Puts `count - 1` zeros behind each element of an axis. */
  spread(x: Atom, axis: number, count: number): Atom {
    if (count === 1) return x;
    const rest = sizeOf(x.shape.slice(axis + 1));
    const rows = this.reshape(x, [sizeOf(x.shape) / rest, rest]);
    const padded = this.apply('PadV2', [rows], [rows.shape[0]!, rest * count], {
      paddings: [
        [0, 0],
        [0, rest * (count - 1)],
      ],
      constantValue: 0,
    });
    return this.reshape(
      padded,
      x.shape.map((n, i) => (i === axis ? n * count : n)),
    );
  }
}

/** The range of the axes from `first` on, as many as `like` has. */
const axesFrom = (first: number, like: Numbers): number[] => like.map((_, i) => first + i);

/** The convolution that a device has, given paddings that may be negative: those cut x. */
function convolve(steps: Steps, kernel: string, x: Atom, filter: Atom, geometry: Geometry): Value {
  const { strides } = geometry;
  let { dilations } = geometry;
  let window = filter;
  // Devices take either strides or dilations.
  if (strides.some((n) => n > 1) && dilations.some((n) => n > 1)) {
    const reach = dilations.map((dilation, i) => (filter.shape[i]! - 1) * dilation + 1);
    dilations.forEach((dilation, axis) => {
      window = steps.spread(window, axis, dilation);
    });
    window = steps.slice(
      window,
      window.shape.map(() => 0),
      [...reach, ...filter.shape.slice(-2)],
    );
    dilations = dilations.map(() => 1);
  }
  // The paddings that devices take have no numbers for three axes, and cut nothing.
  const inFront = kernel === 'Conv3D' || geometry.paddings.flat().some((n) => n < 0);
  const pad: Pairs = [[0, 0], ...geometry.paddings, [0, 0]];
  const image = inFront ? steps.extend(x, pad) : x;
  const rest = inFront ? pad.map(() => [0, 0]) : pad;
  const places = strides.map((stride, i) =>
    placesAlong(image.shape[i + 1]!, window.shape[i]!, stride, dilations[i]!, rest[i + 1]!),
  );
  const [inside, outside] = window.shape.slice(-2) as [number, number];
  const shape = [x.shape[0]!, ...places, kernel === 'DepthwiseConv2dNative' ? inside * outside : outside];
  const attributes =
    kernel === 'Conv3D'
      ? { strides, dilations, pad: 'valid', dataFormat: 'NDHWC' }
      : { strides, dilations, pad: rest as readonly Numbers[], dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  return steps.apply(kernel, [image, window], shape, attributes);
}

/** A filter seen from the other end of each axis. */
function reversed(steps: Steps, filter: Atom): Value {
  const window = filter.shape.slice(0, -2);
  // With its channels as one axis: devices reverse tensors of up to four.
  const shape = [...window, sizeOf(filter.shape.slice(-2))];
  const turned = steps.apply('Reverse', [steps.reshape(filter, shape)], shape, { dims: axesFrom(0, window) });
  return steps.reshape(turned, filter.shape);
}

/** The cotangent of x lies where that of y was spread out by the strides, convolved with the reversed filter. */
function ofX(places: Numbers, reach: Numbers, space: Numbers, { strides, dilations, paddings }: Geometry): Geometry {
  return {
    strides: strides.map(() => 1),
    dilations,
    paddings: paddings.map(([before], i) => [reach[i]! - 1 - before, space[i]! + before - places[i]! * strides[i]!]),
  };
}

/** The cotangent of the filter is x convolved with that of y: strides and dilations change places. */
function ofFilter(
  places: Numbers,
  space: Numbers,
  window: Numbers,
  { strides, dilations, paddings }: Geometry,
): Geometry {
  return {
    strides: dilations,
    dilations: strides,
    paddings: paddings.map(([before], i) => [
      before,
      (window[i]! - 1) * dilations[i]! + (places[i]! - 1) * strides[i]! + 1 - space[i]! - before,
    ]),
  };
}

type Rewrite = (steps: Steps, a: Atom, b: Atom, geometry: Geometry, attributes: Attributes) => Value;

const spreadAll = (steps: Steps, y: Atom, strides: Numbers): Atom =>
  strides.reduce((spread, stride, i) => steps.spread(spread, i + 1, stride), y);

const reachOf = (filter: Atom, { dilations }: Geometry): number[] =>
  dilations.map((dilation, i) => (filter.shape[i]! - 1) * dilation + 1);

const gradientOfX =
  (kernel: string): Rewrite =>
  (steps, y, filter, geometry, { space }) => {
    const axes = geometry.strides.length;
    const turned = steps.transpose(reversed(steps, filter), [...axesFrom(0, geometry.strides), axes + 1, axes]);
    const spread = spreadAll(steps, y, geometry.strides);
    return convolve(
      steps,
      kernel,
      spread,
      turned,
      ofX(y.shape.slice(1, -1), reachOf(filter, geometry), space as Numbers, geometry),
    );
  };

/** tfjs's own kernel, which on cpu need not multiply the zeros that strides leave. */
const ownGradientOfX: Rewrite = (steps, y, filter, { strides, paddings }, { space }) => {
  const inputShape = [y.shape[0]!, ...(space as Numbers), filter.shape[2]!];
  const pad = [[0, 0], ...paddings, [0, 0]];
  const attributes = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: 'floor', inputShape };
  return steps.apply('Conv2DBackpropInput', [y, filter], inputShape, attributes);
};

const gradientOfFilter =
  (kernel: string): Rewrite =>
  (steps, x, y, geometry, { window }) => {
    const axes = axesFrom(1, geometry.strides);
    const last = axes.length + 1;
    const space = x.shape.slice(1, -1);
    const images = steps.transpose(x, [last, ...axes, 0]);
    const places = steps.transpose(y, [...axes, 0, last]);
    const result = convolve(
      steps,
      kernel,
      images,
      places,
      ofFilter(y.shape.slice(1, -1), space, window as Numbers, geometry),
    );
    return steps.transpose(result, [...axes, 0, last]);
  };

/** [n, h, w, c m] from y and [h, w, c, m]: the sum over m is what each channel of x gets. */
const gradientOfChannels: Rewrite = (steps, y, filter, geometry, { space }) => {
  const [channels, each] = filter.shape.slice(-2) as [number, number];
  const turned = steps.reshape(reversed(steps, filter), [...filter.shape.slice(0, 2), channels * each, 1]);
  const spread = spreadAll(steps, y, geometry.strides);
  const own = ofX(y.shape.slice(1, -1), reachOf(filter, geometry), space as Numbers, geometry);
  const parts = convolve(steps, 'DepthwiseConv2dNative', spread, turned, own);
  return steps.sum(steps.reshape(parts, [...parts.shape.slice(0, -1), channels, each]), 4);
};

/** Each image and channel apart, then the sum over images. */
const gradientOfChannelFilter: Rewrite = (steps, x, y, geometry, { window }) => {
  const [count, height, width, channels] = x.shape as readonly [number, number, number, number];
  const [, rows, columns, all] = y.shape as readonly [number, number, number, number];
  const each = all / channels;
  const apart = steps.reshape(steps.transpose(x, [1, 2, 3, 0]), [1, height, width, channels * count]);
  const split = steps.transpose(steps.reshape(y, [count, rows * columns, channels, each]), [1, 2, 0, 3]);
  const filter = steps.reshape(split, [rows, columns, channels * count, each]);
  const own = ofFilter([rows, columns], [height, width], window as Numbers, geometry);
  const parts = convolve(steps, 'DepthwiseConv2dNative', apart, filter, own);
  return steps.sum(steps.reshape(parts, [...(window as Numbers), channels, count, each]), 3);
};

const forward =
  (kernel: string): Rewrite =>
  (steps, x, filter, geometry) =>
    convolve(steps, kernel, x, filter, geometry);

/** Convolutions with leading axes are done one after the other. */
const lowering =
  (rewrite: Rewrite): Lowering =>
  (equation) => {
    const { attributes } = equation;
    const geometry = attributes as unknown as Geometry;
    const output = equation.outputs[0] as Value;
    const steps = new Steps();
    if (equation.inputs.some((x) => sizeOf(x.shape) === 0)) {
      const { shape, dtype } = output;
      return [{ ...equation, kernel: 'Fill', inputs: [], attributes: { shape, value: 0, dtype } }];
    }
    const rank = geometry.strides.length + 2;
    const groups = sizeOf(output.shape.slice(0, -rank));
    const own = (x: Atom): Numbers => x.shape.slice(-rank);
    const wholes = equation.inputs.map((x) =>
      x.shape.length === rank ? x : steps.reshape(x, groups === 1 ? own(x) : [groups, sizeOf(own(x))]),
    );
    const results = Array.from({ length: groups }, (_, i) => {
      const [a, b] = wholes.map((whole, k) => {
        if (groups === 1) return whole;
        const size = whole.shape[1] as number;
        return steps.reshape(steps.slice(whole, [i, 0], [1, size]), own(equation.inputs[k] as Atom));
      }) as [Atom, Atom];
      const result = rewrite(steps, a, b, geometry, attributes);
      return groups === 1 ? result : steps.reshape(result, [1, sizeOf(result.shape)]);
    });
    const joined =
      groups === 1
        ? results[0]!
        : steps.apply('Concat', results, [groups, results[0]!.shape[1] as number], { axis: 0 });
    if (output.shape.length > rank) steps.reshape(joined, output.shape);
    return steps.ending(output);
  };

/** The filters of many groups at once: images of all groups are channels apart, then summed within each group. */
const filtersOfGroups: Lowering = (equation, device) => {
  const [x, y] = equation.inputs as readonly [Atom, Atom];
  const output = equation.outputs[0] as Value;
  if (x.shape.length === 4 || sizeOf(x.shape) === 0 || sizeOf(y.shape) === 0) {
    return lowering(gradientOfFilter('Conv2D'))(equation, device);
  }
  const { attributes } = equation;
  const geometry = attributes as unknown as Geometry;
  const [count, height, width, channels] = x.shape.slice(-4) as [number, number, number, number];
  const [, rows, columns, outputs] = y.shape.slice(-4) as [number, number, number, number];
  const all = sizeOf(x.shape.slice(0, -3));
  const steps = new Steps();
  const images = steps.transpose(steps.reshape(x, [all, height, width, channels]), [3, 1, 2, 0]);
  const filter = steps.transpose(steps.reshape(y, [all, rows, columns, outputs]), [1, 2, 0, 3]);
  const window = attributes['window'] as [number, number];
  const own = ofFilter([rows, columns], [height, width], window, geometry);
  const parts = convolve(steps, 'DepthwiseConv2dNative', images, filter, own);
  const apart = steps.reshape(parts, [channels, sizeOf(window), all / count, count * outputs]);
  const groups = steps.transpose(apart, [2, 1, 0, 3]);
  const summed =
    count === 1 ? groups : steps.sum(steps.reshape(groups, [sizeOf(output.shape) / outputs, count, outputs]), 1);
  steps.reshape(summed, output.shape);
  return steps.ending(output);
};

/** A lowering for devices other than wasm, which has these kernels itself, see `convolution-on-wasm.ts`. */
function ofImages(other: Lowering): Lowering {
  return (equation, device) => {
    const isEmpty = equation.inputs.some((x) => sizeOf(x.shape) === 0);
    return device === 'wasm' && !isEmpty ? [equation] : other(equation, device);
  };
}

export const convolutionLowerings: { readonly [kernel: string]: Lowering } = {
  Conv2D: ofImages(lowering(forward('Conv2D'))),
  Conv2DBackpropInput: ofImages((equation, device) => {
    const isDense = (equation.attributes['dilations'] as Numbers).every((n) => n === 1);
    return lowering(device === 'cpu' && isDense ? ownGradientOfX : gradientOfX('Conv2D'))(equation, device);
  }),
  Conv2DBackpropFilter: ofImages(filtersOfGroups),
  Conv3D: lowering(forward('Conv3D')),
  Conv3DBackpropInputV2: lowering(gradientOfX('Conv3D')),
  Conv3DBackpropFilterV2: lowering(gradientOfFilter('Conv3D')),
  DepthwiseConv2dNative: lowering(forward('DepthwiseConv2dNative')),
  DepthwiseConv2dNativeBackpropInput: lowering(gradientOfChannels),
  DepthwiseConv2dNativeBackpropFilter: lowering(gradientOfChannelFilter),
};
