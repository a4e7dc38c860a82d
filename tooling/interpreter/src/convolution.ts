import type { Attributes } from '@posteriors/backend';
import { type NdArray, offsets, sameShape, showShape, sizeOf, stridesOf } from './array.ts';
import { integersOf, pairsOf } from './attributes.ts';
import { type Kernels, ofTwo } from './kernel.ts';

/** One of the three that a convolution multiplies and sums: images, filters, results. */
type Role = 'x' | 'filter' | 'y';

/** Where the elements lie that meet in one product. */
type Visit = (x: number, filter: number, y: number) => void;

interface Shapes {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly y: readonly number[];
}

/**
 * Visits every product of a convolution: x [...groups, n, ...space, c], filter [...groups, ...window, c, d], y [...groups, n, ...places, d];
 * with channels apart, the filter is [...window, c, m] and y [n, ...places, c m].
 */
function visitProducts(shapes: Shapes, attributes: Attributes, depthwise: boolean, visit: Visit): void {
  const strides = integersOf(attributes, 'strides');
  const dilations = integersOf(attributes, 'dilations');
  const paddings = pairsOf(attributes, 'paddings');
  const axes = strides.length;
  const groups = sizeOf(shapes.x.slice(0, -axes - 2));
  const [count, channels] = [shapes.x.at(-axes - 2)!, shapes.x.at(-1)!];
  const outputs = shapes.filter.at(-1)!;
  const [space, window, places] = [
    shapes.x.slice(-axes - 1, -1),
    shapes.filter.slice(-axes - 2, -2),
    shapes.y.slice(-axes - 1, -1),
  ];
  const indicesOf = (shape: readonly number[]): number[][] =>
    Array.from(offsets(shape, stridesOf(shape)), (flat) =>
      stridesOf(shape).map((stride, axis) => Math.floor(flat / stride) % shape[axis]!),
    );
  const taps = indicesOf(window);
  const spaceStrides = stridesOf(space);
  indicesOf(places).forEach((place, p) => {
    taps.forEach((tap, k) => {
      const position = place.map((at, i) => at * strides[i]! + tap[i]! * dilations[i]! - paddings[i]![0]);
      if (position.some((at, i) => at < 0 || at >= space[i]!)) return;
      const s = position.reduce((sum, at, i) => sum + at * spaceStrides[i]!, 0);
      for (let g = 0; g < groups; g++) {
        for (let n = 0; n < count; n++) {
          const row = (g * count + n) * sizeOf(space) + s;
          const result = (g * count + n) * sizeOf(places) + p;
          for (let c = 0; c < channels; c++) {
            for (let d = 0; d < outputs; d++) {
              const filter = ((g * taps.length + k) * channels + c) * outputs + d;
              const y = depthwise ? (result * channels + c) * outputs + d : result * outputs + d;
              visit(row * channels + c, filter, y);
            }
          }
        }
      }
    });
  });
}

function placesOf(x: readonly number[], filter: readonly number[], attributes: Attributes): number[] {
  const strides = integersOf(attributes, 'strides');
  const dilations = integersOf(attributes, 'dilations');
  const axes = strides.length;
  return pairsOf(attributes, 'paddings').map(([before, after], i) => {
    const reach = (filter.at(i - axes - 2)! - 1) * dilations[i]! + 1;
    return Math.max(0, Math.floor((x.at(i - axes - 1)! + before + after - reach) / strides[i]!) + 1);
  });
}

function shapesOf(result: Role, a: NdArray, b: NdArray, attributes: Attributes, depthwise: boolean): Shapes {
  const axes = integersOf(attributes, 'strides').length;
  if (result === 'y') {
    const outputs = b.shape.at(-1)! * (depthwise ? b.shape.at(-2)! : 1);
    const places = placesOf(a.shape, b.shape, attributes);
    return { x: a.shape, filter: b.shape, y: [...a.shape.slice(0, -axes - 1), ...places, outputs] };
  }
  if (result === 'x') {
    const space = integersOf(attributes, 'space');
    return { x: [...a.shape.slice(0, -axes - 1), ...space, b.shape.at(-2)!], filter: b.shape, y: a.shape };
  }
  const window = integersOf(attributes, 'window');
  const channels = a.shape.at(-1)!;
  const outputs = depthwise ? b.shape.at(-1)! / channels : b.shape.at(-1)!;
  return { x: a.shape, filter: [...a.shape.slice(0, -axes - 2), ...window, channels, outputs], y: b.shape };
}

function kernelsOf(y: string, x: string, filter: string, depthwise: boolean): Kernels {
  const compute = (result: Role) =>
    ofTwo((a, b, attributes) => {
      const shapes = shapesOf(result, a, b, attributes, depthwise);
      const places = placesOf(shapes.x, shapes.filter, attributes);
      if (!sameShape(places, shapes.y.slice(-places.length - 1, -1)) || shapes.x.at(-1) !== shapes.filter.at(-2)) {
        throw new Error(`shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not belong together`);
      }
      const values = new Float64Array(sizeOf(shapes[result]));
      const visit: Visit =
        result === 'y'
          ? (i, j, k) => {
              values[k]! += a.values[i]! * b.values[j]!;
            }
          : result === 'x'
            ? (i, j, k) => {
                values[i]! += a.values[k]! * b.values[j]!;
              }
            : (i, j, k) => {
                values[j]! += a.values[i]! * b.values[k]!;
              };
      visitProducts(shapes, attributes, depthwise, visit);
      return { shape: shapes[result], values };
    });
  return { [y]: compute('y'), [x]: compute('x'), [filter]: compute('filter') };
}

export const convolution: Kernels = {
  ...kernelsOf('Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', false),
  ...kernelsOf('Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2', false),
  ...kernelsOf(
    'DepthwiseConv2dNative',
    'DepthwiseConv2dNativeBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
    true,
  ),
};
