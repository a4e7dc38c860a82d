/** Arrays on cpu that are gone through along axes, in steps of their own. */

/** An axis: its length, and how many elements apart its own lie in what is read and in what is written. */
export interface Axis {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** Calls `visit` for each row along the last of the axes, with where it begins in what is read and in what is written. */
export function eachRow(
  axes: readonly Axis[],
  visit: (from: number, to: number) => void,
  from = 0,
  to = 0,
  axis = 0,
): void {
  if (axis >= axes.length - 1) {
    visit(from, to);
    return;
  }
  const each = axes[axis] as Axis;
  for (let i = 0; i < each.size; i++) eachRow(axes, visit, from + i * each.from, to + i * each.to, axis + 1);
}

/** The last axis; of none, one element. */
export function lastOf(axes: readonly Axis[]): Axis {
  return axes.at(-1) ?? { size: 1, from: 1, to: 1 };
}
