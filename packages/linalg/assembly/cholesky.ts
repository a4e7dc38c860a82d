/** `cholesky.ts` on panels. */
import { ROW, panelAt, solveTile, subtractProduct } from './panels';

/** Panels that are worked on together: their elements stay in the cache. */
const GROUP: usize = 8;

/**
 * Factors a triangle in panels in place: panel t holds rows 4 t to 4 t + 3 of the lower triangle, transposed.
 *
 * @returns the index of the first pivot that is not positive, which is left where it was; `4 * panels` if there is none.
 */
export function factor(triangle: usize, panels: usize): usize {
  for (let first: usize = 0; first < panels; first += GROUP) {
    const end = min(panels, first + GROUP);
    for (let t: usize = 0; t < end; t++) {
      const above = panelAt(triangle, t);
      const diagonal = above + 4 * t * ROW;
      for (let p = max(t, first); p < end; p++) {
        const panel = panelAt(triangle, p);
        const tile = panel + 4 * t * ROW;
        subtractProduct(tile, above, panel, 4 * t);
        if (p > t) solveTile(tile, diagonal);
        else {
          const failed = factorTile(tile);
          if (failed < 4) return 4 * t + failed;
        }
      }
    }
  }
  return 4 * panels;
}

/** Factors a symmetric tile: its upper triangle becomes `l^T`. */
function factorTile(tile: usize): usize {
  for (let i: usize = 0; i < 4; i++) {
    const row = tile + i * ROW;
    for (let j = i; j < 4; j++) {
      let sum = load<f64>(row + (j << 3));
      for (let k: usize = 0; k < i; k++) {
        sum -= load<f64>(tile + k * ROW + (i << 3)) * load<f64>(tile + k * ROW + (j << 3));
      }
      if (j == i) {
        store<f64>(row + (j << 3), sum);
        if (!(sum > 0)) return i;
        store<f64>(row + (j << 3), sqrt(sum));
      } else {
        store<f64>(row + (j << 3), sum / load<f64>(row + (i << 3)));
      }
    }
  }
  return 4;
}
