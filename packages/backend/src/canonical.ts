/**
 * tfjs's spellings of kernels, translated while they are recorded: one name per meaning, axes and sizes resolved, composite kernels as
 * their parts. What is not listed here is recorded as it is.
 */
import { type StridedSliceAttrs, slice_util, type Tensor } from '@tensorflow/tfjs-core';
import { complexTranslations } from './canonical-complex.ts';
import { convolutionTranslations } from './canonical-convolution.ts';
import { einsumTranslations } from './canonical-einsum.ts';
import { imageTranslations } from './canonical-image.ts';
import { poolingTranslations } from './canonical-pooling.ts';
import { resizeTranslations } from './canonical-resize.ts';
import { selectionTranslations } from './canonical-selection.ts';
import { transformTranslations } from './canonical-transform.ts';
import { smoothCrossEntropy } from './cross-entropy.ts';
import { theEngine } from './engine.ts';
import { broadcastShape, realFunctions } from './kernels.ts';
import { type Attributes, type DataType, hostValues } from './program.ts';
import { constant, record } from './trace.ts';
import {
  absoluteAxes,
  absoluteAxis,
  broadcastTo,
  cast,
  named,
  type RawAttributes,
  reshape,
  rootOrZero,
  scalar,
  slice,
  type Translation,
} from './translation.ts';

/** The translation of a tfjs kernel, if it has one. */
export function canonical(kernel: string): Translation | undefined {
  return translations.get(kernel);
}

const translations = new Map<string, Translation>();
for (const [kernel, each] of Object.entries({
  ...convolutionTranslations,
  ...einsumTranslations,
  ...selectionTranslations,
}))
  translations.set(kernel, each);
for (const [kernel, each] of Object.entries({
  ...poolingTranslations,
  ...imageTranslations,
  ...resizeTranslations,
  ...complexTranslations,
  ...transformTranslations,
}))
  translations.set(kernel, each);

/** Names of all kernels of tfjs with a translation. */
export function translatedKernels(): string[] {
  return [...translations.keys()].sort();
}

/** Adds a translation of a kernel with the inputs `names`. */
function translate(kernel: string, names: string, translation: Parameters<typeof named>[1]): void {
  translations.set(kernel, named(names, translation));
}

function translateList(
  kernel: string,
  translation: (tensors: readonly Tensor[], attributes: RawAttributes) => Tensor | Tensor[],
): void {
  translations.set(kernel, (inputs, attributes) => translation(inputs as readonly Tensor[], attributes));
}

// Shapes and types.

translate('Identity', 'x', ([x]) => x!);
translate('Reshape', 'x', ([x], { shape }) => reshape(x!, inferred(shape as number[], x!.size)));
translate('ExpandDims', 'input', ([x], { dim }) => {
  const axis = (dim as number) < 0 ? (dim as number) + x!.rank + 1 : (dim as number);
  return reshape(x!, [...x!.shape.slice(0, axis), 1, ...x!.shape.slice(axis)]);
});
translate('Cast', 'x', ([x], { dtype }) => cast(x!, dtype as DataType));
translate('Transpose', 'x', ([x], { perm }) => {
  const order = perm as number[];
  return order.every((axis, i) => axis === i) ? x! : record('Transpose', [x!], { perm: order });
});
translate('Tile', 'x', ([x], { reps }) => {
  const repeats = reps as number[];
  const split = x!.shape.flatMap((n, i) => (n === 1 || repeats[i] === 1 ? [n] : [1, n]));
  const repeated = x!.shape.flatMap((n, i) =>
    n === 1 ? [repeats[i] as number] : repeats[i] === 1 ? [n] : [repeats[i] as number, n],
  );
  return reshape(
    broadcastTo(reshape(x!, split), repeated),
    x!.shape.map((n, i) => n * (repeats[i] as number)),
  );
});

function inferred(shape: readonly number[], size: number): number[] {
  const known = shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  return shape.map((n) => (n === -1 ? (known === 0 ? 0 : size / known) : n));
}

// Constants.

