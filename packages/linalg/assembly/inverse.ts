/** Inverses of positive definite matrices, as in `src/inverse.ts`. */
import { GROUP, ROW, TILE, loadTriangle, panelAt, solveTile, subtractProduct } from './panels';

/** Bytes of room that is needed for matrices of `n` rows. */
export function inverseBytes(n: usize): usize {
  const tiles = n + 3 >> 2;
  return 2 * panelAt(0, tiles) + TILE;
}

/** Where panel `p` of the inverse of a triangle of `tiles` panels lies: it holds its columns 4 p to 4 p + 3, from tile p on. */
// @ts-ignore: decorator
@inline
function columnsAt(inverse: usize, p: usize, tiles: usize): usize {
  return inverse + ((p * (2 * tiles - p + 1)) >> 1) * TILE;
}

/**
 * Sets `out` to the inverses of `l l^T` for `count` lower triangular matrices of `n` rows, both float32; `scratch` is room of
 * {@link inverseBytes}.
 */
export function choleskyInverse(out: usize, l: usize, count: i32, n: usize, scratch: usize): void {
  const step = n * n << 2;
  const tiles = n + 3 >> 2;
  const inverse = panelAt(scratch, tiles);
  for (let i = 0; i < count; i++) {
    loadTriangle(scratch, l + i * step, n, n << 2, 4);
    invert(inverse, scratch, tiles);
    multiply(out + i * step, n, inverse, tiles, columnsAt(inverse, tiles, tiles));
  }
}

/** The inverse of a triangle: each panel solves for columns of the identity matrix. */
function invert(inverse: usize, triangle: usize, tiles: usize): void {
  memory.fill(inverse, 0, panelAt(0, tiles));
  for (let first: usize = 0; first < tiles; first += GROUP) {
    for (let t = first; t < tiles; t++) {
      const solved = panelAt(triangle, t);
      for (let p = first; p < min(first + GROUP, t + 1); p++) {
        const panel = columnsAt(inverse, p, tiles);
        const tile = panel + (t - p) * TILE;
        if (t == p) for (let i: usize = 0; i < 4; i++) store<f64>(tile + i * (ROW + 8), 1);
        subtractProduct(tile, solved + p * TILE, panel, 4 * (t - p));
        solveTile(tile, solved + t * TILE);
      }
    }
  }
}

/** Sets `out` to `x^T x` for the lower triangle `x` in panels of columns: its tiles on and above the diagonal, and these transposed. */
function multiply(out: usize, n: usize, x: usize, tiles: usize, product: usize): void {
  for (let first: usize = 0; first < tiles; first += GROUP) {
    for (let q = first; q < tiles; q++) {
      const right = columnsAt(x, q, tiles);
      for (let p = first; p < min(first + GROUP, q + 1); p++) {
        memory.fill(product, 0, TILE);
        subtractProduct(product, columnsAt(x, p, tiles) + (q - p) * TILE, right, 4 * (tiles - q));
        storeTile(out, n, product, 4 * p, 4 * q);
      }
    }
  }
}

/** The elements of the negative of a tile, at row `row` and column `column` and, mirrored, the other way round. */
function storeTile(out: usize, n: usize, tile: usize, row: usize, column: usize): void {
  for (let i = row; i < min(n, row + 4); i++) {
    for (let j = column; j < min(n, column + 4); j++) {
      const element = -<f32>load<f64>(tile + (i - row) * ROW + (j - column << 3));
      store<f32>(out + (i * n + j << 2), element);
      store<f32>(out + (j * n + i << 2), element);
    }
  }
}
