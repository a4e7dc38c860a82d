import type { Named } from '../workloads/workload.ts';

/** Of the distance that the steps go. Float32 is off by 1e-6 of it, and by 1e-5 after the Adam of another library. */
const TOLERANCE = 1e-4;

/** The distance between what is and what should be, over the distance that it should go. */
export function compare(
  what: string,
  actual: Named<Float64Array>,
  expected: Named<Float64Array>,
  start: Named<Float64Array>,
): void {
  compareNumbers(what, concatenate(actual), concatenate(expected), concatenate(start));
}

/** The same of plain numbers; where no start is given it is 0. */
export function compareNumbers(
  what: string,
  is: ArrayLike<number>,
  should: ArrayLike<number>,
  from: ArrayLike<number> = new Float64Array(should.length),
): void {
  const error = distance(is, should) / distance(should, from);
  if (is.length === should.length && error <= TOLERANCE) return;
  const first = (values: ArrayLike<number>): string => Array.from(values).slice(0, 4).join(', ');
  throw new Error(
    `its ${what} are off by ${error.toExponential(2)} of the way (allowed ${TOLERANCE}).` +
      ` First values: ${first(is)}; expected ${first(should)}`,
  );
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}

export function near(what: string, value: number, expected: number, tolerance: number): void {
  if (Math.abs(value - expected) <= tolerance) return;
  throw new Error(`${what} is ${value}, expected ${expected} to ${tolerance.toPrecision(3)}`);
}

/** All numbers, by name in the order of the alphabet. */
export function concatenate(values: Named<Float64Array>): Float64Array {
  const leaves = Object.keys(values)
    .sort()
    .map((name) => values[name] as Float64Array);
  const all = new Float64Array(leaves.reduce((total, leaf) => total + leaf.length, 0));
  let offset = 0;
  for (const leaf of leaves) {
    all.set(leaf, offset);
    offset += leaf.length;
  }
  return all;
}

/** The numbers of {@link concatenate} under their names again. */
export function separate(all: Float64Array, like: Named<Float64Array>): Named<Float64Array> {
  let offset = 0;
  const parts: { [name: string]: Float64Array } = {};
  for (const name of Object.keys(like).sort()) {
    const end = offset + (like[name] as Float64Array).length;
    parts[name] = all.subarray(offset, end);
    offset = end;
  }
  return parts;
}
