import { scaledExp } from './exponential';
import { horner, withSign } from './lanes';

// erf(x) = x + x N(x^2), with the least maximum of the relative error for |x| <= 1: 2^-29.4.
const N0: f32 = 0.12837917;
const N1: f32 = -0.37612626;
const N2: f32 = 0.11283579;
const N3: f32 = -0.026853347;
const N4: f32 = 0.005187162;
const N5: f32 = -0.0007997853;
const N6: f32 = 0.00007806904;

// erf(x) = 1 - exp(F(x)), with the least maximum of the relative error for x from 1 to 4: 2^-29.7.
const F0: f32 = -0.00034152647;
const F1: f32 = -1.1270891;
const F2: f32 = -0.63814497;
const F3: f32 = -0.10310659;
const F4: f32 = 0.021837965;
const F5: f32 = -0.0029476294;
const F6: f32 = 0.00018637594;

/** The error function; from 4 on it is 1. */
export function erf(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(4));
  const far = f32x4.gt(a, f32x4.splat(1));
  const z = f32x4.mul(a, a);
  let near = horner(f32x4.splat(N6), z, N5);
  near = horner(near, z, N4);
  near = horner(near, z, N3);
  near = horner(near, z, N2);
  near = horner(near, z, N1);
  near = horner(near, z, N0);
  near = f32x4.add(a, f32x4.mul(a, near));
  if (!v128.any_true(far)) return withSign(near, x);
  let exponent = horner(f32x4.splat(F6), a, F5);
  exponent = horner(exponent, a, F4);
  exponent = horner(exponent, a, F3);
  exponent = horner(exponent, a, F2);
  exponent = horner(exponent, a, F1);
  exponent = horner(exponent, a, F0);
  return withSign(v128.bitselect(f32x4.sub(f32x4.splat(1), scaledExp(exponent, 0)), near, far), x);
}
