/** Triangular solves, as in `src/triangular.ts`. */
import { GROUP, ROW, TILE, loadTriangle, panelAt, solveTile, subtractProduct } from './panels';

/** Bytes of room that is needed for matrices of `n` rows and right sides of `columns` columns. */
export function scratchBytes(n: usize, columns: usize): usize {
  const tiles = n + 3 >> 2;
  const panels = min(columns + 3 >> 2, GROUP);
  return panelAt(0, tiles) + panels * (tiles * TILE + sizeof<usize>());
}

/**
 * Sets `out` to the solutions x of `l x = b`, or of `l^T x = b`, for `count` triangular matrices of `n` rows and right sides of `columns`
 * columns, float32. An upper triangle is a lower one in reverse order, of rows and of columns. `scratch` is room of {@link scratchBytes}, for
 * the panels of a triangle, a group of panels of the right side and where these begin.
 */
export function triangularSolve(
  out: usize,
  l: usize,
  b: usize,
  count: i32,
  n: usize,
  columns: usize,
  lower: bool,
  transpose: bool,
  scratch: usize,
): void {
  const forward = lower != transpose;
  const rowStep: isize = transpose ? 4 : n << 2;
  const columnStep: isize = transpose ? n << 2 : 4;
  const tiles = n + 3 >> 2;
  const sides = panelAt(scratch, tiles);
  for (let i = 0; i < count; i++) {
    const matrix = l + i * (n * n << 2);
    const side = i * (n * columns << 2);
    const isRegular = forward
      ? loadTriangle(scratch, matrix, n, rowStep, columnStep)
      : loadTriangle(scratch, matrix + (n * n - 1 << 2), n, -rowStep, -columnStep);
    const first = side + (forward ? 0 : (n - 1) * columns << 2);
    const step: isize = forward ? columns << 2 : -(columns << 2);
    for (let column: usize = 0; column < columns; column += 4 * GROUP) {
      const width = min(columns - column, 4 * GROUP);
      solveGroup(out + first + (column << 2), b + first + (column << 2), n, width, step, isRegular, scratch, sides);
    }
  }
}

/** Solves for `width` columns of a right side, whose rows are `step` bytes apart. */
function solveGroup(
  out: usize,
  b: usize,
  n: usize,
  width: usize,
  step: isize,
  isRegular: bool,
  triangle: usize,
  sides: usize,
): void {
  const tiles = n + 3 >> 2;
  const panels = width + 3 >> 2;
  // Where the panels begin to differ from zero; the solution is zero above.
  const starts = sides + panels * tiles * TILE;
  for (let p: usize = 0; p < panels; p++) {
    const start = loadPanel(sides + p * tiles * TILE, b + (p << 4), n, min(4, width - 4 * p), step);
    store<usize>(starts + p * sizeof<usize>(), isRegular ? start : 0);
  }
  for (let t: usize = 0; t < tiles; t++) {
    const solved = panelAt(triangle, t);
    for (let p: usize = 0; p < panels; p++) {
      const start = load<usize>(starts + p * sizeof<usize>());
      if (t < start) continue;
      const panel = sides + p * tiles * TILE;
      subtractProduct(panel + t * TILE, solved + start * TILE, panel + start * TILE, 4 * (t - start));
      solveTile(panel + t * TILE, solved + t * TILE);
    }
  }
  for (let p: usize = 0; p < panels; p++) {
    storePanel(out + (p << 4), sides + p * tiles * TILE, n, min(4, width - 4 * p), step);
  }
}

/**
 * Puts up to four columns into a panel.
 *
 * @returns in which tile the first element lies that is not zero.
 */
function loadPanel(panel: usize, b: usize, n: usize, width: usize, step: isize): usize {
  let start: usize = (n + 3) & ~3;
  for (let i: usize = 0; i < ((n + 3) & ~3); i++, panel += ROW, b += step) {
    let row = f32x4.splat(0);
    if (i < n) {
      if (width == 4) row = v128.load(b);
      else for (let j: usize = 0; j < width; j++) {
        row = v128.shuffle<f32>(row, v128.load32_splat(b + (j << 2)), 1, 2, 3, 4);
      }
    }
    v128.store(panel, f64x2.promote_low_f32x4(row));
    v128.store(panel, f64x2.promote_low_f32x4(v128.shuffle<f32>(row, row, 2, 3, 0, 1)), 16);
    if (start > i && v128.any_true(f32x4.ne(row, f32x4.splat(0)))) start = i;
  }
  return start >> 2;
}

/** The columns of a panel; those of fewer than four are the last, as {@link loadPanel} puts them. */
function storePanel(out: usize, panel: usize, n: usize, width: usize, step: isize): void {
  for (let i: usize = 0; i < n; i++, panel += ROW, out += step) {
    const left = f32x4.demote_f64x2_zero(v128.load(panel));
    const right = f32x4.demote_f64x2_zero(v128.load(panel, 16));
    let row = v128.shuffle<f32>(left, right, 0, 1, 4, 5);
    if (width == 4) v128.store(out, row);
    else for (let j = width; j > 0; j--) {
      v128.store32_lane(out + (j - 1 << 2), row, 3);
      row = v128.shuffle<f32>(row, row, 3, 0, 1, 2);
    }
  }
}
