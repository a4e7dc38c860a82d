/**
 * The kernels a program may use: the names of their inputs on a tfjs device and the shape and dtype of what they return.
 *
 * Attributes are canonical: axes absolute and sorted, sizes resolved, one name per meaning. `canonical.ts` translates tfjs's spellings.
 */
import { convolutionKernels } from './kernels-convolution.ts';
import { fourierKernels } from './kernels-fourier.ts';
import { poolingKernels } from './kernels-pooling.ts';
import { selectionKernels } from './kernels-selection.ts';
import { type Attributes, type Aval, type DataType, sameShape, sizeOf } from './program.ts';

export type ShapeRule = (inputs: readonly Aval[], attributes: Attributes) => Aval;

export interface KernelSpec {
  /** Names of the inputs where a device runs the kernel, in order; absent where the device takes an array. */
  readonly inputNames?: readonly string[];
  readonly shape: ShapeRule;
}

const specs = new Map<string, KernelSpec>();

/** Adds a kernel, or replaces the one of the same name. */
export function registerKernelSpec(name: string, spec: KernelSpec): void {
  specs.set(name, spec);
}

export function kernelSpec(name: string): KernelSpec | undefined {
  return specs.get(name);
}

/** Names of all kernels with a shape rule. */
export function kernelNames(): string[] {
  return [...specs.keys()].sort();
}

/** The shape that two operands broadcast to, by numpy's rule. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = new Array(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? (a[a.length - i] as number) : 1;
    const y = i <= b.length ? (b[b.length - i] as number) : 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new Error(`shapes [${a}] and [${b}] do not broadcast: ${x} and ${y} differ and neither is 1`);
    }
    shape[rank - i] = x === 1 ? y : x;
  }
  return shape;
}

const numbers = (attributes: Attributes, name: string): readonly number[] => attributes[name] as readonly number[];

function unary(dtype?: DataType): KernelSpec {
  return { inputNames: ['x'], shape: ([x]) => ({ shape: x!.shape, dtype: dtype ?? x!.dtype }) };
}

function binary(dtype?: DataType): KernelSpec {
  return {
    inputNames: ['a', 'b'],
    shape: ([a, b]) => ({ shape: broadcastShape(a!.shape, b!.shape), dtype: dtype ?? a!.dtype }),
  };
}

function reduction(dtype?: DataType): KernelSpec {
  return {
    inputNames: ['x'],
    shape: ([x], attributes) => {
      const axis = numbers(attributes, 'axis');
      return { shape: x!.shape.filter((_, i) => !axis.includes(i)), dtype: dtype ?? x!.dtype };
    },
  };
}

const elementwise = new Set<string>();

/** Whether each element of what the kernel returns is made of those in its place, inputs broadcast. */
export function isElementwise(kernel: string): boolean {
  return elementwise.has(kernel);
}

function registerElementwise(names: readonly string[], spec: KernelSpec): void {
  for (const name of names) {
    registerKernelSpec(name, spec);
    elementwise.add(name);
  }
}

/** Names of the kernels that are functions of one real number, which devices have for float32 alone. */
export const realFunctions: readonly string[] =
  'Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Expm1 Floor LeakyRelu Log Log1p Reciprocal Round Rsqrt Selu Sigmoid Sin Sinh Softplus Sqrt Tan Tanh'.split(
    ' ',
  );
registerElementwise(realFunctions, unary('float32'));
registerElementwise('Abs ClipByValue Neg Relu Relu6 Sign Square Step Identity StopGradient'.split(' '), unary());
registerElementwise('IsFinite IsInf IsNan LogicalNot'.split(' '), unary('bool'));
registerElementwise('Add Sub Multiply RealDiv FloorDiv Mod Maximum Minimum Pow Atan2'.split(' '), binary());
registerElementwise(
  'Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr'.split(' '),
  binary('bool'),
);
for (const name of 'Sum Prod Max Min'.split(' ')) registerKernelSpec(name, reduction());
for (const name of 'All Any'.split(' ')) registerKernelSpec(name, reduction('bool'));
for (const name of 'ArgMax ArgMin'.split(' ')) {
  registerKernelSpec(name, {
    inputNames: ['x'],
    shape: ([x], { axis }) => ({ shape: x!.shape.filter((_, i) => i !== axis), dtype: 'int32' }),
  });
}
for (const name of 'Cumsum Cumprod Reverse'.split(' ')) registerKernelSpec(name, unary());
registerKernelSpec('Softmax', { inputNames: ['logits'], shape: ([x]) => x! });

registerElementwise(['Cast'], {
  inputNames: ['x'],
  shape: ([x], { dtype }) => ({ shape: x!.shape, dtype: dtype as DataType }),
});

registerElementwise(['Select'], {
  inputNames: ['condition', 't', 'e'],
  shape: ([condition, t, e]) => {
    if (!sameShape(condition!.shape, t!.shape) || !sameShape(t!.shape, e!.shape)) {
      throw new Error(`Select: shapes [${condition!.shape}], [${t!.shape}] and [${e!.shape}] differ`);
    }
    return t!;
  },
});

