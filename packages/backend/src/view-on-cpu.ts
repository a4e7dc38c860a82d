/** Copies of elements at regular places, on cpu: transposed, cut out, reversed or repeated. */
import { type Axis, eachRow, lastOf } from './axes-on-cpu.ts';
import type { FillOf } from './fills.ts';
import type { HostValues } from './program.ts';
import { shapeOfView, stridesOf, viewOf } from './view.ts';

/** The kernel of this name. */
export const view =
  (kernel: string): FillOf =>
  ([x], attributes) => {
    const { sizes, strides, offset } = viewOf(kernel, x!.shape, attributes);
    const outStrides = stridesOf(sizes);
    const axes = sizes.map((size, i): Axis => ({ size, from: strides[i]!, to: outStrides[i]! }));
    return {
      result: { shape: shapeOfView(kernel, x!.shape, attributes), dtype: x!.dtype },
      fill: (result, [from]) => copyElements(result, 0, from!, offset, axes),
    };
  };

/** Elements from which on `set` takes less than a loop. */
const longRow = 64;

/** Copies elements that lie along axes, the first of which are given. */
export function copyElements(
  to: HostValues,
  firstTo: number,
  from: HostValues,
  firstFrom: number,
  axes: readonly Axis[],
): void {
  const { size, from: stepFrom, to: stepTo } = lastOf(axes);
  const isRow = stepFrom === 1 && stepTo === 1 && size >= longRow;
  eachRow(
    axes,
    (start, end) => {
      if (isRow) to.set(from.subarray(start, start + size), end);
      else for (let i = 0; i < size; i++) to[end + i * stepTo] = from[start + i * stepFrom]!;
    },
    firstFrom,
    firstTo,
  );
}
