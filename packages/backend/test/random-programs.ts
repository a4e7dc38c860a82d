/** Random programs of elementwise kernels, broadcasts and reductions, for fast-check to draw and to make smaller. */
import type { Tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type Attributes, constant, type DataType, type Program, record, trace } from '../src/index.ts';
import { sizeOf } from '../src/program.ts';
import type { Elements } from './element-reference.ts';

/** A program as numbers, each of which picks one of what there is to pick from. */
export interface Plan {
  /** The shape from which those of inputs are made, by axes of length 1 and missing first axes. */
  readonly shape: readonly number[];
  readonly inputs: readonly {
    readonly dtype: DataType;
    readonly missing: number;
    readonly ones: number;
    readonly seed: number;
  }[];
  /** Whether inputs have infinities, NaN, and numbers next to the bounds of float32. */
  readonly wild: boolean;
  readonly steps: readonly (readonly [kind: number, first: number, second: number, third: number])[];
  /** Of the values that are read, those that are outputs as well as the ones that are not. */
  readonly outputs: readonly number[];
}

export const plans = (lengths: readonly number[]): fc.Arbitrary<Plan> =>
  fc.record({
    shape: fc
      .array(fc.constantFrom(...lengths), { maxLength: 4, size: 'max' })
      .filter((shape) => sizeOf(shape) <= 3000),
    inputs: fc.array(
      fc.record({
        dtype: fc.constantFrom<DataType>('float32', 'float32', 'float32', 'int32', 'bool'),
        missing: fc.constantFrom(0, 0, 0, 1, 2, 3),
        ones: fc.oneof(fc.constant(0), fc.nat(15)),
        seed: fc.nat(1e6),
      }),
      { minLength: 1, maxLength: 5, size: 'max' },
    ),
    wild: fc.boolean(),
    steps: fc.array(fc.tuple(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), fc.nat(1e6)), {
      minLength: 1,
      maxLength: 40,
      size: 'max',
    }),
    outputs: fc.array(fc.nat(1e6), { maxLength: 4 }),
  });

const names = (text: string): readonly string[] => text.split(' ');
const unary: { readonly [dtype in DataType]: readonly string[] } = {
  float32: names(
    'Abs Neg Sqrt Ceil Floor Round Square Reciprocal Rsqrt Sign Relu Relu6 Elu Selu IsNan IsInf IsFinite Acos Acosh Asin Asinh Atan Atanh Cos ' +
      'Cosh Erf Exp Expm1 Log Log1p Sigmoid Sin Sinh Softplus Tan Tanh',
  ),
  int32: names('Abs Neg Square'),
  bool: names('LogicalNot'),
};
const compared = 'Equal NotEqual Greater GreaterEqual Less LessEqual';
const binary: { readonly [dtype in DataType]: readonly string[] } = {
  float32: names(`Add Sub Multiply RealDiv FloorDiv Maximum Minimum Mod Pow Atan2 ${compared}`),
  int32: names(`Add Sub Multiply Maximum Minimum ${compared}`),
  bool: names('LogicalAnd LogicalOr Equal NotEqual'),
};
const dtypes: readonly DataType[] = ['float32', 'int32', 'bool'];

/** What both broadcast to; undefined if they do not. */
export function together(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const length = (shape: readonly number[], axis: number): number => shape[axis - rank + shape.length] ?? 1;
  const axes = Array.from({ length: rank }, (_, axis) => [length(a, axis), length(b, axis)] as const);
  return axes.every(([m, n]) => m === n || m === 1 || n === 1) ? axes.map(([m, n]) => (m === 1 ? n : m)) : undefined;
}

const pick = <T>(items: readonly T[], index: number): T => items[index % items.length] as T;
const dtypeOf = (x: Tensor): DataType => x.dtype as DataType;

/** What a step adds to the values so far. */
function next(values: readonly Tensor[], [kind, first, second, third]: Plan['steps'][number]): Tensor {
  const x = pick(first % 2 === 0 ? values : values.slice(-3), first);
  const dtype = dtypeOf(x);
  const partners = values.filter((other) => other.dtype === dtype && together(x.shape, other.shape) !== undefined);
  const other = pick(partners, second);
  const shape = together(x.shape, other.shape) as number[];
  const kinds: readonly (() => Tensor)[] = [
    () => record(pick(unary[dtype], third), [x]),
    () => record(pick(unary[dtype], third), [x]),
    () => record(pick(binary[dtype], third), [x, other]),
    () => record(pick(binary[dtype], third), [x, other]),
    () => record(pick(binary[dtype], third), [x, other]),
    () => record(pick(binary[dtype], second), pair(x, numberOf(third, dtype), third)),
    () => record('Cast', [x], { dtype: pick(dtypes, third) }),
    () => record('BroadcastTo', [x], { shape }),
    () => withParameter(x, third),
    () => selected(values, x, other, shape, third),
    () => reduced(x, second, third),
    () => record('Reshape', [x], { shape: third % 2 === 0 ? [...x.shape, 1] : [1, ...x.shape] }),
  ];
  return pick(kinds, kind)();
}

