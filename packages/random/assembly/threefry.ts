/** Threefry-2x32 with 20 rounds, as in `src/threefry.ts`. */

const PARITY: i32 = 0x1bd11bda;

// @ts-ignore: decorator
@inline
function round(x0: v128, x1: v128, rotation: i32): v128 {
  return v128.xor(v128.or(i32x4.shl(x1, rotation), i32x4.shr_u(x1, 32 - rotation)), x0);
}

/** The bits of the elements `counter` of four lanes. */
// @ts-ignore: decorator
@inline
export function bitsOf(counter: v128, k0: v128, k1: v128, k2: v128): v128 {
  let x0 = k0;
  let x1 = i32x4.add(counter, k1);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 13);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 15);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 26);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 6);
  x0 = i32x4.add(x0, k1); x1 = i32x4.add(i32x4.add(x1, k2), i32x4.splat(1));
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 17);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 29);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 16);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 24);
  x0 = i32x4.add(x0, k2); x1 = i32x4.add(i32x4.add(x1, k0), i32x4.splat(2));
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 13);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 15);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 26);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 6);
  x0 = i32x4.add(x0, k0); x1 = i32x4.add(i32x4.add(x1, k1), i32x4.splat(3));
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 17);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 29);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 16);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 24);
  x0 = i32x4.add(x0, k1); x1 = i32x4.add(i32x4.add(x1, k2), i32x4.splat(4));
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 13);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 15);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 26);
  x0 = i32x4.add(x0, x1); x1 = round(x0, x1, 6);
  return v128.xor(i32x4.add(x0, k2), i32x4.add(i32x4.add(x1, k0), i32x4.splat(5)));
}

/** Sets the 32 random bits of elements 0 to `size` of a key. */
export function fillBits(out: usize, size: i32, key0: i32, key1: i32): void {
  const k0 = i32x4.splat(key0);
  const k1 = i32x4.splat(key1);
  const k2 = i32x4.splat(key0 ^ key1 ^ PARITY);
  let counter = i32x4(0, 1, 2, 3);
  const end = out + (<usize>size << 2);
  for (; out + 16 <= end; out += 16) {
    v128.store(out, bitsOf(counter, k0, k1, k2));
    counter = i32x4.add(counter, i32x4.splat(4));
  }
  let rest = bitsOf(counter, k0, k1, k2);
  for (; out < end; out += 4) {
    store<i32>(out, i32x4.extract_lane(rest, 0));
    rest = v128.shuffle<i32>(rest, rest, 1, 2, 3, 0);
  }
}
