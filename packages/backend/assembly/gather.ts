/** Blocks of elements of 4 bytes that are found by indices. */
import { copyRow } from './view';

/** Which block `depth` indices name, given how many blocks apart those along each axis lie. */
// @ts-ignore: decorator
@inline
function placeOf(indices: usize, strides: usize, depth: i32): usize {
  let place: i32 = 0;
  for (let axis = 0; axis < depth; axis++) place += load<i32>(indices + (axis << 2)) * load<i32>(strides + (axis << 2));
  return place;
}

/** Which of the indices is the first that is not from 0 to `length - 1`; `count` if none is. */
export function firstOutside(indices: usize, count: i32, length: i32): i32 {
  let i = 0;
  while (i < count && load<u32>(indices + (<usize>i << 2)) < <u32>length) i++;
  return i;
}

/** Copies the blocks, of `size` elements, that `count` rows of `depth` indices name. */
export function gather(out: usize, from: usize, indices: usize, count: i32, strides: usize, depth: i32, size: i32): void {
  const bytes = <usize>size << 2;
  for (; count > 0; count--) {
    const block = from + placeOf(indices, strides, depth) * bytes;
    if (size == 1) store<i32>(out, load<i32>(block));
    else copyRow(out, block, size);
    out += bytes;
    indices += depth << 2;
  }
}

/** Sets `bytesOut` to zero, and adds blocks of float32 numbers to those that the indices name. */
export function scatter(out: usize, bytesOut: usize, updates: usize, indices: usize, count: i32, strides: usize, depth: i32, size: i32): void {
  const bytes = <usize>size << 2;
  memory.fill(out, 0, bytesOut);
  for (; count > 0; count--) {
    let to = out + placeOf(indices, strides, depth) * bytes;
    const end = to + bytes;
    for (; to + 16 <= end; to += 16, updates += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(updates)));
    for (; to < end; to += 4, updates += 4) store<f32>(to, load<f32>(to) + load<f32>(updates));
    indices += depth << 2;
  }
}

/** For each of `rows`: copies those of its `size` elements that its `count` indices name. */
export function gatherEach(out: usize, from: usize, indices: usize, rows: i32, count: i32, size: i32): void {
  for (; rows > 0; rows--) {
    for (let i = count; i > 0; i--) {
      store<i32>(out, load<i32>(from + (<usize>load<i32>(indices) << 2)));
      out += 4;
      indices += 4;
    }
    from += <usize>size << 2;
  }
}

/** For each of `rows`: sets its `size` elements to zero, and adds `count` float32 numbers to those that its indices name. */
export function scatterEach(out: usize, updates: usize, indices: usize, rows: i32, count: i32, size: i32): void {
  memory.fill(out, 0, <usize>rows * size << 2);
  for (; rows > 0; rows--) {
    for (let i = count; i > 0; i--) {
      const to = out + (<usize>load<i32>(indices) << 2);
      store<f32>(to, load<f32>(to) + load<f32>(updates));
      updates += 4;
      indices += 4;
    }
    out += <usize>size << 2;
  }
}
