/** Pools in tfjs's attributes and, where this package has no kernels of its own for them, in tfjs's kernels. */
import { applying, kernelEquation as kernel } from './equations.ts';
import { countWindows, windowsOf } from './kernels-pooling.ts';
import type { Lowering } from './lower.ts';
import {
  type Attributes,
  type Equation,
  type KernelEquation,
  type Literal,
  newValue,
  sizeOf,
  type Value,
} from './program.ts';

export const poolingLowerings: { readonly [kernel: string]: Lowering } = {
  MaxPool(equation, device) {
    const { inputs, attributes, outputs } = equation;
    const [result] = outputs as readonly [Value];
    const isReal = result.dtype === 'float32';
    if (device === 'wasm' && isReal) return [equation];
    if (device !== 'cpu' || !isReal) return [{ ...equation, attributes: tfjsAttributes(attributes) }];
    // tfjs's kernel knows no NaN.
    const places = newValue({ shape: result.shape, dtype: 'int32' });
    return [
      kernel('MaxPoolArgmax', inputs, attributes, places),
      kernel('GatherEach', [inputs[0]!, places], {}, result),
    ];
  },
  AvgPool(equation, device) {
    const isReal = equation.inputs[0]!.dtype === 'float32';
    return device === 'wasm' && isReal
      ? [equation]
      : [{ ...equation, attributes: tfjsAttributes(equation.attributes) }];
  },

  // tfjs's kernel returns the maxima first.
  MaxPoolArgmax: inTfjs((equation) => {
    const [places] = equation.outputs as readonly [Value];
    const maxima = newValue({ shape: places.shape, dtype: 'float32' });
    const attributes = { ...tfjsAttributes(equation.attributes), includeBatchInIndex: false };
    return [{ ...equation, kernel: 'MaxPoolWithArgmax', attributes, outputs: [maxima, places] }];
  }),

  // tfjs's kernel divides by the size of the whole window, whatever part of it is in the image, and takes images for their shape.
  AvgPoolTranspose: inTfjs(({ inputs: [dy], attributes, outputs: [result] }) => {
    const equations: Equation[] = [];
    const apply = applying(equations);
    const images = apply('Fill', [], result!.shape, { shape: result!.shape, value: 0, dtype: 'float32' }, 'float32');
    const factors = wholeOverPart(attributes);
    const change = factors === undefined ? dy! : apply('Multiply', [dy!, factors], dy!.shape);
    return [...equations, kernel('AvgPoolGrad', [change, images], tfjsAttributes(attributes), result!)];
  }),

  GatherEach: inTfjs(({ inputs: [x, places], outputs: [result] }) => {
    const equations: Equation[] = [];
    const apply = applying(equations);
    const flat = apply('Reshape', [x!], [sizeOf(x!.shape)], { shape: [sizeOf(x!.shape)] });
    const starts = startsOf(x!.shape, places!.shape.length);
    const all = apply('Add', [places!, starts], places!.shape);
    return [...equations, kernel('GatherV2', [flat, all], { axis: 0, batchDims: 0 }, result!)];
  }),

  ScatterEach: inTfjs(({ inputs: [updates, places], outputs: [result] }) => {
    const equations: Equation[] = [];
    const apply = applying(equations);
    const [count, size] = [sizeOf(updates!.shape), sizeOf(result!.shape)];
    const all = apply('Add', [places!, startsOf(result!.shape, places!.shape.length)], places!.shape);
    const column = apply('Reshape', [all], [count, 1], { shape: [count, 1] });
    const flat = apply('Reshape', [updates!], [count], { shape: [count] });
    const sums = apply('ScatterNd', [column, flat], [size], { shape: [size] }, updates!.dtype);
    return [...equations, kernel('Reshape', [sums], { shape: result!.shape }, result!)];
  }),
};

/** A lowering for devices other than those which have the kernel itself, see `pooling-on-host.ts`. */
function inTfjs(lowering: (equation: KernelEquation) => readonly Equation[]): Lowering {
  return (equation, device) => (device === 'cpu' || device === 'wasm' ? [equation] : lowering(equation));
}

function tfjsAttributes(attributes: Attributes): Attributes {
  const { filterSize, strides, padding } = attributes as { [name: string]: readonly number[] };
  const pad = [[0, 0], ...(padding as unknown as readonly (readonly number[])[]), [0, 0]];
  return { filterSize: filterSize!, strides: strides!, pad, dimRoundingMode: 'floor' };
}

/** The size of a window over the number of its elements that are in the image, `[height, width, 1]`; undefined where all are. */
function wholeOverPart(attributes: Attributes): Literal | undefined {
  const size = attributes['size'] as readonly number[];
  const [rows, columns] = windowsOf(attributes).map((each, axis) =>
    Array.from({ length: countWindows(size[axis] as number, each) }, (_, i) => {
      const first = i * each.stride - each.before;
      return each.size / (Math.min(size[axis] as number, first + each.size) - Math.max(0, first));
    }),
  ) as [number[], number[]];
  const values = Float32Array.from(rows.flatMap((row) => columns.map((column) => row * column)));
  if (values.every((factor) => factor === 1)) return undefined;
  return { kind: 'literal', dtype: 'float32', shape: [rows.length, columns.length, 1], values };
}

/** Where each `x[i]` starts in `x` flattened, to be added to places of `rank` axes. */
function startsOf(shape: readonly number[], rank: number): Literal {
  const [count, ...rest] = shape as [number, ...number[]];
  const values = Int32Array.from({ length: count }, (_, i) => i * sizeOf(rest));
  return { kind: 'literal', dtype: 'int32', shape: [count, ...Array.from({ length: rank - 1 }, () => 1)], values };
}
