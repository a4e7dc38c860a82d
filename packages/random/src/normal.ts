/**
 * Random bits as standard normal numbers, in float32.
 *
 * As in `jax.random.normal`, the upper 23 bits `k` make `u = (4 k + 1 - 2^24) / 2^24` in (-1, 1) and the result is
 * `sqrt(2) erfinv(u)`. Every operation is an addition, subtraction, product, quotient or square root rounded to float32 (`Math.fround`),
 * or exact; nothing depends on the engine's library of functions, so the same bits come out everywhere, and a kernel in any language that
 * follows the sequence below in IEEE float32 gives the same bits too:
 *
 *     x = u                                      exact: m 2^-24 with the integer m = 4 k + 1 - 2^24
 *     t = x x
 *     if t <= 3/4:                               (87 % of the draws)
 *       r = 3/4 - t
 *       n = (N3 r + N2) (r r) + (N1 r + N0)
 *       d = (r + D2) (r r) + (D1 r + D0)
 *       result = (n / d) x
 *     else:
 *       v = 2^24 - t 2^24                        an exact integer in [2, 2^22]; t keeps its rounding, as in JAX
 *       z = number of leading zeros of v in 32 bits;  q = v << (z - 8)        in [2^23, 2^24)
 *       s = (q - C) / ((q + C) with the lowest bit cleared)                   C = sqrt(2) 2^23; both integers are exact in float32
 *       w = (z - 7.5) LN2 - s (((L1 (s s) + L0) (s s)) + 2)                   = -log(1 - t)
 *       y = sqrt(w) - R;  y2 = y y;  y4 = y2 y2
 *       low = (T3 y + T2) y2 + (T1 y + T0)
 *       middle = (T7 y + T6) y2 + (T5 y + T4)
 *       result = sign(x) ((T8 y4 + middle) y4 + low)
 *
 * with each sum and product rounded on its own (no fused multiply-add); polynomials are split in halves that do not wait for each other.
 * The coefficients are minimax fits of `sqrt(2) erfinv(x) / x` in r (error 8e-8), of `sqrt(2) erfinv(x)` in y (4.4e-7) and of the logarithm
 * (6e-10), all made for this file. Over all 2^23 values of k the result is increasing in k, within 8.1e-7 relative of JAX's on its CPU, and
 * within 6.2e-6 of the exact function: the latter is the rounding of t near 1, which JAX has as well.
 */

const { fround, sqrt, clz32 } = Math;

const N0 = fround(1.3372622);
const N1 = fround(5.4147096);
const N2 = fround(4.585684);
const N3 = fround(0.4471832);
const D0 = fround(0.77278435);
const D1 = fround(3.7608292);
const D2 = fround(4.445441);

const C = 11863283;
const LN2 = fround(Math.LN2);
const L0 = fround(0.6665219);
const L1 = fround(0.4135291);

const R = fround(1.17741);
const T0 = fround(1.4986103);
const T1 = fround(1.3094424);
const T2 = fround(0.04177651);
const T3 = fround(0.0059078103);
const T4 = fround(-0.0061671506);
const T5 = fround(-0.0008380569);
const T6 = fround(0.0015045354);
const T7 = fround(-0.00043122578);
const T8 = fround(0.000041262178);

/** The coefficients of the sequence above, as float32 numbers, for kernels in other languages. */
export const normalCoefficients: {
  readonly [name in
    | 'N0'
    | 'N1'
    | 'N2'
    | 'N3'
    | 'D0'
    | 'D1'
    | 'D2'
    | 'C'
    | 'LN2'
    | 'L0'
    | 'L1'
    | 'R'
    | 'T0'
    | 'T1'
    | 'T2'
    | 'T3'
    | 'T4'
    | 'T5'
    | 'T6'
    | 'T7'
    | 'T8']: number;
} = { N0, N1, N2, N3, D0, D1, D2, C, LN2, L0, L1, R, T0, T1, T2, T3, T4, T5, T6, T7, T8 };

/** Sets `out[i]` to the standard normal number of `bits[i]`. Both may lie in the same memory. */
export function fillNormal(out: Float32Array, bits: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = normalOfBits(bits[i]!);
}

/** The standard normal number that 32 random bits stand for; the lower 9 bits are not used. */
export function normalOfBits(bits: number): number {
  const m = (((bits >>> 9) << 2) - 16777215) | 0;
  const x = m * 2 ** -24;
  const t = fround(x * x);
  if (t <= 0.75) {
    const r = fround(0.75 - t);
    const r2 = fround(r * r);
    const n = fround(fround(fround(fround(N3 * r) + N2) * r2) + fround(fround(N1 * r) + N0));
    const d = fround(fround(fround(r + D2) * r2) + fround(fround(D1 * r) + D0));
    return fround(fround(n / d) * x);
  }
  const y = fround(fround(sqrt(minusLog(16777216 - t * 16777216))) - R);
  const y2 = fround(y * y);
  const y4 = fround(y2 * y2);
  const low = fround(fround(fround(fround(T3 * y) + T2) * y2) + fround(fround(T1 * y) + T0));
  const middle = fround(fround(fround(fround(T7 * y) + T6) * y2) + fround(fround(T5 * y) + T4));
  const tail = fround(fround(fround(fround(T8 * y4) + middle) * y4) + low);
  return m < 0 ? -tail : tail;
}

/** `-log(v / 2^24)` of an integer v in [1, 2^24). */
function minusLog(v: number): number {
  const zeros = clz32(v);
  const q = v << (zeros - 8);
  const s = fround((q - C) / ((q + C) & -2));
  const square = fround(s * s);
  const series = fround(fround(fround(fround(L1 * square) + L0) * square) + 2);
  return fround(fround((zeros - 7.5) * LN2) - fround(s * series));
}