translations.set('Fill', (_inputs, { shape, value, dtype }) =>
  broadcastTo(scalar(value as number, (dtype as DataType | undefined) ?? 'float32'), shape as number[]),
);
translate('ZerosLike', 'x', ([x]) => broadcastTo(scalar(0, x!.dtype as DataType), x!.shape));
translate('OnesLike', 'x', ([x]) => broadcastTo(scalar(1, x!.dtype as DataType), x!.shape));
translations.set('Range', (_inputs, { start, stop, step, dtype }) => {
  const [first, last, by] = [start as number, stop as number, step as number];
  const count = first === last ? 0 : Math.max(0, Math.ceil((last - first) / by));
  const values = hostValues((dtype as DataType | undefined) ?? 'float32', count);
  for (let i = 0; i < count; i++) values[i] = first + i * by;
  return constant(values, [count], (dtype as DataType | undefined) ?? 'float32');
});
translations.set('LinSpace', (_inputs, { start, stop, num }) => {
  const [first, last, count] = [start as number, stop as number, num as number];
  const values = Float32Array.from({ length: count }, (_, i) =>
    count === 1 ? first : first + (i * (last - first)) / (count - 1),
  );
  return constant(values, [count], 'float32');
});
translate('OneHot', 'indices', ([indices], { depth, onValue, offValue, dtype }) => {
  const type = (dtype as DataType | undefined) ?? 'int32';
  const classes = constant(
    Int32Array.from({ length: depth as number }, (_, i) => i),
    [depth as number],
    'int32',
  );
  const hit = record('Equal', [reshape(cast(indices!, 'int32'), [...indices!.shape, 1]), classes]);
  if (onValue === 1 && offValue === 0) return cast(hit, type);
  const either = [onValue, offValue].map((value) => broadcastTo(scalar(value as number, type), hit.shape));
  return record('Select', [hit, ...either]);
});

// Arithmetic.

// What they make of integers and of truth values is what they make of these as real numbers.
for (const kernel of realFunctions)
  translate(kernel, 'x', ([x], attributes) => record(kernel, [cast(x!, 'float32')], attributes as Attributes));
translate('Add', 'a b', ([a, b]) => smoothCrossEntropy(a!, b!) ?? record('Add', [a!, b!]));
translate('SquaredDifference', 'a b', ([a, b]) => record('Square', [record('Sub', [a!, b!])]));
translate('LogicalXor', 'a b', ([a, b]) => record('NotEqual', [a!, b!]));
translate('Prelu', 'x alpha', ([x, alpha]) => {
  const condition = record('Greater', [x!, scalar(0)]);
  const shape = broadcastShape(x!.shape, alpha!.shape);
  return record('Select', [broadcastTo(condition, shape), broadcastTo(x!, shape), record('Multiply', [x!, alpha!])]);
});
translate('EluGrad', 'dy y', ([dy, y]) =>
  record('Multiply', [dy!, record('Add', [record('Minimum', [y!, scalar(0)]), scalar(1)])]),
);
translate('Select', 'condition t e', ([condition, t, e]) => {
  // A condition of rank 1 chooses along the leading axis.
  const rank =
    condition!.rank === 1 ? [condition!.size, ...Array.from({ length: t!.rank - 1 }, () => 1)] : condition!.shape;
  // tfjs has broadcast them already, save that it takes an axis of length 1 beside one of length 0 for 1.
  const operands = [reshape(condition!, rank), t!, e!];
  const shape = operands.map((operand) => operand.shape).reduce<readonly number[]>(broadcastShape, []);
  return record(
    'Select',
    operands.map((operand) => broadcastTo(operand, shape)),
  );
});
translateList('AddN', (tensors) => tensors.reduce((sum, x) => record('Add', [sum, x])));
translate('Step', 'x', ([x], { alpha }) => record('Step', [x!], { alpha: (alpha as number | undefined) ?? 0 }));

// Reductions: without kept dimensions, over absolute axes.

function reduce(kernel: string, x: Tensor, axis: unknown, keepDims: unknown): Tensor {
  const axes = absoluteAxes(axis, x.rank);
  const reduced = axes.length === 0 ? x : record(kernel, [x], { axis: axes });
  return keepDims
    ? reshape(
        reduced,
        x.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
      )
    : reduced;
}

