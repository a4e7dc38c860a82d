/** Numbers that a compiled function is called with. While it is traced they are scalars. */
import { Tensor } from '@tensorflow/tfjs-core';

const numbers = new WeakSet<Tensor>();

/** Notes that a scalar of a trace stands for a number of the caller's. */
export function markNumber(scalar: Tensor): void {
  numbers.add(scalar);
}

/** Whether a leaf of arguments is a scalar that stands for a number of the caller's, which no transform maps over. */
export function isNumber(leaf: unknown): leaf is Tensor {
  return leaf instanceof Tensor && numbers.has(leaf);
}

/**
 * A number of the caller's and how much more: what a traced function returns where its caller is to get a number, and not a tensor, as for the
 * step of a state. {@link jit} makes a number of it.
 */
export class Count {
  /** A scalar that stands for a number. */
  readonly number: Tensor;
  readonly more: number;

  constructor(number: Tensor, more: number) {
    this.number = number;
    this.more = more;
  }
}
