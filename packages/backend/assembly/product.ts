/**
 * Matrix products of float32, `c = a b` with `a` of `[rows, inner]` and `b` of `[inner, columns]`, either of them stored transposed.
 *
 * Tiles of 4 rows and 8 columns are summed in registers. A right operand is copied into panels of 8 columns, a transposed left one into
 * panels of 4 rows, `DEPTH` of the inner axis at a time, so that all that a tile reads lies side by side.
 */
import { timesVector } from './product-of-vector';
import { transpose } from './transpose';

/** Sums of so many products are added to one another: their rounding errors stay small, and a panel stays in the cache. */
const DEPTH: i32 = 256;
/** Columns whose panels are made at a time. */
const WIDTH: i32 = 128;
/** Up to so many rows read a right operand where it lies: there copies do not pay. */
const FEW: i32 = 16;

/** Stores the first `columns` of 8 numbers, added to what is there if `adds`. */
// @ts-ignore: decorator
@inline
function storeRow(c: usize, first: v128, second: v128, columns: i32, adds: bool): void {
  if (columns >= 8) {
    if (adds) {
      first = f32x4.add(first, v128.load(c));
      second = f32x4.add(second, v128.load(c, 16));
    }
    v128.store(c, first);
    v128.store(c, second, 16);
  } else {
    storeSome(c, first, second, columns, adds);
  }
}

function storeSome(c: usize, first: v128, second: v128, columns: i32, adds: bool): void {
  if (columns & 4) {
    v128.store(c, adds ? f32x4.add(first, v128.load(c)) : first);
    first = second;
    c += 16;
  }
  if (columns & 2) {
    v128.store_lane<f64>(c, adds ? f32x4.add(first, v128.load_zero<f64>(c)) : first, 0);
    first = v128.shuffle<i64>(first, first, 1, 1);
    c += 8;
  }
  if (columns & 1) store<f32>(c, f32x4.extract_lane(first, 0) + (adds ? load<f32>(c) : 0));
}

