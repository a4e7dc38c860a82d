import type { Aval, DataType, Equation, KernelEquation, Literal, Program, Value } from '@posteriors/backend';
import { interpret, type NdArray } from '../src/index.ts';

let nextId = 0;

export function value(shape: readonly number[], dtype: DataType = 'float32'): Value {
  return { kind: 'value', id: nextId++, shape, dtype };
}

export function literal(shape: readonly number[], values: readonly number[]): Literal {
  return { kind: 'literal', shape, dtype: 'float32', values: Float32Array.from(values) };
}

export function array(shape: readonly number[], values: readonly number[]): NdArray {
  return { shape, values: Float64Array.from(values) };
}

export function vector(...values: number[]): NdArray {
  return array([values.length], values);
}

export function program(
  inputs: readonly Value[],
  equations: readonly Equation[],
  outputs: Program['outputs'],
  constants: Program['constants'] = [],
): Program {
  return { inputs, constants, equations, outputs };
}

export function equation(
  kernel: string,
  inputs: KernelEquation['inputs'],
  outputs: readonly Value[],
  attributes: KernelEquation['attributes'] = {},
): KernelEquation {
  return { type: 'kernel', kernel, inputs, attributes, outputs };
}

/** Runs the one kernel as a program that declares an output of `shape` and `dtype`, and returns its elements. */
export function apply(
  kernel: string,
  arrays: readonly NdArray[],
  attributes: KernelEquation['attributes'],
  { shape, dtype }: Aval,
): number[] {
  const inputs = arrays.map((x) => value(x.shape));
  const output = value(shape, dtype);
  const [result] = interpret(program(inputs, [equation(kernel, inputs, [output], attributes)], [output]), arrays);
  return [...result!.values];
}

export function float(...shape: number[]): Aval {
  return { shape, dtype: 'float32' };
}

export function int(...shape: number[]): Aval {
  return { shape, dtype: 'int32' };
}

export function bool(...shape: number[]): Aval {
  return { shape, dtype: 'bool' };
}
