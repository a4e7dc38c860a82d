/** Small tensors computed on the host: the shapes that converted graphs compute as tensors, of which only numbers are needed. */

import {
  type Atom,
  type Attributes,
  type Aval,
  type HostValues,
  hostValues,
  type KernelEquation,
  type Program,
  sizeOf,
  type Value,
} from '@posteriors/backend';
import { type Tensor, Variable } from '@tensorflow/tfjs-core';

interface Known {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** The elements of the result, in row-major order. */
type HostKernel = (inputs: readonly Known[], output: Aval, attributes: Attributes) => readonly number[];

/**
 * The values of the only output of a program without dead code, or undefined if they depend on its inputs, on a variable, which may change, or
 * on one of the float32 tensors `given`, with respect to which there may be a derivative.
 *
 * @throws if a kernel is needed that shapes are not computed with, or a constant's values cannot be read.
 */
export function knownValues(
  { inputs, constants, equations, outputs }: Program<Tensor>,
  given: ReadonlySet<Tensor> = new Set(),
): HostValues | undefined {
  const isOpen = (x: Tensor): boolean => x instanceof Variable || (given.has(x) && x.dtype === 'float32');
  const open = new Set<Atom>([...inputs, ...constants.flatMap(({ value, source }) => (isOpen(source) ? [value] : []))]);
  if ([...equations.flatMap((equation) => equation.inputs), ...outputs].some((atom) => open.has(atom)))
    return undefined;
  const known = new Map<number, Known>();
  for (const { value, source } of constants) known.set(value.id, { shape: value.shape, values: source.dataSync() });
  const look = (atom: Atom): Known => (atom.kind === 'literal' ? atom : (known.get(atom.id) as Known));
  for (const equation of equations) {
    const kernel = equation.type === 'kernel' ? kernels[equation.kernel] : undefined;
    if (kernel === undefined) {
      const name = equation.type === 'kernel' ? equation.kernel : equation.type;
      throw new Error(
        `the value of a traced tensor was read, but what a ${name} gives is not known while a function is traced. ` +
          'Compute it outside and pass it in.',
      );
    }
    const [output] = equation.outputs as readonly [Value];
    const { attributes } = equation as KernelEquation;
    const values = hostValues(output.dtype, sizeOf(output.shape));
    values.set(kernel(equation.inputs.map(look), output, attributes));
    known.set(output.id, { shape: output.shape, values });
  }
  return look(outputs[0] as Atom).values as HostValues;
}

/** All indices of a shape, in row-major order. */
function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (rows, n) => rows.flatMap((row) => Array.from({ length: n }, (_, i) => [...row, i])),
    [[]],
  );
}

/** Where the element at an index of a shape is to which an array of `shape` is broadcast. */
function offset(shape: readonly number[], index: readonly number[]): number {
  const skipped = index.length - shape.length;
  return shape.reduce((sum, n, axis) => sum * n + (n === 1 ? 0 : (index[skipped + axis] as number)), 0);
}

const at = ({ shape, values }: Known, index: readonly number[]): number => values[offset(shape, index)] as number;

/** The element at each index is one of the first input. */
const movement =
  (
    from: (index: readonly number[], inputs: readonly Known[], attributes: Attributes) => readonly number[],
  ): HostKernel =>
  (inputs, { shape }, attributes) =>
    indicesOf(shape).map((index) => at(inputs[0] as Known, from(index, inputs, attributes)));

const elementwise =
  (f: (a: number, b: number, c: number) => number): HostKernel =>
  (inputs, { shape }) =>
    indicesOf(shape).map((index) => f(...(inputs.map((input) => at(input, index)) as [number, number, number])));

