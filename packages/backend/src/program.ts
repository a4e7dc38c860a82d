/**
 * A program: numerical code as plain data, in single assignment form.
 *
 * Each equation names a kernel, its inputs, its attributes and the values it defines; every value has a shape and a dtype. Programs
 * are what tracing makes, what derivatives and batching transform, and what a backend runs.
 */

export type DataType = 'float32' | 'int32' | 'bool';

/** What is known of a value before it exists: its shape and its dtype. */
export interface Aval {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** A value that an equation, an input or a constant defines. */
export interface Value extends Aval {
  readonly kind: 'value';
  readonly id: number;
}

/** A value known when the program was made; `values` holds its elements in row-major order. */
export interface Literal extends Aval {
  readonly kind: 'literal';
  readonly values: HostValues;
}

export type HostValues = Float32Array | Int32Array | Uint8Array;

export type Atom = Value | Literal;

export type AttributeValue = number | boolean | string | readonly number[] | readonly (readonly number[])[];
export type Attributes = { readonly [name: string]: AttributeValue };

/** `outputs = kernel(inputs, attributes)`. */
export interface KernelEquation {
  readonly type: 'kernel';
  readonly kernel: string;
  readonly inputs: readonly Atom[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

/**
 * `body` run `length` times. Inputs are `[constants, carry, xs]`, where each of `xs` has a leading axis of `length` that the body sees one
 * slice of; `body` maps `[constants, carry, x]` to `[carry, y]`; outputs are the last carry and each `y` stacked on a leading axis.
 */
export interface ScanEquation {
  readonly type: 'scan';
  readonly body: Program;
  readonly length: number;
  readonly constants: number;
  readonly carry: number;
  readonly reverse: boolean;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Value[];
}

/**
 * Values with a derivative of their own. The equation is the identity on its first inputs: `inputs` are `[values, arguments, closures, residuals]`,
 * `outputs` equal `values`. The derivative is a program:
 *  - `forward`: `[argument tangents, residuals] -> value tangents`;
 *  - `reverse`: `[value cotangents, residuals] -> argument cotangents`.
 *
 * Closures are what else the values were computed from; the derivative knows nothing of them, so to differentiate them is an error.
 *
 * While a derivative is taken in reverse mode, `transposed` stands for the linear map whose transpose is a `reverse` derivative: its inputs
 * are `[argument tangents, residuals]`, its outputs the value tangents. It is never part of a finished program.
 */
export interface CallEquation {
  readonly type: 'call';
  readonly name: string;
  readonly direction: 'forward' | 'reverse' | 'transposed';
  readonly derivative: Program;
  readonly arguments: number;
  readonly closures: number;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Value[];
}

export type Equation = KernelEquation | ScanEquation | CallEquation;

/** A value that a program reads from outside of its inputs; `source` is what it was captured from (a tensor, or a value of an outer trace). */
export interface Constant<Source = unknown> {
  readonly value: Value;
  readonly source: Source;
}

export interface Program<Source = unknown> {
  readonly inputs: readonly Value[];
  readonly constants: readonly Constant<Source>[];
  readonly equations: readonly Equation[];
  readonly outputs: readonly Atom[];
}

let nextValueId = 0;

/** A value that no program has yet. */
export function newValue(aval: Aval): Value {
  return { kind: 'value', id: nextValueId++, shape: aval.shape, dtype: aval.dtype };
}

/** The number of elements of a shape: 1 for that of a scalar, `[]`. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** Whether two shapes have the same length on each axis, and as many axes. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A literal whose elements all equal `value`. */
export function literal(value: number, dtype: DataType, shape: readonly number[] = []): Literal {
  return { kind: 'literal', shape, dtype, values: hostValues(dtype, sizeOf(shape)).fill(value) };
}

/** Zeros in the array in which the host holds values of a dtype: float32, int32, or one byte for each bool. */
export function hostValues(dtype: DataType, size: number): HostValues {
  return dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}
