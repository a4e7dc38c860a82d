const rows = 24;
const firstStep = 0.37;
const ratio = 1.6;

/**
 * The derivative of `f` at `x` along `direction`: the limit of `(f(x + h direction) - f(x - h direction)) / 2h`.
 *
 * Central differences at 24 step sizes, each 1.6 times smaller than the last, are extrapolated to a step of zero (Ridders 1982,
 * "Accurate computation of F'(x) and F'(x)F''(x)"), and each element of the result is the estimate with the smallest error estimate.
 * The first step moves `x` by 0.37 in the largest component of `direction`. For a smooth `f` of unit scale the relative error is
 * about 1e-11; where steps leave the domain of `f` (NaN) the smaller ones count. `x` has shape `[n]`, as has `direction`; the result has the
 * shape of `f(x)`.
 */
export function richardson(
  f: (x: Float64Array) => Float64Array,
  x: Float64Array,
  direction: Float64Array,
): Float64Array {
  if (x.length !== direction.length) {
    throw new Error(`richardson: x has ${x.length} elements and direction has ${direction.length}; they must be equal`);
  }
  const scale = direction.reduce((largest, component) => Math.max(largest, Math.abs(component)), 0);
  if (scale === 0) return new Float64Array(f(x).length);
  const differences = Array.from({ length: rows }, (_, row) => {
    const h = firstStep / ratio ** row / scale;
    return { h, ahead: f(along(x, direction, h)), behind: f(along(x, direction, -h)) };
  });
  return Float64Array.from(differences[0]!.ahead, (_, i) =>
    extrapolate(differences.map(({ h, ahead, behind }) => ({ h, ahead: ahead[i]!, behind: behind[i]! }))),
  );
}

interface Difference {
  readonly h: number;
  readonly ahead: number;
  readonly behind: number;
}

/**
 * Neville's tableau: entry `[row][column]` removes the first `column` powers of `h^2` from the error of the difference of that row. Its
 * error is taken as its distance from the two entries it is made of, plus what rounding in `f` does to a difference with step `h`.
 */
function extrapolate(differences: readonly Difference[]): number {
  let best = Number.NaN;
  let bestError = Number.POSITIVE_INFINITY;
  let previous: number[] = [];
  for (const { h, ahead, behind } of differences) {
    const rounding = (Number.EPSILON * Math.max(Math.abs(ahead), Math.abs(behind))) / h;
    const current = [(ahead - behind) / (2 * h)];
    previous.forEach((coarse, column) => {
      const fine = current[column]!;
      const estimate = fine + (fine - coarse) / (ratio ** (2 * column + 2) - 1);
      const error = Math.max(Math.abs(estimate - fine), Math.abs(estimate - coarse)) + rounding;
      current.push(estimate);
      if (error < bestError) {
        best = estimate;
        bestError = error;
      }
    });
    previous = current;
  }
  return best;
}

function along(x: Float64Array, direction: Float64Array, h: number): Float64Array {
  return x.map((value, i) => value + h * direction[i]!);
}
