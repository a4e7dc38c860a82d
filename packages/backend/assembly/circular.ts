/** Sines of `x = q pi / 2 + r`, where q is the nearest integer: up to sign the sine of r, or the cosine if q is odd. r is found in float64. */
import { demote, horner, promoteHigh, SIGN } from './lanes';

const QUARTERS: f64 = 0.6366197723675814;
/** pi / 2 to 30 bits, whose products with q are exact, and what it lacks. */
const QUARTER_HIGH: f64 = 1.570796325802803;
const QUARTER_LOW: f64 = 9.920935796805404e-10;
/** As `ROUND` of float32. */
const ROUND: f64 = 6755399441055744;
/** From here on x is an integer, and q too large for exact products. */
const FAR: f32 = 8388608;

// sin(r) = r + r^3 S(r^2) and cos(r) = 1 - r^2 / 2 + r^4 C(r^2), with the least maximum of the relative error for |r| <= pi / 4: 2^-27.9 and 2^-33.
const S0: f32 = -0.16666655;
const S1: f32 = 0.008332188;
const S2: f32 = -0.00019518095;
const C0: f32 = 0.041666646;
const C1: f32 = -0.001388731;
const C2: f32 = 0.000024432327;

/** q in the low bits. */
// @ts-ignore: decorator
@inline
function rounded(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, f64x2.splat(QUARTERS)), f64x2.splat(ROUND));
}

/** r. */
// @ts-ignore: decorator
@inline
function rest(x: v128, rounded: v128): v128 {
  const q = f64x2.sub(rounded, f64x2.splat(ROUND));
  return f64x2.sub(f64x2.sub(x, f64x2.mul(q, f64x2.splat(QUARTER_HIGH))), f64x2.mul(q, f64x2.splat(QUARTER_LOW)));
}

/** The sine of x and so many quarter turns; or the tangent. */
// @ts-ignore: decorator
@inline
function sineOfTurned(x: v128, turns: i32, tangent: bool): v128 {
  let low = f64x2.promote_low_f32x4(x);
  let high = promoteHigh(x);
  if (v128.any_true(f32x4.ge(f32x4.abs(x), f32x4.splat(FAR)))) {
    low = withinTurn(low);
    high = withinTurn(high);
  }
  const roundedLow = rounded(low);
  const roundedHigh = rounded(high);
  const q = i32x4.add(v128.shuffle<i32>(roundedLow, roundedHigh, 0, 2, 4, 6), i32x4.splat(turns));
  const r = demote(rest(low, roundedLow), rest(high, roundedHigh));

  const a = f32x4.abs(r);
  const z = f32x4.mul(a, a);
  const sine = f32x4.add(a, f32x4.mul(f32x4.mul(a, z), horner(horner(f32x4.splat(S2), z, S1), z, S0)));
  const series = f32x4.mul(f32x4.mul(z, z), horner(horner(f32x4.splat(C2), z, C1), z, C0));
  const cosine = f32x4.add(horner(z, f32x4.splat(-0.5), 1), series);
  const odd = i32x4.shr_s(i32x4.shl(q, 31), 31);
  const signOfSine = v128.and(r, i32x4.splat(SIGN));
  if (tangent) {
    const ratio = f32x4.div(v128.bitselect(cosine, sine, odd), v128.bitselect(sine, cosine, odd));
    return v128.xor(ratio, v128.xor(signOfSine, i32x4.shl(q, 31)));
  }
  const sign = v128.xor(v128.andnot(signOfSine, odd), v128.and(i32x4.shl(q, 30), i32x4.splat(SIGN)));
  return v128.xor(v128.bitselect(cosine, sine, odd), sign);
}

export function sin(x: v128): v128 {
  return sineOfTurned(x, 0, false);
}

export function cos(x: v128): v128 {
  return sineOfTurned(x, 1, false);
}

export function tan(x: v128): v128 {
  return sineOfTurned(x, 0, true);
}

/** Numbers that are far, without their whole turns. */
function withinTurn(x: v128): v128 {
  return f64x2(lessTurns(f64x2.extract_lane(x, 0)), lessTurns(f64x2.extract_lane(x, 1)));
}

// 1 / (2 pi), 64 bits each.
const TURN0: u64 = 0x28be60db9391054a;
const TURN1: u64 = 0x7f09d5f47d4d3770;
const TURN2: u64 = 0x36d8a5664f10e410;
const TURN3: u64 = 0x7f9458eaf7aef158;

/**
 * A number between -pi and pi that differs from x by whole turns. With `x = m 2^e`, m an integer of 24 bits, its turns are those of m times
 * `2^e / (2 pi)`, of which the integer part is left out.
 */
function lessTurns(x: f64): f64 {
  if (!(abs(x) >= FAR)) return x;
  const bits = reinterpret<u64>(x);
  const exponent = <i32>((bits >> 52) & 0x7ff) - 1023;
  if (exponent > 127) return f64.NaN;
  const m = ((bits >> 29) & 0x7fffff) | 0x800000;
  const e = exponent - 23;
  const far = e >= 64;
  const first = bitsFrom(far ? TURN1 : TURN0, far ? TURN2 : TURN1, e & 63);
  const second = bitsFrom(far ? TURN2 : TURN1, far ? TURN3 : TURN2, e & 63);
  const turns = m * first + ((m * (second >> 32)) >> 32);
  return copysign<f64>(1, x) * <f64>(<i64>turns) * (6.283185307179586 / 18446744073709551616.0);
}

/** 64 of 128 bits. */
// @ts-ignore: decorator
@inline
function bitsFrom(first: u64, second: u64, start: i32): u64 {
  return (first << start) | ((second >> 1) >> (63 - start));
}