registerKernelSpec('Reshape', {
  inputNames: ['x'],
  shape: ([x], attributes) => {
    const shape = numbers(attributes, 'shape');
    if (sizeOf(shape) !== sizeOf(x!.shape)) {
      throw new Error(`Reshape: [${x!.shape}] has ${sizeOf(x!.shape)} elements, [${shape}] has ${sizeOf(shape)}`);
    }
    return { shape, dtype: x!.dtype };
  },
});

registerKernelSpec('BroadcastTo', {
  inputNames: ['x'],
  shape: ([x], attributes) => {
    const shape = numbers(attributes, 'shape');
    if (!sameShape(broadcastShape(x!.shape, shape), shape)) {
      throw new Error(`BroadcastTo: [${x!.shape}] does not broadcast to [${shape}]`);
    }
    return { shape, dtype: x!.dtype };
  },
});

registerKernelSpec('Transpose', {
  inputNames: ['x'],
  shape: ([x], attributes) => ({
    shape: numbers(attributes, 'perm').map((i) => x!.shape[i] as number),
    dtype: x!.dtype,
  }),
});

registerKernelSpec('Slice', {
  inputNames: ['x'],
  shape: ([x], attributes) => ({ shape: numbers(attributes, 'size'), dtype: x!.dtype }),
});

registerKernelSpec('PadV2', {
  inputNames: ['x'],
  shape: ([x], { paddings }) => ({
    shape: x!.shape.map((n, i) => {
      const [before, after] = (paddings as readonly (readonly number[])[])[i] as readonly number[];
      return n + (before as number) + (after as number);
    }),
    dtype: x!.dtype,
  }),
});

registerKernelSpec('Concat', {
  shape: (inputs, { axis }) => {
    const first = inputs[0]!;
    const length = inputs.reduce((sum, x) => sum + (x.shape[axis as number] as number), 0);
    return { shape: first.shape.map((n, i) => (i === axis ? length : n)), dtype: first.dtype };
  },
});

registerKernelSpec('BatchMatMul', {
  inputNames: ['a', 'b'],
  shape: ([a, b], { transposeA, transposeB }) => {
    const rank = a!.shape.length;
    const [rows, innerA] = lastTwo(a!.shape, transposeA as boolean);
    const [innerB, columns] = lastTwo(b!.shape, transposeB as boolean);
    const batch = a!.shape.slice(0, rank - 2);
    if (rank !== b!.shape.length || !sameShape(batch, b!.shape.slice(0, rank - 2)) || innerA !== innerB) {
      throw new Error(
        `BatchMatMul: [${a!.shape}]${transposeA ? '^T' : ''} and [${b!.shape}]${transposeB ? '^T' : ''} cannot be multiplied`,
      );
    }
    return { shape: [...batch, rows, columns], dtype: a!.dtype };
  },
});

function lastTwo(shape: readonly number[], transposed: boolean): [number, number] {
  const rows = shape[shape.length - 2] as number;
  const columns = shape[shape.length - 1] as number;
  return transposed ? [columns, rows] : [rows, columns];
}

registerKernelSpec('GatherV2', {
  inputNames: ['x', 'indices'],
  shape: ([x, indices], attributes) => {
    const axis = attributes['axis'] as number;
    return { shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], dtype: x!.dtype };
  },
});

registerKernelSpec('GatherNd', {
  inputNames: ['params', 'indices'],
  shape: ([x, indices]) => {
    const depth = indices!.shape[indices!.shape.length - 1] as number;
    return { shape: [...indices!.shape.slice(0, -1), ...x!.shape.slice(depth)], dtype: x!.dtype };
  },
});

registerKernelSpec('ScatterNd', {
  inputNames: ['indices', 'updates'],
  shape: ([, updates], attributes) => ({ shape: numbers(attributes, 'shape'), dtype: updates!.dtype }),
});

for (const [name, spec] of Object.entries(convolutionKernels)) registerKernelSpec(name, spec);
for (const [name, spec] of Object.entries(fourierKernels)) registerKernelSpec(name, spec);
for (const [name, spec] of Object.entries(selectionKernels)) registerKernelSpec(name, spec);
for (const [name, spec] of Object.entries(poolingKernels)) registerKernelSpec(name, spec);

// Kernels that only devices have.
const ofDevices: { readonly [kernel: string]: readonly string[] | undefined } = {
  AvgPoolGrad: ['dy', 'input'],
  FourierSum: ['x', 'roots'],
  CheckedIndices: ['indices'],
  IntegerMatMul: ['a', 'b'],
  MaxPoolWithArgmax: ['x'],
  Tile: ['x'],
  TopK: ['x'],
};

/** Names of a kernel's inputs where a device runs it; absent where it takes an array. */
export function deviceInputNames(kernel: string): readonly string[] | undefined {
  return ofDevices[kernel] ?? specs.get(kernel)?.inputNames;
}
