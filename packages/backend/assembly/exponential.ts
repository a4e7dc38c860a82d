/**
 * `e^x = 2^k e^r`, where k is the integer next to `x / ln 2` and r the rest, at most `ln(2) / 2` by magnitude. Near zero nothing is lost: what
 * is computed is `e^r - 1`.
 */
import { horner, ONE, ROUND, withSign } from './lanes';

const LOG2_E: f32 = 1.4426950408889634;
/** ln 2 to 15 bits, whose products with k are exact, and what it lacks. */
export const LN2_HIGH: f32 = 0.693145751953125;
export const LN2_LOW: f32 = 1.4286068203094173e-6;

// e^r - 1 = r + r^2 q(r), with the least maximum of the relative error for |r| <= ln(2) / 2: 2^-28.2.
const Q0: f32 = 0.5;
const Q1: f32 = 0.16666636;
const Q2: f32 = 0.04166651;
const Q3: f32 = 0.008341511;
const Q4: f32 = 0.0013930545;
const Q5: f32 = 0.00015045209;

// tanh(a) = a + a^3 T(a^2), with the least maximum of the relative error for |a| <= 0.55: 2^-29.7.
const T0: f32 = -0.33333316;
const T1: f32 = 0.13332544;
const T2: f32 = -0.053847548;
const T3: f32 = 0.021050714;
const T4: f32 = -0.006242849;

/** k in the low bits. */
// @ts-ignore: decorator
@inline
function roundedLog2(x: v128): v128 {
  return horner(x, f32x4.splat(LOG2_E), ROUND);
}

/** `e^r - 1`, of the x that `rounded` comes from. */
// @ts-ignore: decorator
@inline
function growth(x: v128, rounded: v128): v128 {
  const k = f32x4.sub(rounded, f32x4.splat(ROUND));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(k, f32x4.splat(LN2_HIGH))), f32x4.mul(k, f32x4.splat(LN2_LOW)));
  const square = f32x4.mul(r, r);
  const low = horner(f32x4.splat(Q1), r, Q0);
  const middle = horner(f32x4.splat(Q3), r, Q2);
  const high = horner(f32x4.splat(Q5), r, Q4);
  const q = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(high, square), middle), square), low);
  return f32x4.add(r, f32x4.mul(square, q));
}

/** `2^(k - less)`, for a power with bits of its own: above 2^-127 and below 2^128. */
// @ts-ignore: decorator
@inline
function powerOfTwo(rounded: v128, less: i32): v128 {
  return i32x4.add(i32x4.shl(rounded, 23), i32x4.splat(ONE - (less << 23)));
}

/** `e^x / 2^less`, where that has bits of its own. */
// @ts-ignore: decorator
@inline
export function scaledExp(x: v128, less: i32): v128 {
  const rounded = roundedLog2(x);
  return f32x4.mul(f32x4.add(growth(x, rounded), f32x4.splat(1)), powerOfTwo(rounded, less));
}

// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const far = f32x4.gt(f32x4.abs(x), f32x4.splat(87));
  return v128.any_true(far) ? expOfAny(x) : scaledExp(x, 0);
}

/** Beyond the bounds, the power is 0 or infinite. Its two factors are `2^floor(k / 2)` and the rest, as `2^k` may be out of range. */
function expOfAny(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-104));
  const rounded = roundedLog2(x);
  const power = f32x4.add(growth(x, rounded), f32x4.splat(1));
  const k = i32x4.shl(rounded, 23);
  const half = v128.and(i32x4.shr_s(k, 1), i32x4.splat(0xff800000));
  const one = i32x4.splat(ONE);
  return f32x4.mul(f32x4.mul(power, i32x4.add(half, one)), i32x4.add(i32x4.sub(k, half), one));
}

/** `(e^x - 1) / 4`, as `2^(k - 2) (e^r - 1) + (2^(k - 2) - 1 / 4)`, which is finite where `(e^x - 1) / 2` is. */
// @ts-ignore: decorator
@inline
function quarterOfExpm1(x: v128): v128 {
  const rounded = roundedLog2(x);
  const factor = powerOfTwo(rounded, 2);
  return f32x4.add(f32x4.mul(growth(x, rounded), factor), f32x4.sub(factor, f32x4.splat(0.25)));
}

/** y, but x where that is so small that nothing else is left of y: what was scaled has too few digits there. */
// @ts-ignore: decorator
@inline
function unlessTiny(x: v128, y: v128): v128 {
  return v128.bitselect(x, y, f32x4.lt(f32x4.abs(x), f32x4.splat(1e-8)));
}

export function expm1(x: v128): v128 {
  const quarter = quarterOfExpm1(f32x4.pmax(f32x4.pmin(x, f32x4.splat(89.5)), f32x4.splat(-20)));
  return unlessTiny(x, f32x4.mul(quarter, f32x4.splat(4)));
}

/** `1 - 2 / (1 + e^(2 |x|))`, and near zero, where that has few digits, by a polynomial. */
export function tanh(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(10));
  const power = scaledExp(f32x4.add(a, a), 0);
  const far = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(power, f32x4.splat(1))));
  const z = f32x4.mul(a, a);
  let series = horner(f32x4.splat(T4), z, T3);
  series = horner(series, z, T2);
  series = horner(series, z, T1);
  series = horner(series, z, T0);
  const near = f32x4.add(a, f32x4.mul(f32x4.mul(a, z), series));
  return withSign(v128.bitselect(near, far, f32x4.lt(a, f32x4.splat(0.55))), x);
}

/** `2 (t + t / (4 t + 1))` with `t = (e^|x| - 1) / 4`. */
export function sinh(x: v128): v128 {
  const t = quarterOfExpm1(f32x4.pmin(f32x4.abs(x), f32x4.splat(89.5)));
  const half = f32x4.add(t, f32x4.div(t, horner(t, f32x4.splat(4), 1)));
  return unlessTiny(x, withSign(f32x4.mul(half, f32x4.splat(2)), x));
}

/** `h + 1 / (4 h)` with `h = e^|x| / 2`. */
export function cosh(x: v128): v128 {
  const quarter = scaledExp(f32x4.pmin(f32x4.abs(x), f32x4.splat(89.5)), 2);
  const half = f32x4.add(quarter, quarter);
  return f32x4.add(half, f32x4.div(f32x4.splat(0.25), half));
}

/** `1 / (1 + e^-x)`, or `e^x / (1 + e^x)` for negative x, which underflows only where the value does. */
export function sigmoid(x: v128): v128 {
  const power = exp(f32x4.neg(f32x4.abs(x)));
  const one = f32x4.splat(1);
  return f32x4.div(v128.bitselect(power, one, i32x4.shr_s(x, 31)), f32x4.add(one, power));
}
