import { horner, withSign } from './lanes';

/** What pi and its half lack in float32. */
const PI: f32 = 3.1415927410125732;
const PI_LOW: f32 = -8.742278e-8;
const HALF_PI: f32 = 1.5707963705062866;
const HALF_PI_LOW: f32 = -4.371139e-8;

// atan(t) = t + t^3 T(t^2), with the least maximum of the relative error for |t| <= 1: 2^-28.5.
const T0: f32 = -0.333333;
const T1: f32 = 0.1999853;
const T2: f32 = -0.14264014;
const T3: f32 = 0.10950861;
const T4: f32 = -0.08399208;
const T5: f32 = 0.05787887;
const T6: f32 = -0.031093534;
const T7: f32 = 0.010866272;
const T8: f32 = -0.0017821451;

// asin(s) = s + s^3 A(s^2), with the least maximum of the relative error for |s| <= 1/2: 2^-27.6.
const A0: f32 = 0.16666752;
const A1: f32 = 0.074953064;
const A2: f32 = 0.045469772;
const A3: f32 = 0.024180774;
const A4: f32 = 0.042166412;

/** For t from 0 to 1. */
// @ts-ignore: decorator
@inline
function arctangent(t: v128): v128 {
  const z = f32x4.mul(t, t);
  let series = horner(f32x4.splat(T8), z, T7);
  series = horner(series, z, T6);
  series = horner(series, z, T5);
  series = horner(series, z, T4);
  series = horner(series, z, T3);
  series = horner(series, z, T2);
  series = horner(series, z, T1);
  series = horner(series, z, T0);
  return f32x4.add(t, f32x4.mul(f32x4.mul(t, z), series));
}

/** `angle - x`. */
// @ts-ignore: decorator
@inline
function less(x: v128, angle: f32, low: f32): v128 {
  return f32x4.sub(f32x4.splat(angle), f32x4.sub(x, f32x4.splat(low)));
}

export function atan(x: v128): v128 {
  const a = f32x4.abs(x);
  const inverse = f32x4.div(f32x4.splat(1), a);
  const y = arctangent(f32x4.pmin(a, inverse));
  return withSign(v128.bitselect(less(y, HALF_PI, HALF_PI_LOW), y, f32x4.gt(a, f32x4.splat(1))), x);
}

/** The angle of the point (x, y). Where both are zero or both infinite, their ratio is 0 or 1. */
export function atan2(y: v128, x: v128): v128 {
  const a = f32x4.abs(x);
  const b = f32x4.abs(y);
  const largest = f32x4.max(a, b);
  const smallest = f32x4.min(a, b);
  const one = v128.and(f32x4.splat(1), f32x4.gt(a, f32x4.splat(0)));
  let angle = arctangent(v128.bitselect(one, f32x4.div(smallest, largest), f32x4.eq(a, b)));
  angle = v128.bitselect(less(angle, HALF_PI, HALF_PI_LOW), angle, f32x4.gt(b, a));
  return withSign(v128.bitselect(less(angle, PI, PI_LOW), angle, i32x4.shr_s(x, 31)), y);
}

/** The arcsine of a up to 1/2; above, half the arccosine, `asin(sqrt((1 - a) / 2))`. */
// @ts-ignore: decorator
@inline
function arcsine(a: v128, far: v128): v128 {
  const z = v128.bitselect(f32x4.mul(f32x4.sub(f32x4.splat(1), a), f32x4.splat(0.5)), f32x4.mul(a, a), far);
  const s = v128.bitselect(f32x4.sqrt(z), a, far);
  let series = horner(f32x4.splat(A4), z, A3);
  series = horner(series, z, A2);
  series = horner(series, z, A1);
  series = horner(series, z, A0);
  return f32x4.add(s, f32x4.mul(f32x4.mul(s, z), series));
}

export function asin(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, f32x4.splat(0.5));
  const y = arcsine(a, far);
  return withSign(v128.bitselect(less(f32x4.add(y, y), HALF_PI, HALF_PI_LOW), y, far), x);
}

export function acos(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, f32x4.splat(0.5));
  const y = arcsine(a, far);
  const twice = f32x4.add(y, y);
  const ofFar = v128.bitselect(less(twice, PI, PI_LOW), twice, i32x4.shr_s(x, 31));
  return v128.bitselect(ofFar, less(withSign(y, x), HALF_PI, HALF_PI_LOW), far);
}
