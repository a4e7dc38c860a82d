/** Sums, maxima and minima on cpu, along any axes. */
import { type Axis, eachRow, lastOf } from './axes-on-cpu.ts';
import type { FillOf } from './fills.ts';
import { stridesOf } from './view.ts';

type Next = (total: number, value: number) => number;

/** What each starts from, and the next of what there is and a value. */
const reductions: { readonly [kernel in 'Sum' | 'Max' | 'Min']: { readonly start: number; readonly next: Next } } = {
  Sum: { start: 0, next: (total, value) => total + value },
  Max: { start: -Infinity, next: Math.max },
  Min: { start: Infinity, next: Math.min },
};

/** The kernel of this name for numbers, in float64. */
export const reduction = (kernel: keyof typeof reductions): FillOf => {
  const { start, next } = reductions[kernel];
  return ([x], attributes) => {
    const { shape, dtype } = x!;
    if (dtype === 'bool') return undefined;
    const { axis, reductionIndices } = attributes as { [name: string]: readonly number[] | undefined };
    const reduced = (axis ?? reductionIndices) as readonly number[];
    const kept = shape.map((n, i) => (reduced.includes(i) ? 1 : n));
    const [strides, keptStrides] = [stridesOf(shape), stridesOf(kept)];
    const axes = shape.map((size, i): Axis => ({ size, from: strides[i]!, to: kept[i] === 1 ? 0 : keptStrides[i]! }));
    const count = kept.reduce((all, n) => all * n, 1);
    const { size, to } = lastOf(axes);
    return {
      result: { shape: shape.filter((_, i) => !reduced.includes(i)), dtype },
      fill(result, [from]) {
        const totals = new Float64Array(count).fill(start);
        eachRow(axes, (first, at) => {
          for (let i = 0; i < size; i++) {
            const place = at + i * to;
            totals[place] = next(totals[place]!, from![first + i]!);
          }
        });
        result.set(totals);
      },
    };
  };
};
