/** The loops over the elements of draws and over keys. */
import { BOTH, FIRST, NEXT, SECOND, block, parityOf } from './threefry';
import { normalOf } from './normal';

const BITS = 0;
const UNIFORM = 1;
const NORMAL = 2;

/** What is drawn by four elements' bits. */
// @ts-ignore: decorator
@inline
function drawnBy(bits: v128, kind: i32): v128 {
  if (kind == NORMAL) return normalOf(bits);
  if (kind == UNIFORM) return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(bits, 9)), f32x4.splat(1.1920928955078125e-7));
  return bits;
}

/** Sets the numbers from `out` to `end` to random bits. */
// @ts-ignore: decorator
@inline
function fillRow(out: usize, end: usize, k0: v128, k1: v128): void {
  const k2 = parityOf(k0, k1);
  let counter = i32x4(0, 1, 2, 3);
  for (; out + 32 <= end; out += 32) {
    block(counter, k0, k1, k2, NEXT, out);
    counter = i32x4.add(counter, i32x4.splat(8));
  }
  for (; out < end; out += 16) {
    const bits = block(counter, k0, k1, k2, BOTH);
    if (out + 16 <= end) v128.store(out, bits);
    else storeSome(out, bits, end);
    counter = i32x4.add(counter, i32x4.splat(4));
  }
}

/** Stores the first lanes, up to `end`. */
function storeSome(out: usize, lanes: v128, end: usize): void {
  for (; out < end; out += 4) {
    store<i32>(out, i32x4.extract_lane(lanes, 0));
    lanes = v128.shuffle<i32>(lanes, lanes, 1, 2, 3, 0);
  }
}

/** Draws `size` elements for each of `rows` keys: bits first, so that blocks overlap in time with each other, and so do numbers. */
// @ts-ignore: decorator
@inline
function fill(out: usize, keys: usize, rows: i32, size: i32, kind: i32): void {
  for (let row = 0; row < rows; row++) {
    const end = out + (<usize>size << 2);
    fillRow(out, end, v128.load32_splat(keys), v128.load32_splat(keys, 4));
    if (kind != BITS) {
      let at = out;
      for (; at + 16 <= end; at += 16) v128.store(at, drawnBy(v128.load(at), kind));
      for (; at < end; at += 4) v128.store32_lane(at, drawnBy(v128.load32_splat(at), kind), 0);
    }
    out = end;
    keys += 8;
  }
}

/** Sets `out` `[rows, size]` to the random bits of each of the keys `[rows, 2]`. */
export function fillBits(out: usize, keys: usize, rows: i32, size: i32): void {
  fill(out, keys, rows, size, BITS);
}

/** Sets `out` `[rows, size]` to the uniform numbers of each of the keys `[rows, 2]`. */
export function fillUniform(out: usize, keys: usize, rows: i32, size: i32): void {
  fill(out, keys, rows, size, UNIFORM);
}

/** Sets `out` `[rows, size]` to the standard normal numbers of each of the keys `[rows, 2]`. */
export function fillNormal(out: usize, keys: usize, rows: i32, size: i32): void {
  fill(out, keys, rows, size, NORMAL);
}

/** Folds numbers into `keys` `[count, 2]`: one number into every key for a `stride` of 0, one into each for a `stride` of 4. */
export function fold(out: usize, keys: usize, numbers: usize, stride: usize, count: i32): void {
  if (count < 4) {
    for (let i = 0; i < count; i++) foldOne(out + (i << 3), keys + (i << 3), numbers + i * stride);
    return;
  }
  for (let i = 0; i < count; i += 4) {
    const at = min(i, count - 4);
    const counter = stride == 0 ? v128.load32_splat(numbers) : v128.load(numbers + (at << 2));
    foldFour(out + (at << 3), keys + (at << 3), counter);
  }
}

// @ts-ignore: decorator
@inline
function foldOne(out: usize, key: usize, number: usize): void {
  const k0 = v128.load32_splat(key);
  const k1 = v128.load32_splat(key, 4);
  const k2 = parityOf(k0, k1);
  const counter = v128.load32_splat(number);
  v128.store32_lane(out, block(counter, k0, k1, k2, FIRST), 0);
  v128.store32_lane(out, block(counter, k0, k1, k2, SECOND), 0, 4);
}

// @ts-ignore: decorator
@inline
function foldFour(out: usize, keys: usize, counter: v128): void {
  const pairs = v128.load(keys);
  const others = v128.load(keys, 16);
  const k0 = v128.shuffle<i32>(pairs, others, 0, 2, 4, 6);
  const k1 = v128.shuffle<i32>(pairs, others, 1, 3, 5, 7);
  const k2 = parityOf(k0, k1);
  const first = block(counter, k0, k1, k2, FIRST);
  const second = block(counter, k0, k1, k2, SECOND);
  v128.store(out, v128.shuffle<i32>(first, second, 0, 4, 1, 5));
  v128.store(out, v128.shuffle<i32>(first, second, 2, 6, 3, 7), 16);
}