const pair = (a: Tensor, b: Tensor, order: number): [Tensor, Tensor] => (order % 2 === 0 ? [a, b] : [b, a]);

function numberOf(index: number, dtype: DataType): Tensor {
  if (dtype === 'float32') return constant(Float32Array.of(pick([0.5, 0, 1, -1, 2, 3.3, -0.1], index)), [], dtype);
  if (dtype === 'int32') return constant(Int32Array.of(pick([0, 1, -1, 7], index)), [], dtype);
  return constant(Uint8Array.of(index % 2), [], dtype);
}

function withParameter(x: Tensor, index: number): Tensor {
  if (x.dtype !== 'float32') return x;
  const kernels: readonly [string, Attributes][] = [
    ['ClipByValue', { clipValueMin: -1.1, clipValueMax: 2.3 }],
    ['LeakyRelu', { alpha: 0.2 }],
    ['Step', { alpha: 0 }],
    ['Step', { alpha: -0.25 }],
  ];
  const [kernel, attributes] = pick(kernels, index);
  return record(kernel, [x], attributes);
}

function selected(values: readonly Tensor[], a: Tensor, b: Tensor, shape: readonly number[], index: number): Tensor {
  const fits = (x: Tensor): boolean => x.dtype === 'bool' && String(together(x.shape, shape)) === String(shape);
  const conditions = values.filter(fits);
  if (conditions.length === 0) return record('Equal', [a, b]);
  const repeated = (x: Tensor): Tensor =>
    String(x.shape) === String(shape) ? x : record('BroadcastTo', [x], { shape: [...shape] });
  return record('Select', [pick(conditions, index), a, b].map(repeated));
}

/** Sums are of halves of integers, so that their order does not matter, and none is a zero, which has a sign. */
function reduced(x: Tensor, mask: number, index: number): Tensor {
  const axis = [...x.shape.keys()].filter((i) => (mask >> i) & 1);
  if (x.dtype !== 'float32' || axis.length === 0) return x;
  const kernel = pick(['Sum', 'Sum', 'Max', 'Min'], index);
  const rounded = (): Tensor =>
    record('Round', [record('ClipByValue', [x], { clipValueMin: -1000, clipValueMax: 1000 })]);
  const result = record(kernel, [kernel === 'Sum' ? record('Add', [rounded(), numberOf(0, 'float32')]) : x], { axis });
  const kept = x.shape.map((length, i) => (axis.includes(i) ? 1 : length));
  return mask % 2 === 0 ? result : record('Reshape', [result], { shape: kept });
}

/** The program of a plan, and elements for its inputs. Kernels of the names in `others` take the place of those they belong to. */
export function programOf(
  plan: Plan,
  others: { readonly [kernel: string]: string },
): { program: Program; inputs: Elements[] } {
  const avals = plan.inputs.map(({ dtype, missing, ones }) => ({
    dtype,
    shape: plan.shape.map((length, axis) => ((ones >> axis) & 1 ? 1 : length)).slice(missing % (plan.shape.length + 1)),
  }));
  const traced = trace((inputs) => {
    const values = [...inputs];
    for (const step of plan.steps) values.push(next(values, step));
    return values;
  }, avals);
  const read = new Set(traced.equations.flatMap(({ inputs }) => inputs));
  const outputs = traced.outputs.filter((atom) => !read.has(atom));
  const program = { ...traced, outputs: [...outputs, ...plan.outputs.map((index) => pick(traced.outputs, index))] };
  const inputs = avals.map(({ shape, dtype }, i) => {
    const draw = numbersFrom(plan.inputs[i]!.seed);
    return { shape, values: Array.from({ length: sizeOf(shape) }, () => element(draw, dtype, plan.wild)) };
  });
  const equations = program.equations.map((equation) =>
    equation.type === 'kernel' ? { ...equation, kernel: others[equation.kernel] ?? equation.kernel } : equation,
  );
  return { program: { ...program, equations }, inputs };
}

const wildNumbers = [0, -0, NaN, Infinity, -Infinity, 3e38, -3e38, 2 ** -149, -(2 ** -130), 1e10, 0.5, -1.5, 2.5];

function element(draw: () => number, dtype: DataType, wild: boolean): number {
  if (dtype === 'bool') return Number(draw() < 0.5);
  if (dtype === 'int32')
    return wild && draw() < 0.2
      ? pick([2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1], Math.floor(draw() * 9))
      : Math.floor(draw() * 21) - 10;
  if (wild && draw() < 0.3) return Math.fround(pick(wildNumbers, Math.floor(draw() * 100)));
  return Math.fround(draw() * 6 - 3);
}

/** Numbers between 0 and 1, from a generator of 32 bits (Marsaglia 2003, xorshift). */
export function numbersFrom(seed: number): () => number {
  let state = (Math.imul(seed + 1, 0x9e3779b1) >>> 0) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
