/**
 * Matrices in panels: four columns (or, of a factor, four rows) next to each other, so that an element and its three neighbours lie in a row
 * of 32 bytes, in float64. Padding to a multiple of four is that of an identity matrix.
 */

/** Bytes of four float64 numbers, a row of a panel. */
export const ROW: usize = 32;

/** Where panel `t` of a triangle lies: panel s has 4 (s + 1) rows. */
// @ts-ignore: decorator
@inline
export function panelAt(triangle: usize, t: usize): usize {
  return triangle + 2 * t * (t + 1) * ROW;
}

/** `c -= a^T b` for `a` and `b` `[rows, 4]` and `c` `[4, 4]`. Row after row, so that rounding does not depend on how work is cut in pieces. */
// @ts-ignore: decorator
@inline
export function subtractProduct(c: usize, a: usize, b: usize, rows: usize): void {
  let c00 = v128.load(c), c01 = v128.load(c, 16);
  let c10 = v128.load(c, 32), c11 = v128.load(c, 48);
  let c20 = v128.load(c, 64), c21 = v128.load(c, 80);
  let c30 = v128.load(c, 96), c31 = v128.load(c, 112);
  for (const end = a + rows * ROW; a < end; a += ROW, b += ROW) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = f64x2.sub(c00, f64x2.mul(x, b0)); c01 = f64x2.sub(c01, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 8);
    c10 = f64x2.sub(c10, f64x2.mul(x, b0)); c11 = f64x2.sub(c11, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 16);
    c20 = f64x2.sub(c20, f64x2.mul(x, b0)); c21 = f64x2.sub(c21, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 24);
    c30 = f64x2.sub(c30, f64x2.mul(x, b0)); c31 = f64x2.sub(c31, f64x2.mul(x, b1));
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  v128.store(c, c10, 32); v128.store(c, c11, 48);
  v128.store(c, c20, 64); v128.store(c, c21, 80);
  v128.store(c, c30, 96); v128.store(c, c31, 112);
}

/** `c = l^-1 c` for `c` `[4, 4]` and lower triangular `l`, given by its rows: `l` holds `l^T`. */
export function solveTile(c: usize, l: usize): void {
  for (let i: usize = 0; i < 4; i++) {
    let left = v128.load(c + i * ROW), right = v128.load(c + i * ROW, 16);
    for (let k: usize = 0; k < i; k++) {
      const factor = v128.load64_splat(l + k * ROW + (i << 3));
      left = f64x2.sub(left, f64x2.mul(factor, v128.load(c + k * ROW)));
      right = f64x2.sub(right, f64x2.mul(factor, v128.load(c + k * ROW, 16)));
    }
    const pivot = v128.load64_splat(l + i * ROW + (i << 3));
    v128.store(c + i * ROW, f64x2.div(left, pivot));
    v128.store(c + i * ROW, f64x2.div(right, pivot), 16);
  }
}
