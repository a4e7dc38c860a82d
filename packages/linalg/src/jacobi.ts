/**
 * Jacobi's methods in float64: rotations of two rows or columns at a time, until none is needed. They are exact to rounding, small
 * eigenvalues of positive definite matrices and small singular values included (Demmel and Veselic 1992, "Jacobi's method is more accurate
 * than QR"), and fit matrices of up to about a hundred rows.
 */

/** Quadratic convergence needs fewer than ten sweeps; the bound ends the loop in any case. */
const SWEEPS = 60;

/** Cosine and sine of the rotation that makes the symmetric `[[alpha, gamma], [gamma, beta]]` diagonal, by the smaller angle. */
function rotation(alpha: number, beta: number, gamma: number): readonly [cosine: number, sine: number] {
  const cotangent = (beta - alpha) / (2 * gamma);
  const tangent = (cotangent < 0 ? -1 : 1) / (Math.abs(cotangent) + Math.hypot(1, cotangent));
  const cosine = 1 / Math.hypot(1, tangent);
  return [cosine, tangent * cosine];
}

/** Turns rows `p` and `q` of `length` elements. */
function rotate(
  x: Float64Array,
  p: number,
  q: number,
  length: number,
  [cosine, sine]: readonly [number, number],
): void {
  for (let k = 0; k < length; k++) {
    const a = x[p * length + k]!;
    const b = x[q * length + k]!;
    x[p * length + k] = cosine * a - sine * b;
    x[q * length + k] = sine * a + cosine * b;
  }
}

function identity(n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) result[i * n + i] = 1;
  return result;
}

/**
 * 1 or -1, by which a vector is multiplied so that its sign is determined: the first of its elements that are the largest by
 * magnitude, to a thousandth, is then positive.
 */
function orientation(vector: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]!));
  for (let i = 0; i < vector.length; i++) {
    if (Math.abs(vector[i]!) >= 0.999 * largest) return vector[i]! < 0 ? -1 : 1;
  }
  return 1;
}

/**
 * Eigenvalues in ascending order and unit eigenvectors, vector `i` in row `i`, of a symmetric matrix `a` `[n, n]`, which is
 * overwritten.
 */
export function symmetricEigen(a: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const turned = identity(n);
  const tiny = Number.EPSILON ** 2 * a.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  let moving = true;
  for (let sweep = 0; moving && sweep < SWEEPS; sweep++) {
    moving = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const alpha = a[p * n + p]!;
        const beta = a[q * n + q]!;
        const gamma = a[p * n + q]!;
        if (!(Math.abs(gamma) > Math.max(tiny, Number.EPSILON * Math.sqrt(Math.abs(alpha * beta))))) continue;
        moving = true;
        const turn = rotation(alpha, beta, gamma);
        const change = (turn[1] / turn[0]) * gamma;
        rotate(a, p, q, n, turn);
        a[p * n + p] = alpha - change;
        a[q * n + q] = beta + change;
        a[p * n + q] = 0;
        a[q * n + p] = 0;
        // The columns by symmetry.
        for (let k = 0; k < n; k++) {
          a[k * n + p] = a[p * n + k]!;
          a[k * n + q] = a[q * n + k]!;
        }
        rotate(turned, p, q, n, turn);
      }
    }
  }
  const order = [...new Array(n).keys()].sort((i, j) => a[i * n + i]! - a[j * n + j]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    const vector = turned.subarray(from * n, (from + 1) * n);
    const sign = orientation(vector);
    for (let k = 0; k < n; k++) vectors[to * n + k] = sign * vector[k]!;
  });
  return { values: Float64Array.from(order, (i) => a[i * n + i]!), vectors };
}

/**
 * Singular values in descending order and unit singular vectors, vector `i` in row `i` of `left` `[n, m]` and `right` `[n, n]`, of a
 * matrix with at least as many rows as columns that is given by its columns, `columns` `[n, m]`, and overwritten: one-sided
 * rotations (Hestenes 1958, "Inversion of matrices by biorthogonalization and related results").
 */
export function singular(
  columns: Float64Array,
  m: number,
  n: number,
): { values: Float64Array; left: Float64Array; right: Float64Array } {
  const turned = identity(n);
  const dot = (p: number, q: number): number => {
    let sum = 0;
    for (let k = 0; k < m; k++) sum += columns[p * m + k]! * columns[q * m + k]!;
    return sum;
  };
  const squares = Float64Array.from({ length: n }, (_, i) => dot(i, i));
  let moving = true;
  for (let sweep = 0; moving && sweep < SWEEPS; sweep++) {
    moving = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const alpha = squares[p]!;
        const beta = squares[q]!;
        const gamma = dot(p, q);
        if (!(Math.abs(gamma) > m * Number.EPSILON * Math.sqrt(alpha * beta))) continue;
        moving = true;
        const turn = rotation(alpha, beta, gamma);
        rotate(columns, p, q, m, turn);
        rotate(turned, p, q, n, turn);
        squares[p] = dot(p, p);
        squares[q] = dot(q, q);
      }
    }
  }
  const lengths = squares.map(Math.sqrt);
  const order = [...new Array(n).keys()].sort((i, j) => lengths[j]! - lengths[i]!);
  const values = Float64Array.from(order, (i) => lengths[i]!);
  const left = new Float64Array(n * m);
  const right = new Float64Array(n * n);
  order.forEach((from, to) => {
    const vector = turned.subarray(from * n, (from + 1) * n);
    const sign = orientation(vector);
    for (let k = 0; k < n; k++) right[to * n + k] = sign * vector[k]!;
    const target = left.subarray(to * m, (to + 1) * m);
    if (values[to] === 0) complete(target, left, m, to);
    else for (let k = 0; k < m; k++) target[k] = (sign * columns[from * m + k]!) / values[to]!;
  });
  return { values, left, right };
}

/** Sets `target` to a unit vector orthogonal to the first `count` rows of `rows` `[..., m]`, orthonormal ones, of which there are below m. */
function complete(target: Float64Array, rows: Float64Array, m: number, count: number): void {
  for (let axis = 0; axis < m; axis++) {
    target.fill(0);
    target[axis] = 1;
    // The second time removes what rounding left.
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < count; i++) {
        let overlap = 0;
        for (let k = 0; k < m; k++) overlap += target[k]! * rows[i * m + k]!;
        for (let k = 0; k < m; k++) target[k]! -= overlap * rows[i * m + k]!;
      }
    }
    const length = Math.hypot(...target);
    // Of all axes at least one keeps a length of sqrt((m - count) / m).
    if (length < 0.5 / Math.sqrt(m)) continue;
    for (let k = 0; k < m; k++) target[k]! /= length;
    return;
  }
}