/** A tile of `rows` up to 4 and `columns` up to 8: the sum over `depth` of products of elements `stepA` and `stepB` bytes apart. */
function tile(
  a: usize, rowA: usize, stepA: usize, b: usize, stepB: usize, depth: i32, c: usize, rowC: usize, rows: i32, columns: i32, adds: bool,
): void {
  let a0 = a;
  let a1 = rows > 1 ? a0 + rowA : a0;
  let a2 = rows > 2 ? a1 + rowA : a0;
  let a3 = rows > 3 ? a2 + rowA : a0;
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  for (; depth > 0; depth--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a0);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load_splat<f32>(a1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load_splat<f32>(a2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load_splat<f32>(a3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    b += stepB;
    a0 += stepA;
    a1 += stepA;
    a2 += stepA;
    a3 += stepA;
  }
  storeRow(c, c00, c01, columns, adds);
  if (rows > 1) storeRow(c + rowC, c10, c11, columns, adds);
  if (rows > 2) storeRow(c + 2 * rowC, c20, c21, columns, adds);
  if (rows > 3) storeRow(c + 3 * rowC, c30, c31, columns, adds);
}

/** Copies `count` rows of `size` up to `width` elements, `row` bytes apart, side by side, with zeros behind each. */
function packRows(out: usize, from: usize, row: usize, count: i32, size: i32, width: i32): void {
  if (size < width) memory.fill(out, 0, <usize>count * width * 4);
  for (; count > 0; count--) {
    if (size == 8) {
      v128.store(out, v128.load(from));
      v128.store(out, v128.load(from, 16), 16);
    } else if (size == 4) {
      v128.store(out, v128.load(from));
    } else {
      for (let i = 0; i < size; i++) store<f32>(out + (i << 2), load<f32>(from + (i << 2)));
    }
    out += width << 2;
    from += row;
  }
}

/** The panels of the columns from `first` to `end`; `b` is where the first row of these panels starts. */
function packPanels(to: usize, b: usize, rowB: usize, depth: i32, first: i32, end: i32, transposed: bool, direct: bool): void {
  for (let j = first; j < end; j += 8) {
    const size = min<i32>(8, end - j);
    if (transposed) {
      if (size < 8) memory.fill(to, 0, <usize>depth << 5);
      transpose(to, 32, b + <usize>j * rowB, rowB, size, depth);
    } else if (!direct || size < 8) {
      packRows(to, b + (<usize>j << 2), rowB, depth, size, 8);
    }
    to += <usize>depth << 5;
  }
}

/** One product, added to `c` if `adds`; a `triangle` is what lies below the diagonal, with what its tiles hold above. */
export function multiplyMatrices(
  a: usize, b: usize, c: usize, rows: i32, inner: i32, columns: i32, transposeA: bool, transposeB: bool, adds: bool, triangle: bool,
  scratch: usize,
): void {
  const rowA = <usize>(transposeA ? rows : inner) << 2;
  const rowB = <usize>(transposeB ? inner : columns) << 2;
  const rowC = <usize>columns << 2;
  const panels = scratch + (DEPTH << 4);
  const direct = !transposeB && rows <= FEW;
  for (let k = 0; k < inner; k += DEPTH) {
    const depth = min<i32>(DEPTH, inner - k);
    const startA = a + (transposeA ? <usize>k * rowA : <usize>k << 2);
    const startB = b + (transposeB ? <usize>k << 2 : <usize>k * rowB);
    for (let first = 0; first < columns; first += WIDTH) {
      const end = min<i32>(columns, first + WIDTH);
      packPanels(panels, startB, rowB, depth, first, end, transposeB, direct);
      for (let i = triangle ? first : 0; i < rows; i += 4) {
        const size = min<i32>(4, rows - i);
        const left = transposeA ? scratch : startA + <usize>i * rowA;
        if (transposeA) packRows(scratch, startA + (<usize>i << 2), rowA, depth, size, 4);
        const last = triangle ? min<i32>(end, i + 4) : end;
        let panel = panels;
        for (let j = first; j < last; j += 8) {
          const width = min<i32>(8, end - j);
          const inPlace = direct && width == 8;
          tile(
            left, transposeA ? 4 : rowA, transposeA ? 16 : 4, inPlace ? startB + (<usize>j << 2) : panel, inPlace ? rowB : 32, depth,
            c + <usize>i * rowC + (<usize>j << 2), rowC, size, width, adds || k > 0,
          );
          panel += <usize>depth << 5;
        }
      }
    }
  }
}

/** Sets what lies above the diagonal of a symmetric matrix to what lies below. */
function mirror(c: usize, size: i32): void {
  const row = <usize>size << 2;
  for (let i = 4; i < size; i += 4) transpose(c + (<usize>i << 2), row, c + <usize>i * row, row, min<i32>(4, size - i), i);
}

/** The bytes of scratch memory that a product takes. */
export function multiplyScratch(inner: i32, columns: i32): usize {
  const depth = <usize>min<i32>(DEPTH, inner);
  return (<usize>DEPTH << 4) + (depth << 2) * ((min<i32>(WIDTH, columns) + 7) & ~7);
}

/**
 * As many products as there are in the larger of the batches of `countA` and `countB` matrices, one behind the other; where one batch is a
 * single matrix, it serves all. Each product is symmetric by the caller's word if `symmetric`.
 */
export function multiply(
  countA: i32, countB: i32, a: usize, b: usize, c: usize, rows: i32, inner: i32, columns: i32, transposeA: bool, transposeB: bool,
  symmetric: bool, scratch: usize,
): void {
  const stepA = countA == 1 ? 0 : (<usize>rows * inner) << 2;
  const stepB = countB == 1 ? 0 : (<usize>inner * columns) << 2;
  for (let count = max<i32>(countA, countB); count > 0; count--) {
    if (columns == 1) {
      timesVector(a, b, c, rows, inner, transposeA);
    } else if (rows == 1) {
      timesVector(b, a, c, columns, inner, !transposeB);
    } else {
      multiplyMatrices(a, b, c, rows, inner, columns, transposeA, transposeB, false, symmetric, scratch);
      if (symmetric) mirror(c, rows);
    }
    a += stepA;
    b += stepB;
    c += (<usize>rows * columns) << 2;
  }
}
