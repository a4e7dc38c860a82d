/** Names for the axes of products: an axis that is cut into two, as by a reshape, is cut in all factors. */

export interface Label {
  readonly size: number;
  /** Whether what has it is summed over it. */
  readonly summed: boolean;
  /** Whether it is the inner axis of a matrix product. */
  readonly bound: boolean;
  parts: readonly [outer: Label, inner: Label] | undefined;
}

/** What an axis runs over: labels, the last one fastest; none for length 1. */
export type Axis = readonly Label[];

export function newLabel(size: number, summed: boolean, bound = false): Label {
  return { size, summed, bound, parts: undefined };
}

/** The labels of an axis as they are cut by now. */
export function flat(axis: Axis): Axis {
  return axis.flatMap((label) => (label.parts === undefined ? [label] : flat(label.parts)));
}

/** The labels put into axes of these lengths, with some cut in two where need be; null where they do not fit. */
export function regrouped(labels: Axis, shape: readonly number[]): Axis[] | null {
  const rest = [...labels];
  const axes: Axis[] = [];
  for (const length of shape) {
    const axis: Label[] = [];
    for (let left = length; left > 1; ) {
      const label = rest.shift();
      if (label === undefined) return null;
      if (left % label.size === 0) {
        axis.push(label);
        left /= label.size;
      } else if (label.size % left === 0) {
        const { summed, bound } = label;
        const parts = [newLabel(left, summed, bound), newLabel(label.size / left, summed, bound)] as const;
        label.parts = parts;
        axis.push(parts[0]);
        rest.unshift(parts[1]);
        left = 1;
      } else {
        return null;
      }
    }
    axes.push(axis);
  }
  return axes;
}
