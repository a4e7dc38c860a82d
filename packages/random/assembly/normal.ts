/** The sequence of `src/normal.ts`, to the bit. */

const N0: f32 = 1.3372622;
const N1: f32 = 5.4147096;
const N2: f32 = 4.585684;
const N3: f32 = 0.4471832;
const D0: f32 = 0.77278435;
const D1: f32 = 3.7608292;
const D2: f32 = 4.445441;

const C: i32 = 11863283;
const LN2: f32 = 0.6931471805599453;
const L0: f32 = 0.6665219;
const L1: f32 = 0.4135291;

const R: f32 = 1.17741;
const T0: f32 = 1.4986103;
const T1: f32 = 1.3094424;
const T2: f32 = 0.04177651;
const T3: f32 = 0.0059078103;
const T4: f32 = -0.0061671506;
const T5: f32 = -0.0008380569;
const T6: f32 = 0.0015045354;
const T7: f32 = -0.00043122578;
const T8: f32 = 0.000041262178;

/** `a x + b`, both rounded. */
// @ts-ignore: decorator
@inline
function linear(a: f32, x: v128, b: f32): v128 {
  return f32x4.add(f32x4.mul(f32x4.splat(a), x), f32x4.splat(b));
}

/** The standard normal numbers of random bits. */
// @ts-ignore: decorator
@inline
export function normalOf(bits: v128): v128 {
  const x = f32x4.mul(
    f32x4.convert_i32x4_s(i32x4.sub(i32x4.shl(i32x4.shr_u(bits, 9), 2), i32x4.splat(16777215))),
    f32x4.splat(5.9604644775390625e-8),
  );
  const t = f32x4.mul(x, x);
  const result = central(x, t);
  const outside = f32x4.gt(t, f32x4.splat(0.75));
  return v128.any_true(outside) ? v128.bitselect(tail(x, t), result, outside) : result;
}

// @ts-ignore: decorator
@inline
function central(x: v128, t: v128): v128 {
  const r = f32x4.sub(f32x4.splat(0.75), t);
  const r2 = f32x4.mul(r, r);
  const n = f32x4.add(f32x4.mul(linear(N3, r, N2), r2), linear(N1, r, N0));
  const d = f32x4.add(f32x4.mul(f32x4.add(r, f32x4.splat(D2)), r2), linear(D1, r, D0));
  return f32x4.mul(f32x4.div(n, d), x);
}

/** For t > 3/4. The leading zeros of the integer v, and v without them, are the exponent and the mantissa of v as a float32 number. */
// @ts-ignore: decorator
@inline
function tail(x: v128, t: v128): v128 {
  const v = f32x4.sub(f32x4.splat(16777216), f32x4.mul(t, f32x4.splat(16777216)));
  const zeros = i32x4.sub(i32x4.splat(158), i32x4.shr_u(v, 23));
  const q = v128.or(v128.and(v, i32x4.splat(0x7fffff)), i32x4.splat(0x800000));
  const s = f32x4.div(
    f32x4.convert_i32x4_s(i32x4.sub(q, i32x4.splat(C))),
    f32x4.convert_i32x4_s(v128.and(i32x4.add(q, i32x4.splat(C)), i32x4.splat(-2))),
  );
  const square = f32x4.mul(s, s);
  const series = f32x4.add(f32x4.mul(linear(L1, square, L0), square), f32x4.splat(2));
  const w = f32x4.sub(
    f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(zeros), f32x4.splat(7.5)), f32x4.splat(LN2)),
    f32x4.mul(s, series),
  );
  const y = f32x4.sub(f32x4.sqrt(w), f32x4.splat(R));
  const y2 = f32x4.mul(y, y);
  const y4 = f32x4.mul(y2, y2);
  const low = f32x4.add(f32x4.mul(linear(T3, y, T2), y2), linear(T1, y, T0));
  const middle = f32x4.add(f32x4.mul(linear(T7, y, T6), y2), linear(T5, y, T4));
  const magnitude = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(f32x4.splat(T8), y4), middle), y4), low);
  return v128.xor(magnitude, v128.and(x, i32x4.splat(0x80000000)));
}
