/** Sums, maxima and minima of float32 along the middle axis of `[outer, size, inner]`. Sums are rounded once, from float64. */

// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}
// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}
// @ts-ignore: decorator
@inline
function rounded(lower: v128, upper: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(lower), f32x4.demote_f64x2_zero(upper), 0, 2);
}

export function sum(out: usize, from: usize, outer: i32, size: i32, inner: i32): void {
  const bytes = <usize>size * inner << 2;
  for (; outer > 0; outer--) {
    if (inner == 1) {
      store<f32>(out, sumOfRow(from, from + bytes));
      out += 4;
    } else {
      sumOfRows(out, from, from + bytes, inner);
      out += <usize>inner << 2;
    }
    from += bytes;
  }
}

function sumOfRow(from: usize, end: usize): f32 {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
  for (; from + 32 <= end; from += 32) {
    const x = v128.load(from), y = v128.load(from, 16);
    s0 = f64x2.add(s0, low(x));
    s1 = f64x2.add(s1, high(x));
    s2 = f64x2.add(s2, low(y));
    s3 = f64x2.add(s3, high(y));
  }
  const s = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let total = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (; from < end; from += 4) total += <f64>load<f32>(from);
  return <f32>total;
}

function sumOfRows(out: usize, from: usize, end: usize, inner: i32): void {
  const row = <usize>inner << 2;
  let i = 0;
  for (; i + 8 <= inner; i += 8) {
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
    for (let p = from; p < end; p += row) {
      const x = v128.load(p), y = v128.load(p, 16);
      s0 = f64x2.add(s0, low(x));
      s1 = f64x2.add(s1, high(x));
      s2 = f64x2.add(s2, low(y));
      s3 = f64x2.add(s3, high(y));
    }
    v128.store(out, rounded(s0, s1));
    v128.store(out, rounded(s2, s3), 16);
    out += 32;
    from += 32;
    end += 32;
  }
  for (; i < inner; i++) {
    let total: f64 = 0;
    for (let p = from; p < end; p += row) total += <f64>load<f32>(p);
    store<f32>(out, <f32>total);
    out += 4;
    from += 4;
    end += 4;
  }
}

/** The greatest numbers, or the least; NaN where one is NaN. */
export function extreme(out: usize, from: usize, outer: i32, size: i32, inner: i32, least: bool): void {
  const bytes = <usize>size * inner << 2;
  // The least number is the greatest of those with the other sign.
  const sign = i32x4.splat(least ? 0x80000000 : 0);
  for (; outer > 0; outer--) {
    if (inner == 1) {
      store<f32>(out, greatestOfRow(from, from + bytes, sign));
      out += 4;
    } else {
      greatestOfRows(out, from, from + bytes, inner, sign);
      out += <usize>inner << 2;
    }
    from += bytes;
  }
}

function greatestOfRow(from: usize, end: usize, sign: v128): f32 {
  let found = v128.xor(v128.load_splat<f32>(from), sign);
  for (; from + 16 <= end; from += 16) found = f32x4.max(found, v128.xor(v128.load(from), sign));
  for (; from < end; from += 4) found = f32x4.max(found, v128.xor(v128.load_splat<f32>(from), sign));
  found = f32x4.max(found, v128.shuffle<i32>(found, found, 2, 3, 0, 1));
  found = f32x4.max(found, v128.shuffle<i32>(found, found, 1, 0, 3, 2));
  return f32x4.extract_lane(v128.xor(found, sign), 0);
}

function greatestOfRows(out: usize, from: usize, end: usize, inner: i32, sign: v128): void {
  const row = <usize>inner << 2;
  let i = 0;
  for (; i + 4 <= inner; i += 4) {
    let found = v128.xor(v128.load(from), sign);
    for (let p = from + row; p < end; p += row) found = f32x4.max(found, v128.xor(v128.load(p), sign));
    v128.store(out, v128.xor(found, sign));
    out += 16;
    from += 16;
    end += 16;
  }
  for (; i < inner; i++) {
    let found = v128.xor(v128.load_splat<f32>(from), sign);
    for (let p = from + row; p < end; p += row) found = f32x4.max(found, v128.xor(v128.load_splat<f32>(p), sign));
    store<f32>(out, f32x4.extract_lane(v128.xor(found, sign), 0));
    out += 4;
    from += 4;
    end += 4;
  }
}
