import { type Atom, type Attributes, hostValues, type Literal, type Program, sizeOf, type Value } from '../program.ts';
import { rewriteKernels } from './rewrite.ts';

/** Longer literals stay as what makes them, which takes less memory. */
const mostNumbers = 4096;

/**
 * Computes equations of literals, as far as a device would get the same to the bit: what IEEE 754 rounds correctly, comparisons, choices, and what
 * only moves numbers.
 */
export function computeConstants<Source>(program: Program<Source>): Program<Source> {
  return rewriteKernels(program, (equation) => {
    const { kernel, inputs, attributes } = equation;
    const output = equation.outputs[0] as Value;
    if (!inputs.every((input) => input.kind === 'literal') || sizeOf(output.shape) > mostNumbers) return equation;
    const values = inputs.length === 0 ? undefined : valuesOf(kernel, inputs, attributes, output);
    return values === undefined ? equation : { kind: 'literal', shape: output.shape, dtype: output.dtype, values };
  });
}

/** The number that all elements of a literal equal; undefined for others, and for what is no literal. */
export function uniformValue(atom: Atom): number | undefined {
  if (atom.kind === 'value') return undefined;
  const known = uniform.get(atom.values);
  if (known !== undefined) return known.value;
  const first = atom.values[0];
  const value = atom.values.every((x) => Object.is(x, first)) ? first : undefined;
  uniform.set(atom.values, { value });
  return value;
}

const uniform = new WeakMap<object, { readonly value: number | undefined }>();

type Values = Literal['values'];

function valuesOf(
  kernel: string,
  inputs: readonly Literal[],
  attributes: Attributes,
  output: Value,
): Values | undefined {
  const [x] = inputs as [Literal];
  if (kernel === 'Reshape') return x.values;
  if (kernel === 'BroadcastTo') return moved(x, output, broadcastStrides(x.shape, output.shape));
  if (kernel === 'Transpose') {
    const strides = broadcastStrides(x.shape, x.shape);
    return moved(
      x,
      output,
      (attributes['perm'] as readonly number[]).map((axis) => strides[axis] as number),
    );
  }
  if (kernel === 'Cast') return cast(x, output);
  const apply = onFloats.get(kernel) ?? (output.dtype === 'bool' ? predicates.get(kernel) : undefined);
  const isFloat = (kernel === 'Select' ? inputs.slice(1) : inputs).every(({ dtype }) => dtype === 'float32');
  if (apply === undefined || !(isFloat || predicates.has(kernel))) return undefined;
  const operands = inputs.map((input) => moved(input, output, broadcastStrides(input.shape, output.shape)));
  const values = hostValues(output.dtype, sizeOf(output.shape));
  for (let i = 0; i < values.length; i++) values[i] = Number(apply(...operands.map((operand) => operand[i] as number)));
  return values;
}

// In float64, of which float32 is what one operation in float32 rounds to.
const onFloats = new Map<string, (...operands: number[]) => number>([
  ['Add', (a, b) => a! + b!],
  ['Sub', (a, b) => a! - b!],
  ['Multiply', (a, b) => a! * b!],
  ['RealDiv', (a, b) => a! / b!],
  ['Neg', (x) => -x!],
  ['Abs', (x) => Math.abs(x!)],
  ['Square', (x) => x! * x!],
  ['Sqrt', (x) => Math.sqrt(x!)],
  ['Select', (condition, t, e) => (condition ? t! : e!)],
]);

const predicates = new Map<string, (...operands: number[]) => boolean>([
  ['Equal', (a, b) => a === b],
  ['NotEqual', (a, b) => a !== b],
  ['Greater', (a, b) => a! > b!],
  ['GreaterEqual', (a, b) => a! >= b!],
  ['Less', (a, b) => a! < b!],
  ['LessEqual', (a, b) => a! <= b!],
  ['LogicalAnd', (a, b) => Boolean(a && b)],
  ['LogicalOr', (a, b) => Boolean(a || b)],
  ['LogicalNot', (x) => !x],
]);

/** Between integers, to float32 and from bool; what is no integer is left to the device. */
function cast(x: Literal, output: Value): Values | undefined {
  if (output.dtype !== 'float32' && x.dtype === 'float32') return undefined;
  const values = hostValues(output.dtype, x.values.length);
  for (let i = 0; i < values.length; i++)
    values[i] = output.dtype === 'bool' ? Number(x.values[i] !== 0) : x.values[i]!;
  return values;
}

/** For each axis of `shape`, how far apart in memory are the elements of what broadcasts to it. */
function broadcastStrides(from: readonly number[], shape: readonly number[]): readonly number[] {
  const strides: number[] = new Array(shape.length).fill(0);
  let stride = 1;
  for (let i = 1; i <= from.length; i++) {
    const length = from[from.length - i] as number;
    if (length !== 1) strides[shape.length - i] = stride;
    stride *= length;
  }
  return strides;
}

/** The elements that lie `strides` apart, in row-major order of `shape`. */
function moved({ values, dtype }: Literal, { shape }: Value, strides: readonly number[]): Values {
  const result = hostValues(dtype, sizeOf(shape));
  const index = shape.map(() => 0);
  let offset = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[offset] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis] as number;
      if (++index[axis]! < (shape[axis] as number)) break;
      offset -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return result;
}
