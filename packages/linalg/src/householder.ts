/**
 * Householder's QR factorisation in float64 of a matrix with at least as many rows as columns: `a` `[m, n]` becomes `r` in its upper
 * triangle, with a diagonal that is not negative, and `q` `[m, n]`, with orthonormal columns, is set.
 */
export function orthogonalise(a: Float64Array, q: Float64Array, m: number, n: number): void {
  const diagonal = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    let square = 0;
    for (let i = k; i < m; i++) square += a[i * n + k]! ** 2;
    const head = a[k * n + k]!;
    diagonal[k] = head > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    // The reflector takes the place of the column.
    a[k * n + k] = head - diagonal[k]!;
    for (let j = k + 1; j < n; j++) reflect(a, j, a, k, diagonal[k]!, m, n);
  }
  for (let k = 0; k < n; k++) q[k * n + k] = 1;
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k; j < n; j++) reflect(q, j, a, k, diagonal[k]!, m, n);
  }
  for (let k = 0; k < n; k++) {
    a[k * n + k] = diagonal[k]!;
    if (diagonal[k]! >= 0) continue;
    for (let j = k; j < n; j++) a[k * n + j]! *= -1;
    for (let i = 0; i < m; i++) q[i * n + k]! *= -1;
  }
}

/** Reflects column `j` of `x` by the reflector in column `k` of `v`, which maps its column to `diagonal` times an axis. */
function reflect(x: Float64Array, j: number, v: Float64Array, k: number, diagonal: number, m: number, n: number): void {
  const half = -diagonal * v[k * n + k]!; // half of the square of the reflector's length
  if (half === 0) return;
  let overlap = 0;
  for (let i = k; i < m; i++) overlap += v[i * n + k]! * x[i * n + j]!;
  for (let i = k; i < m; i++) x[i * n + j]! -= (overlap / half) * v[i * n + k]!;
}
