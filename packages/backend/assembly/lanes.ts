/** What functions of four float32 numbers are made of. */

export const SIGN: i32 = 0x80000000;
/** The bits of 1. */
export const ONE: i32 = 0x3f800000;
/** Added to a number below 2^22 by magnitude, this leaves its nearest integer in the low bits; without it again, as a number. */
export const ROUND: f32 = 12582912;

/** The next step of Horner's rule: `sum x + c`. */
// @ts-ignore: decorator
@inline
export function horner(sum: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(sum, x), f32x4.splat(c));
}

/** A magnitude with the sign of x, or NaN. */
// @ts-ignore: decorator
@inline
export function withSign(magnitude: v128, x: v128): v128 {
  return v128.or(magnitude, v128.and(x, i32x4.splat(SIGN)));
}

/** The last two of four numbers, as float64. */
// @ts-ignore: decorator
@inline
export function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
}

/** Two pairs of float64 as four float32. */
// @ts-ignore: decorator
@inline
export function demote(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}
