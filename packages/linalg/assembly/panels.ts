/**
 * Matrices in panels: four columns next to each other, so that a row of a panel is four float64 numbers, and four rows are a tile. The products
 * of tiles, which take nearly all of the time of a factorisation or of a solve, then read memory from one end to the other. Numbers of rows
 * and of columns are rounded up to a multiple of four.
 */

/** Bytes of a row of a panel, and of a tile of four rows. */
export const ROW: usize = 32;
export const TILE: usize = 128;

/** Panels that are worked on together: their rows and those of the panel they are multiplied by stay in the cache. */
export const GROUP: usize = 16;

/** Where panel `t` of a triangle lies: panel s has s + 1 tiles. */
// @ts-ignore: decorator
@inline
export function panelAt(triangle: usize, t: usize): usize {
  return triangle + ((t * (t + 1)) >> 1) * TILE;
}

/**
 * Puts the lower triangle of the matrix with element i, j at `matrix + i * rowStep + j * columnStep`, float32, into panels: panel t holds its
 * rows 4 t to 4 t + 3 as columns. What is added to a whole number of tiles is an identity matrix.
 *
 * @returns whether all elements are finite and none on the diagonal is zero.
 */
export function loadTriangle(triangle: usize, matrix: usize, n: usize, rowStep: isize, columnStep: isize): bool {
  let zero: f64 = 0;
  for (let i: usize = 0; i < ((n + 3) & ~3); i++) {
    let to = panelAt(triangle, i >> 2) + ((i & 3) << 3);
    let from = matrix + i * rowStep;
    for (let j: usize = 0; j < i; j++, to += ROW, from += columnStep) {
      const element: f64 = i < n ? load<f32>(from) : 0;
      zero += element * 0;
      store<f64>(to, element);
    }
    const diagonal: f64 = i < n ? load<f32>(from) : 1;
    zero += diagonal == 0 ? NaN : diagonal * 0;
    store<f64>(to, diagonal);
  }
  return zero == 0;
}

/** `c -= a^T b` for `a` and `b` `[rows, 4]` and a tile `c`. Row after row, so that rounding does not depend on how work is cut in pieces. */
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

/** `c = l^-1 c` for a tile `c` and the lower triangle of the matrix whose rows are the columns of the tile `l`. */
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
