/** Copies of elements that lie at regular places. */
import { transpose } from './transpose';

/** Bytes of an axis in the description of a view: its length, and how far apart, in bytes, its elements lie here and there. */
const AXIS: usize = 12;

// @ts-ignore: decorator
@inline
function sizeOf(axis: usize): i32 {
  return load<i32>(axis);
}
// @ts-ignore: decorator
@inline
function stepFrom(axis: usize): usize {
  return load<i32>(axis, 4);
}
// @ts-ignore: decorator
@inline
function stepOut(axis: usize): usize {
  return load<i32>(axis, 8);
}

/** Copies elements of `bytes`, 1 or 4, along `rank` axes, at least two of them, of which the last lies side by side in `out`. */
export function copyView(out: usize, from: usize, axes: usize, rank: i32, bytes: i32): void {
  if (rank == 2) {
    if (bytes == 4) copyPlane(out, from, axes, axes + AXIS);
    else copyBytes(out, from, axes, axes + AXIS);
    return;
  }
  for (let i = sizeOf(axes); i > 0; i--) {
    copyView(out, from, axes + AXIS, rank - 1, bytes);
    out += stepOut(axes);
    from += stepFrom(axes);
  }
}

function copyPlane(out: usize, from: usize, outer: usize, inner: usize): void {
  const count = sizeOf(inner);
  if (stepFrom(outer) == 4 && stepFrom(inner) != 4 && stepFrom(inner) != 0) {
    transpose(out, stepOut(outer), from, stepFrom(inner), count, sizeOf(outer));
    return;
  }
  for (let i = sizeOf(outer); i > 0; i--) {
    if (stepFrom(inner) == 4) copyRow(out, from, count);
    else if (stepFrom(inner) == 0) fillRow(out, from, count);
    else gatherRow(out, from, stepFrom(inner), count);
    out += stepOut(outer);
    from += stepFrom(outer);
  }
}

/** `count` elements side by side. */
export function copyRow(out: usize, from: usize, count: i32): void {
  const end = out + (<usize>count << 2);
  for (; out + 16 <= end; out += 16, from += 16) v128.store(out, v128.load(from));
  for (; out < end; out += 4, from += 4) store<i32>(out, load<i32>(from));
}

function fillRow(out: usize, from: usize, count: i32): void {
  fill(out, load<i32>(from), count);
}

/** Sets `count` elements to the same 32 bits. */
export function fill(out: usize, bits: i32, count: i32): void {
  const end = out + (<usize>count << 2);
  const value = i32x4.splat(bits);
  for (; out + 16 <= end; out += 16) v128.store(out, value);
  for (; out < end; out += 4) store<i32>(out, bits);
}

function gatherRow(out: usize, from: usize, step: usize, count: i32): void {
  const end = out + (<usize>count << 2);
  for (; out < end; out += 4, from += step) store<i32>(out, load<i32>(from));
}

function copyBytes(out: usize, from: usize, outer: usize, inner: usize): void {
  for (let i = sizeOf(outer); i > 0; i--) {
    let x = from;
    const end = out + sizeOf(inner);
    for (let y = out; y < end; y++, x += stepFrom(inner)) store<u8>(y, load<u8>(x));
    out += stepOut(outer);
    from += stepFrom(outer);
  }
}

/** Copies `count` rows of `bytes`, which lie side by side in `from` and `row` bytes apart in `out`. */
export function copyRows(out: usize, row: usize, from: usize, count: i32, bytes: i32): void {
  for (; count > 0; count--) {
    if (bytes & 3) memory.copy(out, from, bytes);
    else copyRow(out, from, bytes >> 2);
    out += row;
    from += bytes;
  }
}
