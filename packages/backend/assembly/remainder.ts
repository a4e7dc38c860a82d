import { demote, promoteHigh } from './lanes';

/** `a - q b`, where q is the first 29 bits of a / b, so that nothing is rounded in float64. */
// @ts-ignore: decorator
@inline
function reduced(a: v128, b: v128): v128 {
  const q = v128.and(f64x2.trunc(f64x2.div(a, b)), i64x2.splat(0xffffffffff000000));
  return f64x2.sub(a, f64x2.mul(q, b));
}

// @ts-ignore: decorator
@inline
function remainder(a: v128, b: v128): v128 {
  const size = f64x2.abs(b);
  let r = v128.bitselect(a, reduced(a, b), f64x2.lt(f64x2.abs(a), size));
  let left = f64x2.ge(f64x2.abs(r), size);
  while (v128.any_true(left)) {
    r = v128.bitselect(reduced(r, b), r, left);
    left = f64x2.ge(f64x2.abs(r), size);
  }
  const zero = f64x2.splat(0);
  const other = v128.xor(f64x2.lt(r, zero), f64x2.lt(b, zero));
  const nonzero = f64x2.ne(r, zero);
  const signed = f64x2.add(r, v128.and(b, v128.and(other, nonzero)));
  return v128.bitselect(signed, v128.and(b, f64x2.splat(-0.0)), nonzero);
}

/** The remainder of `floor(a / b)`, which is exact and has the sign of b; NaN where b is zero. */
export function mod(a: v128, b: v128): v128 {
  const low = remainder(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b));
  return demote(low, remainder(promoteHigh(a), promoteHigh(b)));
}
