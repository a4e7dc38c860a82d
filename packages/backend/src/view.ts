/** Views: elements of an array at regular places. Transposing, slicing, reversing and repeating are views, of any number of axes. */
import { type KernelEquation, type Literal, sizeOf } from './program.ts';
import { registerShader } from './shader.ts';

type Numbers = readonly number[];

/** Element i_1, ..., i_r is at `offset + i_1 strides_1 + ... + i_r strides_r`. */
export interface View {
  readonly sizes: Numbers;
  readonly strides: Numbers;
  readonly offset: number;
}

/** Gives tfjs's webgpu device the kernel View, which copies the elements to the bit. */
export function registerView(): void {
  const statements = `
    let rank = uniforms.rank;
    var place = places[0];
    var rest = index;
    for (var axis = rank; axis > 0; axis--) {
      let size = places[axis];
      place += (rest % size) * places[rank + axis];
      rest = rest / size;
    }
    result[index] = x[place];`;
  registerShader('View', { reads: ['x', 'places'], integers: ['rank'], statements }, ([, places], { shape }) => ({
    shape: shape as Numbers,
    integers: [((places!.shape[0] as number) - 1) / 2],
  }));
}

/** How many elements apart those along each axis lie. */
export function stridesOf(shape: Numbers): number[] {
  const strides: number[] = new Array(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** What a kernel sees of its input. */
const views: {
  readonly [kernel: string]: (shape: Numbers, attributes: KernelEquation['attributes']) => View;
} = {
  Transpose(shape, { perm }) {
    const strides = stridesOf(shape);
    const axes = perm as Numbers;
    return { sizes: axes.map((i) => shape[i]!), strides: axes.map((i) => strides[i]!), offset: 0 };
  },
  Slice(shape, { begin, size }) {
    const strides = stridesOf(shape);
    const offset = (begin as Numbers).reduce((sum, first, axis) => sum + first * strides[axis]!, 0);
    return { sizes: size as Numbers, strides, offset };
  },
  Reverse(shape, { dims }) {
    const turned = (axis: number): boolean => (dims as Numbers).includes(axis);
    const strides = stridesOf(shape);
    const offset = shape.reduce((sum, n, axis) => sum + (turned(axis) ? (n - 1) * strides[axis]! : 0), 0);
    return { sizes: shape, strides: strides.map((n, axis) => (turned(axis) ? -n : n)), offset };
  },
  BroadcastTo(own, { shape }) {
    const sizes = shape as Numbers;
    const leading = sizes.length - own.length;
    const strides = stridesOf(own);
    return {
      sizes,
      strides: sizes.map((_, axis) => (axis < leading || own[axis - leading] === 1 ? 0 : strides[axis - leading]!)),
      offset: 0,
    };
  },
  Tile(shape, { reps }) {
    const strides = stridesOf(shape);
    const each = shape.map((n, axis) => ({ sizes: [(reps as Numbers)[axis]!, n], strides: [0, strides[axis]!] }));
    return { sizes: each.flatMap(({ sizes }) => sizes), strides: each.flatMap(({ strides }) => strides), offset: 0 };
  },
};

/** The shape of what a kernel returns of an input of `shape`. */
export function shapeOfView(kernel: string, shape: Numbers, attributes: KernelEquation['attributes']): Numbers {
  if (kernel === 'Transpose') return (attributes['perm'] as Numbers).map((axis) => shape[axis]!);
  if (kernel === 'Slice') return attributes['size'] as Numbers;
  return kernel === 'Tile' ? shape.map((n, axis) => n * (attributes['reps'] as Numbers)[axis]!) : shape;
}

/** What a kernel sees of an input of `shape`, with as few axes as possible. */
export function viewOf(kernel: string, shape: Numbers, attributes: KernelEquation['attributes']): View {
  const view = views[kernel];
  if (view === undefined) throw new Error(`${kernel} computes: what it returns is no view`);
  return merged(view(shape, attributes));
}

/**
 * The equation as a view, a mere change of shape where that is all it is; undefined for kernels that compute, and for the transpose of one matrix
 * of real numbers, which tfjs has a fast kernel for.
 */
export function asView(equation: KernelEquation): KernelEquation | undefined {
  const [x] = equation.inputs;
  const view = views[equation.kernel]?.(x!.shape, equation.attributes);
  if (view === undefined) return undefined;
  const { shape } = equation.outputs[0]!;
  const { sizes, strides, offset } = merged(view);
  const isWhole = sizeOf(shape) === sizeOf(x!.shape);
  if (isWhole && offset === 0 && sizes.length <= 1 && (strides[0] ?? 1) === 1)
    return { ...equation, kernel: 'Reshape', attributes: { shape } };
  if (equation.kernel === 'Transpose' && shape.length === 2 && x!.dtype === 'float32') return undefined;
  const values = Int32Array.of(offset, ...sizes, ...strides);
  const places: Literal = { kind: 'literal', dtype: 'int32', shape: [values.length], values };
  return { ...equation, kernel: 'View', inputs: [x!, places], attributes: { shape } };
}

/** The same with as few axes as possible. */
function merged({ sizes, strides, offset }: View): View {
  const axes: { size: number; stride: number }[] = [];
  sizes.forEach((size, axis) => {
    const stride = strides[axis]!;
    const last = axes.at(-1);
    if (size === 1) return;
    if (last !== undefined && last.stride === stride * size) axes[axes.length - 1] = { size: last.size * size, stride };
    else axes.push({ size, stride });
  });
  return { sizes: axes.map(({ size }) => size), strides: axes.map(({ stride }) => stride), offset };
}
