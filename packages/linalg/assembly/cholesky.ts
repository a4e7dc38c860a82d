/** Cholesky factors, as in `src/cholesky.ts`. */
import { GROUP, ROW, TILE, loadTriangle, panelAt, solveTile, subtractProduct } from './panels';

/**
 * Sets `out` to the Cholesky factors of `count` matrices of `n` rows, both float32; `triangle` is room for the panels
 * of one, `scratchBytes` of no columns.
 *
 * @returns the place of the first pivot that is not positive, `n` times the matrix plus the row, or -1 if there is none.
 */
export function cholesky(out: usize, matrices: usize, count: i32, n: usize, triangle: usize): i32 {
  const step = n * n << 2;
  for (let i = 0; i < count; i++) {
    loadTriangle(triangle, matrices + i * step, n, n << 2, 4);
    const failed = factor(triangle, n + 3 >> 2);
    if (failed >= 0) return i * n + failed;
    storeTriangle(out + i * step, triangle, n);
  }
  return -1;
}

/** The pivot of a row that {@link cholesky} found not to be positive. */
export function pivotOf(row: usize, triangle: usize): f64 {
  return load<f64>(panelAt(triangle, row >> 2) + row * ROW + ((row & 3) << 3));
}

/** Panel after panel of the factor; the tiles of each are solved for by those of the panels before it. */
function factor(triangle: usize, panels: usize): i32 {
  for (let first: usize = 0; first < panels; first += GROUP) {
    const end = min(panels, first + GROUP);
    for (let t: usize = 0; t < end; t++) {
      const solved = panelAt(triangle, t);
      for (let p = max(t, first); p < end; p++) {
        const panel = panelAt(triangle, p);
        const tile = panel + t * TILE;
        subtractProduct(tile, solved, panel, 4 * t);
        if (p > t) {
          solveTile(tile, solved + t * TILE);
        } else {
          const failed = factorTile(tile);
          if (failed >= 0) return 4 * t + failed;
        }
      }
    }
  }
  return -1;
}

/** Factors the symmetric matrix of which the upper triangle of a tile is given: it becomes the transposed factor. */
function factorTile(tile: usize): i32 {
  for (let i: usize = 0; i < 4; i++) {
    const row = tile + i * ROW;
    for (let j = i; j < 4; j++) {
      let sum = load<f64>(row + (j << 3));
      for (let k: usize = 0; k < i; k++) {
        sum -= load<f64>(tile + k * ROW + (i << 3)) * load<f64>(tile + k * ROW + (j << 3));
      }
      if (j > i) {
        store<f64>(row + (j << 3), sum / load<f64>(row + (i << 3)));
      } else {
        store<f64>(row + (j << 3), sum > 0 ? sqrt(sum) : sum);
        if (!(sum > 0)) return i;
      }
    }
  }
  return -1;
}

/** The lower triangle that is held in panels, and zeros above it. */
function storeTriangle(out: usize, triangle: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    let from = panelAt(triangle, i >> 2) + ((i & 3) << 3);
    for (let j: usize = 0; j <= i; j++, out += 4, from += ROW) store<f32>(out, <f32>load<f64>(from));
    memory.fill(out, 0, n - 1 - i << 2);
    out += n - 1 - i << 2;
  }
}
