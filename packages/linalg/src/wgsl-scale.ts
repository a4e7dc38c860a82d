import { WORKGROUP } from '@posteriors/backend';

/** `largestOf(start, length)`: the largest magnitude among elements of the result, 1 if all are zero, NaN if one is not finite. */
export const largestOf = `
fn largestOf(start : i32, length : i32) -> f32 {
  var largest = 0.0;
  for (var i = 0; i < length; i++) {
    let size = abs(result[start + i]);
    if (isnan(size) || isinf(size)) {
      return uniforms.NAN;
    }
    largest = max(largest, size);
  }
  return select(1.0, largest, largest != 0.0);
}
`;

/**
 * Statements that divide a matrix, which the threads of a workgroup have written, by its largest magnitude, `scale`, so that squares neither
 * overflow nor vanish. One that holds NaN or infinities becomes NaN.
 *
 * @param start, length - its place in the result, in WGSL.
 */
export const divideByLargest = (start: string, length: string): string => `
  storageBarrier();
  var scale = 1.0;
  if (inside) {
    scale = largestOf(${start}, ${length});
  }
  storageBarrier();
  if (inside) {
    for (var item = lane; item < ${length}; item += ${WORKGROUP}) {
      result[${start} + item] /= scale;
    }
  }
  storageBarrier();
`;