for (const kernel of ['Sum', 'Prod', 'Min', 'All', 'Any']) {
  translate(kernel, 'x', ([x], { axis, keepDims }) => reduce(kernel, x!, axis, keepDims));
}
translate('Max', 'x', ([x], { reductionIndices, keepDims }) => {
  const max = reduce('Max', x!, reductionIndices, keepDims);
  const caller = callingOp();
  // There the maximum only guards exponentials against overflow: its derivative cancels, and need not be computed.
  if (caller === 'logSoftmax__op') return record('StopGradient', [max]);
  return caller === 'logSumExp__op' ? record('StopGradient', [orZero(max)]) : max;
});
translate('Mean', 'x', ([x], { axis, keepDims }) => {
  const sum = reduce('Sum', cast(x!, 'float32'), axis, keepDims);
  return record('RealDiv', [sum, scalar(x!.size / sum.size)]);
});
/** Zero where a maximum is not finite: minus itself it is no number, while the sum of the exponentials is 0 or infinite as it should be. */
function orZero(max: Tensor): Tensor {
  const finite = record('IsFinite', [max]);
  return record('Select', [finite, max, broadcastTo(scalar(0, max.dtype as DataType), max.shape)]);
}

/** The op that called the one which runs a kernel now. */
function callingOp(): string | undefined {
  const { scopeStack } = theEngine().state;
  return scopeStack[scopeStack.length - 2]?.name;
}

translate('Sqrt', 'x', ([x]) => {
  const real = cast(x!, 'float32');
  return callingOp() === 'norm__op' ? rootOrZero(real) : record('Sqrt', [real]);
});

for (const kernel of ['ArgMax', 'ArgMin']) {
  translate(kernel, 'x', ([x], { axis }) =>
    record(kernel, [x!], { axis: absoluteAxis((axis as number | undefined) ?? 0, x!.rank) }),
  );
}
for (const kernel of ['Cumsum', 'Cumprod']) {
  translate(kernel, 'x', ([x], { axis, exclusive, reverse }) =>
    record(kernel, [x!], {
      axis: absoluteAxis((axis as number | undefined) ?? 0, x!.rank),
      exclusive: Boolean(exclusive),
      reverse: Boolean(reverse),
    }),
  );
}
translate('Softmax', 'logits', ([logits]) => record('Softmax', [logits!]));
translate('FusedBatchNorm', 'x mean variance scale offset', ([x, mean, variance, factor, offset], attributes) => {
  const inverse = record('Rsqrt', [record('Add', [variance!, scalar(attributes['varianceEpsilon'] as number)])]);
  const scaled = factor ? record('Multiply', [inverse, factor]) : inverse;
  const result = record('Multiply', [record('Sub', [x!, mean!]), scaled]);
  return offset ? record('Add', [result, offset]) : result;
});

// Slices and joins.

