/** Programs of elementwise kernels and reductions, run plainly: an equation after the other, each result rounded to its dtype. */
import { backend_util } from '@tensorflow/tfjs-core';
import { type Attributes, type DataType, type KernelEquation, type Program, sizeOf } from '../src/program.ts';
import { type ArrayFunction, vectorFunction } from './vector-functions.ts';

/** A shape and its elements in row-major order; a bool is 0 or 1. */
export interface Elements {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

let device: 'cpu' | 'wasm' = 'wasm';

/** The outputs of a program. Functions such as the exponential are those of `assembly/functions.ts` on wasm, and JavaScript's on cpu. */
export function runPlainly(program: Program, inputs: readonly Elements[], on: 'cpu' | 'wasm'): Elements[] {
  device = on;
  const values = new Map(program.inputs.map(({ id }, i) => [id, inputs[i] as Elements]));
  for (const equation of program.equations) {
    const operands = (equation as KernelEquation).inputs.map(
      (atom): Elements =>
        atom.kind === 'value'
          ? (values.get(atom.id) as Elements)
          : { shape: atom.shape, values: Array.from(atom.values, Number) },
    );
    values.set(equation.outputs[0]!.id, computed(equation as KernelEquation, operands));
  }
  return program.outputs.map((atom) => values.get((atom as { id: number }).id) as Elements);
}

function computed({ kernel, attributes, inputs, outputs }: KernelEquation, operands: readonly Elements[]): Elements {
  const { shape, dtype } = outputs[0]!;
  const [x] = operands as [Elements];
  if (kernel === 'Reshape') return { shape, values: x.values };
  if (kernel in folds) {
    const fold = folds[kernel] as Fold;
    const values = Array<number>(sizeOf(shape)).fill(fold.first);
    const { axis: axes } = attributes as { axis: readonly number[] };
    const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const place = placesOf(kept, x.shape);
    x.values.forEach((value, i) => {
      values[place[i]!] = fold.next(values[place[i]!]!, value);
    });
    return { shape, values: values.map(rounded[dtype]) };
  }
  const repeated = operands.map(({ shape: own, values }) => placesOf(own, shape).map((place) => values[place]!));
  const of = elementKernel(kernel, inputs[0]!.dtype);
  const values =
    of === undefined ? called(kernel, repeated) : repeated[0]!.map((_, i) => of(at(repeated, i), attributes, dtype));
  return { shape, values: values.map(rounded[dtype]) };
}

const at = (arrays: readonly (readonly number[])[], i: number): number[] => arrays.map((array) => array[i]!);

/** For each element of `shape`, where that of an array lies which is broadcast to it. */
function placesOf(array: readonly number[], shape: readonly number[]): number[] {
  const missing = shape.length - array.length;
  return shape.reduce(
    (places, length, axis) => {
      const own = axis < missing ? 1 : array[axis - missing]!;
      return places.flatMap((place) => Array.from({ length }, (_, i) => place * own + (own === 1 ? 0 : i)));
    },
    [0],
  );
}

interface Fold {
  readonly first: number;
  next(total: number, value: number): number;
}

const folds: { readonly [kernel: string]: Fold } = {
  Sum: { first: 0, next: (total, value) => total + value },
  Max: { first: -Infinity, next: Math.max },
  Min: { first: Infinity, next: Math.min },
  All: { first: 1, next: Math.min },
  Any: { first: 0, next: Math.max },
};

const rounded: { readonly [dtype in DataType]: (x: number) => number } = {
  float32: Math.fround,
  int32: (x) => x | 0,
  bool: Number,
};

/** Beyond int32, its bounds; of no number, 0. */
const truncated = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), -(2 ** 31)), 2 ** 31 - 1);

function nearestEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

type ElementKernel = (x: readonly number[], attributes: Attributes, dtype: DataType) => number;

const one =
  (f: (x: number) => number): ElementKernel =>
  ([x]) =>
    f(x!);
const two =
  (f: (a: number, b: number) => number): ElementKernel =>
  ([a, b]) =>
    f(a!, b!);

const functions = new Map<string, ArrayFunction>();