const reduction =
  (initial: number, f: (a: number, b: number) => number): HostKernel =>
  ([x], { shape }, { axis }) => {
    const input = x as Known;
    const kept = [...input.shape.keys()].filter((each) => !(axis as readonly number[]).includes(each));
    const result = new Array<number>(sizeOf(shape)).fill(initial);
    for (const index of indicesOf(input.shape)) {
      const to = offset(
        shape,
        kept.map((each) => index[each] as number),
      );
      result[to] = f(result[to] as number, at(input, index));
    }
    return result;
  };

const unchanged: HostKernel = ([x]) => Array.from((x as Known).values);

const kernels: { readonly [kernel: string]: HostKernel } = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Multiply: elementwise((a, b) => a * b),
  RealDiv: elementwise((a, b) => a / b),
  FloorDiv: elementwise((a, b) => Math.floor(a / b)),
  Mod: elementwise((a, b) => a - b * Math.floor(a / b)),
  Maximum: elementwise((a, b) => Math.max(a, b)),
  Minimum: elementwise((a, b) => Math.min(a, b)),
  Pow: elementwise((a, b) => a ** b),
  Neg: elementwise((a) => -a),
  Abs: elementwise((a) => Math.abs(a)),
  Square: elementwise((a) => a * a),
  Sqrt: elementwise((a) => Math.sqrt(a)),
  Floor: elementwise((a) => Math.floor(a)),
  Ceil: elementwise((a) => Math.ceil(a)),
  // Halves to the even number.
  Round: elementwise((a) => (a - Math.floor(a) === 0.5 ? 2 * Math.round(a / 2) : Math.round(a))),
  Equal: elementwise((a, b) => Number(a === b)),
  NotEqual: elementwise((a, b) => Number(a !== b)),
  Less: elementwise((a, b) => Number(a < b)),
  LessEqual: elementwise((a, b) => Number(a <= b)),
  Greater: elementwise((a, b) => Number(a > b)),
  GreaterEqual: elementwise((a, b) => Number(a >= b)),
  LogicalAnd: elementwise((a, b) => a && b),
  LogicalOr: elementwise((a, b) => a || b),
  LogicalNot: elementwise((a) => Number(a === 0)),
  Select: elementwise((condition, a, b) => (condition === 0 ? b : a)),
  BroadcastTo: elementwise((a) => a),
  // Fractions that become int32 are cut off where they are stored.
  Cast: (inputs, output, attributes) =>
    elementwise((a) => (output.dtype === 'bool' ? Number(a !== 0) : a))(inputs, output, attributes),
  Identity: unchanged,
  IndicesWithin: unchanged,
  StopGradient: unchanged,
  Reshape: unchanged,
  Slice: movement((index, _, { begin }) => index.map((k, axis) => k + ((begin as readonly number[])[axis] as number))),
  Reverse: movement((index, [x], { dims }) =>
    index.map((k, axis) =>
      (dims as readonly number[]).includes(axis) ? ((x as Known).shape[axis] as number) - 1 - k : k,
    ),
  ),
  Transpose: movement((index, _, { perm }) =>
    index.map((_k, axis) => index[(perm as number[]).indexOf(axis)] as number),
  ),
  GatherV2: movement((index, [, ids], { axis }) => {
    const from = axis as number;
    const to = from + (ids as Known).shape.length;
    return [...index.slice(0, from), at(ids as Known, index.slice(from, to)), ...index.slice(to)];
  }),
  Concat: (inputs, { shape }, { axis }) =>
    indicesOf(shape).map((index) => {
      const inPart = [...index];
      for (const part of inputs) {
        const length = part.shape[axis as number] as number;
        if ((inPart[axis as number] as number) < length) return at(part, inPart);
        (inPart[axis as number] as number) -= length;
      }
      return Number.NaN;
    }),
  Sum: reduction(0, (a, b) => a + b),
  Prod: reduction(1, (a, b) => a * b),
  Max: reduction(Number.NEGATIVE_INFINITY, (a, b) => Math.max(a, b)),
  Min: reduction(Number.POSITIVE_INFINITY, (a, b) => Math.min(a, b)),
};
