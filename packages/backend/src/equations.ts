/** Equations in the making. */
import { type Atom, type Attributes, type DataType, type KernelEquation, newValue, type Value } from './program.ts';

export function kernelEquation(
  kernel: string,
  inputs: readonly Atom[],
  attributes: Attributes,
  output: Value,
): KernelEquation {
  return { type: 'kernel', kernel, inputs, attributes, outputs: [output] };
}

/** Adds an equation, and returns the value of `shape` that it defines; its dtype is by default that of the first input. */
export type Apply = (
  kernel: string,
  inputs: readonly Atom[],
  shape: readonly number[],
  attributes?: Attributes,
  dtype?: DataType,
) => Value;

/** A function that adds to `equations`. */
export function applying(equations: { push(equation: KernelEquation): unknown }): Apply {
  return (kernel, inputs, shape, attributes = {}, dtype = inputs[0]!.dtype) => {
    const result = newValue({ shape, dtype });
    equations.push(kernelEquation(kernel, inputs, attributes, result));
    return result;
  };
}
