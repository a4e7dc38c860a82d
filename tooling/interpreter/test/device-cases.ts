// The list that the cases of the devices go into.
import { type Attributes, type Aval, type DataType, type HostValues, hostValues, sizeOf } from '@posteriors/backend';

interface Case {
  readonly kernel: string;
  readonly avals: readonly Aval[];
  readonly attributes: Attributes;
  readonly values: readonly HostValues[];
}

export const cases: Case[] = [];

/** Shapes that kernels of any shape are tried with. */
export const shapes: readonly (readonly number[])[] = [[7], [3, 5], [2, 3, 5], [1], [], [0], [3, 0]];

/** Elements of a fixed pseudorandom sequence between `min` and `max`. */
function fill({ shape, dtype }: Aval, min: number, max: number, seed: number): HostValues {
  const values = hostValues(dtype, sizeOf(shape));
  let word = (seed * 7919 + 12345) >>> 0;
  return values.map(() => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    const unit = word / 2 ** 32;
    return dtype === 'float32' ? min + unit * (max - min) : Math.floor(min + unit * (max + 1 - min));
  }) as HostValues;
}

export interface Operand {
  readonly shape: readonly number[];
  readonly dtype?: DataType;
  readonly range?: readonly [number, number];
  readonly values?: readonly number[];
}

export function add(kernel: string, operands: readonly Operand[], attributes: Attributes = {}): void {
  const avals = operands.map(({ shape, dtype = 'float32' }) => ({ shape, dtype }));
  const values = operands.map(({ range, values: given }, i) => {
    const aval = avals[i]!;
    if (given !== undefined) return hostValues(aval.dtype, given.length).map((_, j) => given[j]!) as HostValues;
    const [min, max] = range ?? (aval.dtype === 'bool' ? [0, 1] : [-3, 3]);
    return fill(aval, min, max, cases.length + i);
  });
  cases.push({ kernel, avals, attributes, values });
}
