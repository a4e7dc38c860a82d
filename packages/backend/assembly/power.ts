import { demote, promoteHigh, SIGN } from './lanes';

const ONE: u64 = 0x3ff0000000000000;
/** The bits of the root of 1/2. */
const ROOT_HALF: u64 = 0x3fe6a09e667f3bcd;
/** An integer below 2^52 or'ed into the low bits of this adds itself. */
const INTEGER: f64 = 4503599627370496;
/** Added to a number, this leaves its nearest integer in the low bits; without it again, as a number. */
const ROUND: f64 = 6755399441055744;

// log2((1 + s) / (1 - s)) = s L(s^2), with the least maximum of the relative error for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1): 2^-37.8.
const L0: f64 = 2.885390081790203;
const L1: f64 = 0.9617966731998001;
const L2: f64 = 0.5770836116087653;
const L3: f64 = 0.4116711334894721;
const L4: f64 = 0.3407593693970393;

// 2^r = E(r), with the least maximum of the relative error for |r| <= 1/2: 2^-34.5.
const E0: f64 = 0.9999999999616217;
const E1: f64 = 0.693147182064481;
const E2: f64 = 0.24022651203254733;
const E3: f64 = 0.05550405996486847;
const E4: f64 = 0.009618026416006424;
const E5: f64 = 0.0013337449051474737;
const E6: f64 = 0.00015469565755427036;
const E7: f64 = 0.000014389568805766038;

// @ts-ignore: decorator
@inline
function horner(sum: v128, x: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(sum, x), f64x2.splat(c));
}

/** The logarithm of a float32 number, not negative, in float64: `k + log2(m)`, m between the roots of 1/2 and 2. */
// @ts-ignore: decorator
@inline
function log2(a: v128): v128 {
  const shifted = i64x2.add(a, i64x2.splat(ONE - ROOT_HALF));
  const biased = v128.or(i64x2.shr_u(shifted, 52), f64x2.splat(INTEGER));
  const k = f64x2.sub(biased, f64x2.splat(INTEGER + 1023));
  const m = i64x2.add(v128.and(shifted, i64x2.splat(0x000fffffffffffff)), i64x2.splat(ROOT_HALF));
  const s = f64x2.div(f64x2.sub(m, f64x2.splat(1)), f64x2.add(m, f64x2.splat(1)));
  const z = f64x2.mul(s, s);
  const series = horner(horner(horner(horner(f64x2.splat(L4), z, L3), z, L2), z, L1), z, L0);
  const y = f64x2.add(k, f64x2.mul(s, series));
  const zero = f64x2.eq(a, f64x2.splat(0));
  const finite = f64x2.lt(a, f64x2.splat(f64.POSITIVE_INFINITY));
  return v128.bitselect(v128.bitselect(f64x2.splat(-f64.POSITIVE_INFINITY), y, zero), a, finite);
}

/** 2^x; beyond the bounds, it is 0 or infinite as float32. */
// @ts-ignore: decorator
@inline
function exp2(x: v128): v128 {
  x = f64x2.pmax(f64x2.pmin(x, f64x2.splat(200)), f64x2.splat(-200));
  const rounded = f64x2.add(x, f64x2.splat(ROUND));
  const r = f64x2.sub(x, f64x2.sub(rounded, f64x2.splat(ROUND)));
  let power = horner(f64x2.splat(E7), r, E6);
  power = horner(power, r, E5);
  power = horner(power, r, E4);
  power = horner(power, r, E3);
  power = horner(power, r, E2);
  power = horner(power, r, E1);
  power = horner(power, r, E0);
  return f64x2.mul(power, i64x2.add(i64x2.shl(rounded, 52), i64x2.splat(ONE)));
}

/** `2^(y log2(x))` in float64, with the special cases of JavaScript's `x ** y`. */
export function pow(x: v128, y: v128): v128 {
  const a = f32x4.abs(x);
  const low = exp2(f64x2.mul(f64x2.promote_low_f32x4(y), log2(f64x2.promote_low_f32x4(a))));
  const high = exp2(f64x2.mul(promoteHigh(y), log2(promoteHigh(a))));
  let power = demote(low, high);
  power = v128.bitselect(f32x4.splat(1), power, f32x4.eq(y, f32x4.splat(0)));
  return v128.any_true(v128.and(x, i32x4.splat(SIGN))) ? ofSigned(x, y, power) : power;
}

/** An odd power has the sign of x; a negative number has powers with integer exponents, to which the infinite ones belong. */
function ofSigned(x: v128, y: v128, power: v128): v128 {
  const half = f32x4.mul(y, f32x4.splat(0.5));
  const integer = f32x4.eq(f32x4.trunc(y), y);
  const odd = v128.and(integer, f32x4.ne(f32x4.trunc(half), half));
  const signed = v128.xor(power, v128.and(v128.and(x, i32x4.splat(SIGN)), odd));
  const negative = v128.and(f32x4.lt(x, f32x4.splat(0)), f32x4.gt(x, f32x4.splat(-f32.POSITIVE_INFINITY)));
  return v128.bitselect(f32x4.splat(f32.NaN), signed, v128.andnot(negative, integer));
}