translate('Slice', 'x', ([x], { begin, size }) => {
  const [first, count] = slice_util.parseSliceParams(x!, begin as number[], size as number[]) as [number[], number[]];
  slice_util.assertParamsValid(x!, first, count);
  return slice(x!, first, count);
});
translate('StridedSlice', 'x', ([x], attributes) => {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } =
    attributes as unknown as StridedSliceAttrs;
  const info = slice_util.sliceInfo(
    x!.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  let result = x!;
  info.strides.forEach((stride: number, axis: number) => {
    const [first, last] = [info.begin[axis] as number, info.end[axis] as number];
    const count = Math.max(0, Math.ceil((last - first) / stride));
    const size = result.shape.map((n, i) => (i === axis ? count : n));
    if (stride === 1) {
      result = slice(
        result,
        size.map((_, i) => (i === axis ? first : 0)),
        size,
      );
    } else {
      const indices = Int32Array.from({ length: count }, (_, i) => first + i * stride);
      result = record('GatherV2', [result, constant(indices, [count], 'int32')], { axis });
    }
  });
  return reshape(result, info.finalShape);
});
translate('SplitV', 'x', ([x], { numOrSizeSplits, axis }) => {
  const dimension = absoluteAxis(axis as number, x!.rank);
  const length = x!.shape[dimension] as number;
  const sizes = splitSizes(numOrSizeSplits as number | number[], length);
  let offset = 0;
  return sizes.map((size) => {
    const part = slice(
      x!,
      x!.shape.map((_, i) => (i === dimension ? offset : 0)),
      x!.shape.map((n, i) => (i === dimension ? size : n)),
    );
    offset += size;
    return part;
  });
});
translate('Unpack', 'value', ([x], { axis }) => {
  const dimension = absoluteAxis(axis as number, x!.rank);
  const rest = x!.shape.filter((_, i) => i !== dimension);
  return Array.from({ length: x!.shape[dimension] as number }, (_, index) => {
    const begin = x!.shape.map((_, i) => (i === dimension ? index : 0));
    const size = x!.shape.map((n, i) => (i === dimension ? 1 : n));
    return reshape(slice(x!, begin, size), rest);
  });
});
translateList('Pack', (tensors, { axis }) => {
  const rank = tensors[0]!.rank + 1;
  const dimension = absoluteAxis(axis as number, rank);
  const expanded = tensors.map((x) => reshape(x, [...x.shape.slice(0, dimension), 1, ...x.shape.slice(dimension)]));
  return expanded.length === 1 ? expanded[0]! : record('Concat', expanded, { axis: dimension });
});
translateList('Concat', (tensors, { axis }) => {
  const dimension = absoluteAxis(axis as number, tensors[0]!.rank);
  return tensors.length === 1 ? tensors[0]! : record('Concat', tensors, { axis: dimension });
});
translate('Reverse', 'x', ([x], { dims }) => record('Reverse', [x!], { dims: absoluteAxes(dims, x!.rank) }));
translate('PadV2', 'x', ([x], { paddings, constantValue }) =>
  record('PadV2', [x!], {
    paddings: paddings as number[][],
    constantValue: (constantValue as number | undefined) ?? 0,
  }),
);
translate('ScatterNd', 'indices updates', ([indices, updates], { shape }) =>
  record('ScatterNd', [indices!, updates!], { shape: shape as number[] }),
);

function splitSizes(numOrSizes: number | readonly number[], length: number): number[] {
  if (typeof numOrSizes === 'number') return Array.from({ length: numOrSizes }, () => length / numOrSizes);
  const known = numOrSizes.reduce((sum, n) => (n === -1 ? sum : sum + n), 0);
  return numOrSizes.map((n) => (n === -1 ? length - known : n));
}

// Matrix products: equal batch dimensions, at least rank 2.

translate('BatchMatMul', 'a b', ([a, b], { transposeA, transposeB }) =>
  matMul(a!, b!, Boolean(transposeA), Boolean(transposeB)),
);
translate('_FusedMatMul', 'a b bias preluActivationWeights', ([a, b, bias, alpha], attributes) => {
  const { transposeA, transposeB, activation, leakyreluAlpha } = attributes;
  let result = matMul(a!, b!, Boolean(transposeA), Boolean(transposeB));
  if (bias !== undefined && bias !== null) result = record('Add', [result, bias]);
  return activate(result, activation as string | undefined, leakyreluAlpha as number | undefined, alpha);
});

function matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const expand = (x: Tensor): Tensor => broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
  return record('BatchMatMul', [expand(a), expand(b)], { transposeA, transposeB });
}

const activations: { readonly [name: string]: string } = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
};

function activate(
  x: Tensor,
  activation: string | undefined,
  leakyreluAlpha: number | undefined,
  alpha: Tensor | undefined,
): Tensor {
  if (activation === undefined || activation === null || activation === 'linear') return x;
  if (activation === 'leakyrelu') return record('LeakyRelu', [x], { alpha: leakyreluAlpha ?? 0.2 });
  if (activation === 'prelu') return canonical('Prelu')!({ x, alpha }, {}) as Tensor;
  const kernel = activations[activation];
  if (kernel === undefined) throw new Error(`trace: the activation ${activation} of a fused product is not known`);
  return record(kernel, [x]);
}
