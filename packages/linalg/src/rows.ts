/**
 * Takes multiples of rows of `source` from the first `width` elements at `target`: row `k` of `count`, at `first + k apart`, `weight(k)` times. In
 * this order for each element, and four rows at a time, which spares reading and writing the target.
 */
export function subtractRows(
  target: Float64Array,
  at: number,
  width: number,
  source: Float64Array,
  first: number,
  apart: number,
  count: number,
  weight: (k: number) => number,
): void {
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const weight0 = weight(k);
    const weight1 = weight(k + 1);
    const weight2 = weight(k + 2);
    const weight3 = weight(k + 3);
    const row0 = first + k * apart;
    const row1 = row0 + apart;
    const row2 = row1 + apart;
    const row3 = row2 + apart;
    for (let j = 0; j < width; j++) {
      let rest = target[at + j]!;
      rest -= weight0 * source[row0 + j]!;
      rest -= weight1 * source[row1 + j]!;
      rest -= weight2 * source[row2 + j]!;
      rest -= weight3 * source[row3 + j]!;
      target[at + j] = rest;
    }
  }
  for (; k < count; k++) {
    const last = weight(k);
    const row = first + k * apart;
    for (let j = 0; j < width; j++) target[at + j]! -= last * source[row + j]!;
  }
}

/** Divides the first `width` elements at `target` by a number. */
export function divideRow(target: Float64Array, at: number, width: number, divisor: number): void {
  for (let j = at; j < at + width; j++) target[j]! /= divisor;
}
