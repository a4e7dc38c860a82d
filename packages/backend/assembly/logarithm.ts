/**
 * `log(x) = k ln 2 + log(1 + f)`, where `1 + f` is `x / 2^k` and between the roots of 1/2 and 2. `log(1 + f)` is twice the inverse hyperbolic
 * tangent of `f / (2 + f)`.
 */
import { exp, LN2_HIGH, LN2_LOW } from './exponential';
import { horner, ONE, withSign } from './lanes';

/** The bits of the root of 1/2. */
const ROOT_HALF: i32 = 0x3f3504f3;
const SMALLEST_NORMAL: f32 = 1.1754943508222875e-38;
const LN2: f32 = 0.6931471805599453;

// 2 atanh(s) = 2 s + s^3 L(s^2), with the least maximum of the relative error for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1): 2^-30.2.
const L0: f32 = 0.66666776;
const L1: f32 = 0.39977568;
const L2: f32 = 0.2987146;

/** `k ln 2 + log(1 + f)`. As `2 s = f - s f` with `s = f / (2 + f)`, this is f and less: `f - (f^2 / 2 - s (f^2 / 2 + s^2 L(s^2)))`. */
// @ts-ignore: decorator
@inline
function sumOfLogs(k: v128, f: v128): v128 {
  const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2)));
  const z = f32x4.mul(s, s);
  const series = f32x4.mul(z, horner(horner(f32x4.splat(L2), z, L1), z, L0));
  const half = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
  const small = f32x4.add(f32x4.mul(s, f32x4.add(half, series)), f32x4.mul(k, f32x4.splat(LN2_LOW)));
  return f32x4.sub(f32x4.mul(k, f32x4.splat(LN2_HIGH)), f32x4.sub(f32x4.sub(half, small), f));
}

/** k of a positive number without leading zeros. */
// @ts-ignore: decorator
@inline
function exponentOf(x: v128): v128 {
  return i32x4.shr_s(i32x4.sub(x, i32x4.splat(ROOT_HALF)), 23);
}

// @ts-ignore: decorator
@inline
function logOfNormal(x: v128): v128 {
  const k = exponentOf(x);
  return sumOfLogs(f32x4.convert_i32x4_s(k), f32x4.sub(i32x4.sub(x, i32x4.shl(k, 23)), f32x4.splat(1)));
}

export function log(x: v128): v128 {
  const normal = i32x4.lt_u(i32x4.sub(x, i32x4.splat(0x00800000)), i32x4.splat(0x7f000000));
  return i32x4.all_true(normal) ? logOfNormal(x) : logOfAny(x);
}

/** Subnormal numbers are scaled by 2^24. */
function logOfAny(x: v128): v128 {
  const small = f32x4.lt(x, f32x4.splat(SMALLEST_NORMAL));
  let y = logOfNormal(v128.bitselect(f32x4.mul(x, f32x4.splat(16777216)), x, small));
  y = f32x4.sub(y, v128.and(small, f32x4.splat(24 * LN2)));
  y = v128.bitselect(f32x4.splat(-f32.POSITIVE_INFINITY), y, f32x4.eq(x, f32x4.splat(0)));
  y = v128.bitselect(f32x4.splat(f32.NaN), y, f32x4.lt(x, f32x4.splat(0)));
  return v128.bitselect(y, x, f32x4.lt(x, f32x4.splat(f32.POSITIVE_INFINITY)));
}

/** `log(1 + x)` for x above -1 and below 2^64; k is that of `1 + x`, and `f = x / 2^k + (1 / 2^k - 1)` is all but exact. */
// @ts-ignore: decorator
@inline
function log1pWithin(x: v128): v128 {
  const k = exponentOf(f32x4.add(x, f32x4.splat(1)));
  const factor = i32x4.sub(i32x4.splat(ONE), i32x4.shl(k, 23));
  const f = f32x4.add(f32x4.mul(x, factor), f32x4.sub(factor, f32x4.splat(1)));
  return sumOfLogs(f32x4.convert_i32x4_s(k), f);
}

export function log1p(x: v128): v128 {
  const within = v128.and(f32x4.gt(x, f32x4.splat(-1)), f32x4.lt(x, f32x4.splat(1e18)));
  const y = withSign(log1pWithin(x), x);
  return i32x4.all_true(within) ? y : v128.bitselect(y, logOfAny(f32x4.add(x, f32x4.splat(1))), within);
}

/** `max(x, 0) + log(1 + e^-|x|)`. */
export function softplus(x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), log1pWithin(exp(f32x4.neg(f32x4.abs(x)))));
}

/** From here on the inverse hyperbolic sine and cosine are those of `log(2 x)`. */
const FAR: f32 = 1e9;

/** `log(1 + a + a^2 / (1 + sqrt(a^2 + 1)))` with `a = |x|`. */
export function asinh(x: v128): v128 {
  const a = f32x4.abs(x);
  const square = f32x4.mul(a, a);
  const one = f32x4.splat(1);
  const near = f32x4.add(a, f32x4.div(square, f32x4.add(one, f32x4.sqrt(f32x4.add(square, one)))));
  return withSign(log1pOrLogOfTwice(near, a), x);
}

/** `log(1 + y + sqrt(y) sqrt(y + 2))` with `y = x - 1`. */
export function acosh(x: v128): v128 {
  const y = f32x4.sub(x, f32x4.splat(1));
  return log1pOrLogOfTwice(f32x4.add(y, f32x4.mul(f32x4.sqrt(y), f32x4.sqrt(f32x4.add(y, f32x4.splat(2))))), x);
}

// @ts-ignore: decorator
@inline
function log1pOrLogOfTwice(near: v128, x: v128): v128 {
  const far = f32x4.gt(x, f32x4.splat(FAR));
  return f32x4.add(log1p(v128.bitselect(x, near, far)), v128.and(f32x4.splat(LN2), far));
}

/** `log(1 + 2 a / (1 - a)) / 2` with `a = |x|`. */
export function atanh(x: v128): v128 {
  const a = f32x4.abs(x);
  const ratio = f32x4.div(f32x4.add(a, a), f32x4.sub(f32x4.splat(1), a));
  return withSign(f32x4.mul(log1p(ratio), f32x4.splat(0.5)), x);
}
