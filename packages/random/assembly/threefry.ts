/** Threefry-2x32 with 20 rounds, as in `src/threefry.ts`, of four or eight counters, or four keys, at a time. */

const PARITY: i32 = 0x1bd11bda;

/** What is wanted of the two words of a block. */
export const FIRST = 1;
export const SECOND = 2;
export const BOTH = 3;
/** Both words of this block and of the next, which do not wait for each other. */
export const NEXT = 4;

// @ts-ignore: decorator
@inline
function round(x0: v128, x1: v128, rotation: i32): v128 {
  return v128.xor(v128.or(i32x4.shl(x1, rotation), i32x4.shr_u(x1, 32 - rotation)), x0);
}

/** The third word of the key schedule. */
// @ts-ignore: decorator
@inline
export function parityOf(k0: v128, k1: v128): v128 {
  return v128.xor(v128.xor(k0, k1), i32x4.splat(PARITY));
}

/**
 * Of the blocks of the counters `(0, counter)`: one word, or both words XORed; for `NEXT`, both words XORed are stored at `out`, those of the
 * next four counters behind them. What is not wanted is not computed, as the compiler sees.
 */
// @ts-ignore: decorator
@inline
export function block(counter: v128, k0: v128, k1: v128, k2: v128, wanted: i32, out: usize = 0): v128 {
  let x0 = k0;
  let x1 = i32x4.add(counter, k1);
  let y0 = k0;
  let y1 = i32x4.add(x1, i32x4.splat(4));
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 13); y1 = round(y0, y1, 13);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 15); y1 = round(y0, y1, 15);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 26); y1 = round(y0, y1, 26);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 6); y1 = round(y0, y1, 6);
  x0 = i32x4.add(x0, k1); x1 = i32x4.add(i32x4.add(x1, k2), i32x4.splat(1));
  y0 = i32x4.add(y0, k1); y1 = i32x4.add(i32x4.add(y1, k2), i32x4.splat(1));
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 17); y1 = round(y0, y1, 17);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 29); y1 = round(y0, y1, 29);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 16); y1 = round(y0, y1, 16);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 24); y1 = round(y0, y1, 24);
  x0 = i32x4.add(x0, k2); x1 = i32x4.add(i32x4.add(x1, k0), i32x4.splat(2));
  y0 = i32x4.add(y0, k2); y1 = i32x4.add(i32x4.add(y1, k0), i32x4.splat(2));
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 13); y1 = round(y0, y1, 13);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 15); y1 = round(y0, y1, 15);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 26); y1 = round(y0, y1, 26);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 6); y1 = round(y0, y1, 6);
  x0 = i32x4.add(x0, k0); x1 = i32x4.add(i32x4.add(x1, k1), i32x4.splat(3));
  y0 = i32x4.add(y0, k0); y1 = i32x4.add(i32x4.add(y1, k1), i32x4.splat(3));
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 17); y1 = round(y0, y1, 17);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 29); y1 = round(y0, y1, 29);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 16); y1 = round(y0, y1, 16);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 24); y1 = round(y0, y1, 24);
  x0 = i32x4.add(x0, k1); x1 = i32x4.add(i32x4.add(x1, k2), i32x4.splat(4));
  y0 = i32x4.add(y0, k1); y1 = i32x4.add(i32x4.add(y1, k2), i32x4.splat(4));
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 13); y1 = round(y0, y1, 13);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 15); y1 = round(y0, y1, 15);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 26); y1 = round(y0, y1, 26);
  x0 = i32x4.add(x0, x1); y0 = i32x4.add(y0, y1); x1 = round(x0, x1, 6); y1 = round(y0, y1, 6);
  x0 = i32x4.add(x0, k2); x1 = i32x4.add(i32x4.add(x1, k0), i32x4.splat(5));
  y0 = i32x4.add(y0, k2); y1 = i32x4.add(i32x4.add(y1, k0), i32x4.splat(5));
  if (wanted == FIRST) return x0;
  if (wanted == SECOND) return x1;
  const both = v128.xor(x0, x1);
  if (wanted == NEXT) {
    v128.store(out, both);
    v128.store(out, v128.xor(y0, y1), 16);
  }
  return both;
}
