/** The axes of a loop, as few as possible. */
import type { Axes } from './fused.ts';

interface MergedAxes {
  readonly sizes: readonly number[];
  /** Which of these axes an array has. */
  readonly merged: (axes: Axes) => Axes;
}

/** Neighbouring axes that each array has or lacks together, as one. */
export function mergedAxes(shape: readonly number[], all: readonly Axes[]): MergedAxes {
  const starts = [...shape.keys()].filter((axis) => axis === 0 || all.some((axes) => axes[axis] !== axes[axis - 1]));
  const sizes = starts.map((start, i) => shape.slice(start, starts[i + 1]).reduce((size, length) => size * length, 1));
  return { sizes, merged: (axes) => starts.map((start) => axes[start] as boolean) };
}

/** The distance between neighbours along an axis, in an array that has these axes. */
export function strideOf(axes: Axes, axis: number, sizes: readonly number[]): number {
  return sizes.reduce((size, length, i) => (i > axis && axes[i] ? size * length : size), 1);
}
