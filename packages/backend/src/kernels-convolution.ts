/**
 * Convolutions: of two axes, of three, and of each channel apart. Each is a form that is linear in three tensors,
 *
 *   sum over n, p, k, c, d of x[n, p strides + k dilations - before, c] filter[k, c, d] y[n, p, d],
 *
 * whose three kernels are its derivatives with respect to y (the convolution), x and filter. Shapes are
 *
 *   x [...groups, n, ...space, c], filter [...groups, ...window, c, d], y [...groups, n, ...places, d],
 *
 * and of the kernels that take channels apart x [n, ...space, c], filter [...window, c, m], y [n, ...places, c m].
 *
 * Attributes: `strides` and `dilations`, one of each axis; `paddings`, the zeros [before, after] each axis; where x or the filter is the
 * result, its lengths along the axes, `space` or `window`.
 */
import type { KernelSpec } from './kernels.ts';
import { type Attributes, type Aval, sameShape } from './program.ts';

type Numbers = readonly number[];
type Role = 'x' | 'filter' | 'y';

interface Convolution {
  readonly depthwise: boolean;
  /** What the kernel computes from the other two. */
  readonly result: Role;
}

/** The kernels of this file. */
const convolutions: { readonly [kernel: string]: Convolution } = {
  Conv2D: { depthwise: false, result: 'y' },
  Conv2DBackpropInput: { depthwise: false, result: 'x' },
  Conv2DBackpropFilter: { depthwise: false, result: 'filter' },
  Conv3D: { depthwise: false, result: 'y' },
  Conv3DBackpropInputV2: { depthwise: false, result: 'x' },
  Conv3DBackpropFilterV2: { depthwise: false, result: 'filter' },
  DepthwiseConv2dNative: { depthwise: true, result: 'y' },
  DepthwiseConv2dNativeBackpropInput: { depthwise: true, result: 'x' },
  DepthwiseConv2dNativeBackpropFilter: { depthwise: true, result: 'filter' },
};

/** Number of places at which a window fits along an axis of `length`. */
export function placesAlong(
  length: number,
  window: number,
  stride: number,
  dilation: number,
  [before, after]: Numbers,
): number {
  const reach = (window - 1) * dilation + 1;
  return Math.max(0, Math.floor((length + before! + after! - reach) / stride) + 1);
}

export const convolutionKernels: { readonly [name: string]: KernelSpec } = Object.fromEntries(
  Object.entries(convolutions).map(([name, convolution]) => [name, specOf(name, convolution)]),
);

function specOf(name: string, { depthwise, result }: Convolution): KernelSpec {
  const inputNames = { y: ['x', 'filter'], x: ['dy', 'filter'], filter: ['x', 'dy'] }[result];
  return {
    inputNames,
    shape([a, b], attributes) {
      const shapes = { x: a!.shape, filter: b!.shape, y: [] as Numbers };
      if (result === 'x') Object.assign(shapes, { y: a!.shape, x: shapeOfX(a!.shape, b!.shape, attributes) });
      if (result === 'filter') {
        Object.assign(shapes, { y: b!.shape, filter: shapeOfFilter(a!.shape, b!.shape, attributes, depthwise) });
      }
      const y = shapeOfY(shapes.x, shapes.filter, attributes, depthwise);
      if (y === undefined || (result !== 'y' && !sameShape(y, shapes.y)))
        throw unfit(name, inputNames, [a!, b!], attributes);
      if (a!.dtype !== 'float32' || b!.dtype !== 'float32') {
        throw new Error(`${name}: takes float32, not ${a!.dtype} and ${b!.dtype}; cast them first`);
      }
      return { shape: result === 'y' ? y : shapes[result], dtype: 'float32' };
    },
  };
}

/** The axes in front of those of one convolution: [...groups, n] of x and y, [...groups] of a filter. */
const leading = (shape: Numbers, { strides }: Attributes, own: number): Numbers =>
  shape.slice(0, shape.length - (strides as Numbers).length - own);

const last = (shape: Numbers): number => shape[shape.length - 1] as number;

function shapeOfX(y: Numbers, filter: Numbers, attributes: Attributes): Numbers {
  return [...leading(y, attributes, 1), ...(attributes['space'] as Numbers), filter[filter.length - 2] as number];
}

function shapeOfFilter(x: Numbers, y: Numbers, attributes: Attributes, depthwise: boolean): Numbers {
  const window = attributes['window'] as Numbers;
  if (depthwise) return [...window, last(x), last(x) === 0 ? 1 : last(y) / last(x)];
  return [...leading(x, attributes, 1).slice(0, -1), ...window, last(x), last(y)];
}

/** The shape of y; undefined if the others do not belong together. */
function shapeOfY(x: Numbers, filter: Numbers, attributes: Attributes, depthwise: boolean): Numbers | undefined {
  const strides = attributes['strides'] as Numbers;
  const dilations = attributes['dilations'] as Numbers;
  const paddings = attributes['paddings'] as readonly Numbers[];
  const before = leading(x, attributes, 1);
  const groups = leading(filter, attributes, 2);
  const [channels, rest] = filter.slice(-2) as [number, number];
  const fits = sameShape(groups, before.slice(0, -1)) && channels === last(x) && (!depthwise || groups.length === 0);
  if (!fits || x.length < strides.length + 2) return undefined;
  const places = strides.map((stride, i) =>
    placesAlong(
      x[before.length + i] as number,
      filter[groups.length + i] as number,
      stride,
      dilations[i] as number,
      paddings[i] as Numbers,
    ),
  );
  return [...before, ...places, depthwise ? channels * rest : rest];
}

function unfit(name: string, [a, b]: readonly string[], [x, y]: readonly Aval[], attributes: Attributes): Error {
  return new Error(
    `${name}: ${a} of shape [${x!.shape}] and ${b} of shape [${y!.shape}] do not belong together (${JSON.stringify(attributes)})`,
  );
}
