/** Products of a matrix of float32 and a vector. */

/** Sums of so many products are added to one another, so that their rounding errors stay small. */
const DEPTH: i32 = 1024;

/** `out[i] = sum over k of matrix[i, k] vector[k]`, the matrix of `[size, inner]` or stored transposed. */
export function timesVector(matrix: usize, vector: usize, out: usize, size: i32, inner: i32, transposed: bool): void {
  for (let k = 0; k < inner; k += DEPTH) {
    const depth = min<i32>(DEPTH, inner - k);
    const x = vector + (<usize>k << 2);
    if (transposed) alongColumns(matrix + ((<usize>k * size) << 2), x, out, size, depth, k > 0);
    else alongRows(matrix + (<usize>k << 2), <usize>inner << 2, x, out, size, depth, k > 0);
  }
}

/** The sums of the lanes of each of four vectors. */
// @ts-ignore: decorator
@inline
function totals(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** Rows of the matrix lie `row` bytes apart. */
function alongRows(matrix: usize, row: usize, vector: usize, out: usize, size: i32, depth: i32, adds: bool): void {
  const end = vector + (<usize>depth << 2);
  for (let i = 0; i < size; i += 4) {
    const count = size - i;
    let p0 = matrix;
    let p1 = count > 1 ? p0 + row : p0;
    let p2 = count > 2 ? p1 + row : p0;
    let p3 = count > 3 ? p2 + row : p0;
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    let x = vector;
    for (; x + 16 <= end; x += 16) {
      const four = v128.load(x);
      s0 = f32x4.add(s0, f32x4.mul(four, v128.load(p0)));
      s1 = f32x4.add(s1, f32x4.mul(four, v128.load(p1)));
      s2 = f32x4.add(s2, f32x4.mul(four, v128.load(p2)));
      s3 = f32x4.add(s3, f32x4.mul(four, v128.load(p3)));
      p0 += 16; p1 += 16; p2 += 16; p3 += 16;
    }
    let sums = totals(s0, s1, s2, s3);
    for (; x < end; x += 4) {
      let column = v128.load32_splat(p0);
      column = v128.load32_lane(p1, column, 1);
      column = v128.load32_lane(p2, column, 2);
      column = v128.load32_lane(p3, column, 3);
      sums = f32x4.add(sums, f32x4.mul(v128.load32_splat(x), column));
      p0 += 4; p1 += 4; p2 += 4; p3 += 4;
    }
    if (count >= 4) {
      putFour(out, sums, adds);
    } else {
      put(out, f32x4.extract_lane(sums, 0), adds);
      if (count > 1) put(out + 4, f32x4.extract_lane(sums, 1), adds);
      if (count > 2) put(out + 8, f32x4.extract_lane(sums, 2), adds);
    }
    matrix += 4 * row;
    out += 16;
  }
}

// @ts-ignore: decorator
@inline
function put(out: usize, value: f32, adds: bool): void {
  store<f32>(out, adds ? load<f32>(out) + value : value);
}

// @ts-ignore: decorator
@inline
function putFour(out: usize, value: v128, adds: bool): void {
  v128.store(out, adds ? f32x4.add(v128.load(out), value) : value);
}

/** Columns of the matrix, `size` of them side by side, times elements of the vector. */
function alongColumns(matrix: usize, vector: usize, out: usize, size: i32, depth: i32, adds: bool): void {
  const row = <usize>size << 2;
  const end = vector + (<usize>depth << 2);
  let i = 0;
  for (; i + 16 <= size; i += 16) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    let p = matrix + (<usize>i << 2);
    for (let x = vector; x < end; x += 4) {
      const one = v128.load_splat<f32>(x);
      s0 = f32x4.add(s0, f32x4.mul(one, v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(one, v128.load(p, 16)));
      s2 = f32x4.add(s2, f32x4.mul(one, v128.load(p, 32)));
      s3 = f32x4.add(s3, f32x4.mul(one, v128.load(p, 48)));
      p += row;
    }
    const to = out + (<usize>i << 2);
    putFour(to, s0, adds);
    putFour(to + 16, s1, adds);
    putFour(to + 32, s2, adds);
    putFour(to + 48, s3, adds);
  }
  // Of few columns, sums over every second or fourth row, which do not wait for each other.
  for (; i + 8 <= size; i += 8) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    let p = matrix + (<usize>i << 2);
    let x = vector;
    for (; x + 8 <= end; x += 8) {
      const even = v128.load_splat<f32>(x), odd = v128.load_splat<f32>(x, 4);
      s0 = f32x4.add(s0, f32x4.mul(even, v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(even, v128.load(p, 16)));
      s2 = f32x4.add(s2, f32x4.mul(odd, v128.load(p + row)));
      s3 = f32x4.add(s3, f32x4.mul(odd, v128.load(p + row, 16)));
      p += 2 * row;
    }
    if (x < end) {
      const last = v128.load_splat<f32>(x);
      s0 = f32x4.add(s0, f32x4.mul(last, v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(last, v128.load(p, 16)));
    }
    putFour(out + (<usize>i << 2), f32x4.add(s0, s2), adds);
    putFour(out + (<usize>i << 2) + 16, f32x4.add(s1, s3), adds);
  }
  for (; i + 4 <= size; i += 4) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    let p = matrix + (<usize>i << 2);
    let x = vector;
    for (; x + 16 <= end; x += 16) {
      s0 = f32x4.add(s0, f32x4.mul(v128.load_splat<f32>(x), v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(v128.load_splat<f32>(x, 4), v128.load(p + row)));
      s2 = f32x4.add(s2, f32x4.mul(v128.load_splat<f32>(x, 8), v128.load(p + 2 * row)));
      s3 = f32x4.add(s3, f32x4.mul(v128.load_splat<f32>(x, 12), v128.load(p + 3 * row)));
      p += 4 * row;
    }
    for (; x < end; x += 4) {
      s0 = f32x4.add(s0, f32x4.mul(v128.load_splat<f32>(x), v128.load(p)));
      p += row;
    }
    putFour(out + (<usize>i << 2), f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), adds);
  }
  for (; i < size; i++) {
    let sum: f32 = 0;
    let p = matrix + (<usize>i << 2);
    for (let x = vector; x < end; x += 4) {
      sum += load<f32>(x) * load<f32>(p);
      p += row;
    }
    put(out + (<usize>i << 2), sum, adds);
  }
}
