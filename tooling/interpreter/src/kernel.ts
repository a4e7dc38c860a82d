import type { Attributes, DataType } from '@posteriors/backend';
import type { NdArray } from './array.ts';

/** Computes the one output of a kernel; `dtype` is the output's. The shape follows from the inputs and the attributes alone. */
export type Kernel = (inputs: readonly NdArray[], attributes: Attributes, dtype: DataType) => NdArray;

export type Kernels = { readonly [name: string]: Kernel };

export function ofOne(compute: (x: NdArray, attributes: Attributes, dtype: DataType) => NdArray): Kernel {
  return (inputs, attributes, dtype) => {
    const [x] = inputs;
    if (x === undefined || inputs.length !== 1) throw miscounted(1, inputs.length);
    return compute(x, attributes, dtype);
  };
}

export function ofTwo(compute: (a: NdArray, b: NdArray, attributes: Attributes, dtype: DataType) => NdArray): Kernel {
  return (inputs, attributes, dtype) => {
    const [a, b] = inputs;
    if (a === undefined || b === undefined || inputs.length !== 2) throw miscounted(2, inputs.length);
    return compute(a, b, attributes, dtype);
  };
}

export function ofThree(compute: (a: NdArray, b: NdArray, c: NdArray) => NdArray): Kernel {
  return (inputs) => {
    const [a, b, c] = inputs;
    if (a === undefined || b === undefined || c === undefined || inputs.length !== 3)
      throw miscounted(3, inputs.length);
    return compute(a, b, c);
  };
}

/** The product of two elements; int32 products wrap exactly. */
export function productOf(dtype: DataType): (a: number, b: number) => number {
  return dtype === 'int32' ? Math.imul : (a, b) => a * b;
}

function miscounted(expected: number, found: number): Error {
  return new Error(`takes ${expected} inputs, but the equation has ${found}`);
}