/** The kernel of that name among the functions of the package. */
function called(kernel: string, operands: readonly (readonly number[])[]): number[] {
  const name = kernel.toLowerCase();
  if (device === 'cpu') return operands[0]!.map((_, i) => f32(onCpu[name]!(...at(operands, i))));
  const f = functions.get(name) ?? vectorFunction(name, operands.length as 1 | 2);
  functions.set(name, f);
  return Array.from(f(...operands.map((operand) => Float32Array.from(operand))));
}

const onCpu: { readonly [name: string]: (...x: number[]) => number } = {
  ...Object.fromEntries(Object.getOwnPropertyNames(Math).map((name) => [name, Math[name as 'exp']])),
  mod: (a, b) => {
    const remainder = a! % b!;
    return remainder !== 0 && remainder < 0 !== b! < 0 ? remainder + b! : remainder;
  },
  sigmoid: (x) => 1 / (1 + Math.exp(-x!)),
  softplus: (x) => Math.max(x!, 0) + Math.log1p(Math.exp(-Math.abs(x!))),
};

function elementKernel(kernel: string, dtype: DataType): ElementKernel | undefined {
  if (dtype === 'int32' && kernel === 'Multiply') return two(Math.imul);
  if (dtype === 'int32' && kernel === 'Square') return one((x) => Math.imul(x, x));
  return kernels[kernel];
}

const expm1 = (x: number): number => called('expm1', [[x]])[0]!;
const f32 = Math.fround;
const seluScale = f32(backend_util.SELU_SCALE);
const seluScaleAlpha = f32(backend_util.SELU_SCALEALPHA);
const clipped = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

const kernels: { readonly [kernel: string]: ElementKernel | undefined } = {
  Add: two((a, b) => a + b),
  Sub: two((a, b) => a - b),
  Multiply: two((a, b) => a * b),
  RealDiv: two((a, b) => a / b),
  FloorDiv: two((a, b) => Math.floor(f32(a / b))),
  Maximum: two(Math.max),
  Minimum: two(Math.min),
  Equal: two((a, b) => Number(a === b)),
  NotEqual: two((a, b) => Number(a !== b)),
  Greater: two((a, b) => Number(a > b)),
  GreaterEqual: two((a, b) => Number(a >= b)),
  Less: two((a, b) => Number(a < b)),
  LessEqual: two((a, b) => Number(a <= b)),
  LogicalAnd: two((a, b) => a & b),
  LogicalOr: two((a, b) => a | b),
  LogicalNot: one((x) => 1 - x),
  Select: ([condition, a, b]) => (condition === 1 ? a! : b!),
  BroadcastTo: one((x) => x),
  Abs: one(Math.abs),
  Neg: one((x) => -x),
  Sqrt: one(Math.sqrt),
  Ceil: one(Math.ceil),
  Floor: one(Math.floor),
  Round: one(nearestEven),
  Square: one((x) => x * x),
  Reciprocal: one((x) => 1 / x),
  Rsqrt: one((x) => 1 / f32(Math.sqrt(x))),
  Sign: one((x) => (x > 0 ? 1 : x < 0 ? -1 : 0)),
  Relu: one((x) => Math.max(x, 0)),
  Relu6: one((x) => clipped(x, 0, 6)),
  Elu: one((x) => (x >= 0 ? x : expm1(x))),
  Selu: one((x) => (x >= 0 ? seluScale * x : seluScaleAlpha * expm1(x))),
  IsNan: one((x) => Number(Number.isNaN(x))),
  IsInf: one((x) => Number(Math.abs(x) === Infinity)),
  IsFinite: one((x) => Number(Number.isFinite(x))),
  ClipByValue: ([x], { clipValueMin, clipValueMax }) =>
    clipped(x!, f32(clipValueMin as number), f32(clipValueMax as number)),
  LeakyRelu: ([x], { alpha }) => (x! < 0 ? f32(alpha as number) * x! : x!),
  Step: ([x], { alpha }) => (Number.isNaN(x) ? NaN : x! > 0 ? 1 : (alpha as number)),
  Cast: ([x], _, dtype) => (dtype === 'bool' ? Number(x !== 0) : dtype === 'int32' ? truncated(x!) : x!),
};
