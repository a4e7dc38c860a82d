/**
 * Convolutions of images, `[height, width, channels]` of float32, as products of matrices: what the windows see, one window a row, times the
 * filter. Only so many rows of windows as fit into a cache are laid out at a time. Where images have one channel, what lies side by side in
 * them are elements of neighbouring windows: windows are columns there.
 */
import { multiplyMatrices, multiplyScratch } from './product';

/** Elements that are laid out at a time, but for windows of more. */
const MOST: i32 = 65536;

/** The numbers that describe convolutions, one behind the other in memory. */
@unmanaged
class Geometry {
  /** Sets of images, each with a filter of its own, and images of each. */
  groups: i32;
  images: i32;
  height: i32;
  width: i32;
  channels: i32;
  /** Places of windows, and channels there. */
  rows: i32;
  columns: i32;
  outputs: i32;
  windowY: i32;
  windowX: i32;
  strideY: i32;
  strideX: i32;
  dilationY: i32;
  dilationX: i32;
  /** Pixels by which the first window starts before the image. */
  beforeY: i32;
  beforeX: i32;
}

// @ts-ignore: decorator
@inline
function windowSize(g: Geometry): i32 {
  return g.windowY * g.windowX * g.channels;
}

/** How many rows of windows are laid out at a time. */
function rowsAtOnce(g: Geometry): i32 {
  const most = MOST / (g.columns * windowSize(g));
  return most < 1 ? 1 : min<i32>(most, g.rows);
}

/** The bytes of scratch memory that a convolution takes. */
export function convolveScratch(g: Geometry): usize {
  return (<usize>rowsAtOnce(g) * g.columns * windowSize(g) << 2) + multiplyScratch(i32.MAX_VALUE, i32.MAX_VALUE);
}

/** Copies what `count` rows of windows from `first` on see of an image, or adds it to the image; there are zeros around images. */
function layOut(windows: usize, image: usize, g: Geometry, first: i32, count: i32, adds: bool): void {
  const pixel = <usize>g.channels << 2;
  const bytes = <usize>g.windowX * pixel;
  const size = bytes * g.windowY;
  for (let row = first; row < first + count; row++) {
    for (let i = 0; i < g.windowY; i++) {
      const y = row * g.strideY - g.beforeY + i * g.dilationY;
      const line = image + <usize>y * g.width * pixel;
      const isInside = <u32>y < <u32>g.height;
      let to = windows + <usize>i * bytes;
      let left = -g.beforeX;
      for (let column = g.columns; column > 0; column--) {
        if (isInside && g.dilationX == 1 && left >= 0 && left + g.windowX <= g.width) {
          move(to, line + <usize>left * pixel, bytes, adds);
        } else if (isInside) {
          moveInside(to, line, left, g, adds);
        } else if (!adds) {
          memory.fill(to, 0, bytes);
        }
        to += size;
        left += g.strideX;
      }
    }
    windows += size * g.columns;
  }
}

/** The same of one line of a window that is not whole, or dilated. */
function moveInside(windows: usize, line: usize, left: i32, g: Geometry, adds: bool): void {
  const pixel = <usize>g.channels << 2;
  for (let j = 0; j < g.windowX; j++) {
    const x = left + j * g.dilationX;
    if (<u32>x < <u32>g.width) move(windows, line + <usize>x * pixel, pixel, adds);
    else if (!adds) memory.fill(windows, 0, pixel);
    windows += pixel;
  }
}

/** The same of windows that are columns, of images with one channel and windows one pixel apart. */
function layOutColumns(windows: usize, image: usize, g: Geometry, first: i32, count: i32, adds: bool): void {
  const bytes = <usize>g.columns << 2;
  for (let i = 0; i < g.windowY; i++) {
    for (let j = 0; j < g.windowX; j++) {
      const shift = j * g.dilationX - g.beforeX;
      const start = min<i32>(g.columns, shift < 0 ? -shift : 0);
      const inside = min<i32>(g.columns, g.width - shift);
      const end = inside < start ? start : inside;
      for (let row = first; row < first + count; row++) {
        const y = row * g.strideY - g.beforeY + i * g.dilationY;
        const isInside = <u32>y < <u32>g.height;
        if (!adds && (!isInside || end - start < g.columns)) memory.fill(windows, 0, bytes);
        if (isInside) {
          const from = image + (<usize>(y * g.width + start + shift) << 2);
          move(windows + (<usize>start << 2), from, <usize>(end - start) << 2, adds);
        }
        windows += bytes;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function move(windows: usize, image: usize, bytes: usize, adds: bool): void {
  let at: usize = 0;
  if (adds) {
    for (; at + 16 <= bytes; at += 16) v128.store(image + at, f32x4.add(v128.load(image + at), v128.load(windows + at)));
    for (; at < bytes; at += 4) store<f32>(image + at, load<f32>(image + at) + load<f32>(windows + at));
  } else {
    for (; at + 16 <= bytes; at += 16) v128.store(windows + at, v128.load(image + at));
    for (; at < bytes; at += 4) store<f32>(windows + at, load<f32>(image + at));
  }
}

const FORWARD: i32 = 0;
const IMAGE: i32 = 1;
const FILTER: i32 = 2;

/** Computes `[...places, outputs]`, the image or the filter, whichever is `wanted`, from the other two. */
function convolve(wanted: i32, x: usize, filter: usize, y: usize, g: Geometry, windows: usize): void {
  const size = windowSize(g);
  const rows = rowsAtOnce(g);
  const inColumns = g.channels == 1 && g.strideX == 1;
  const scratch = windows + (<usize>rows * g.columns * size << 2);
  const bytesX = <usize>g.height * g.width * g.channels << 2;
  for (let group = 0; group < g.groups; group++) {
    for (let image = 0; image < g.images; image++) {
      if (wanted == IMAGE) memory.fill(x, 0, bytesX);
      for (let first = 0; first < g.rows; first += rows) {
        const count = min<i32>(rows, g.rows - first);
        const places = count * g.columns;
        if (wanted != IMAGE) {
          if (inColumns) layOutColumns(windows, x, g, first, count, false);
          else layOut(windows, x, g, first, count, false);
        }
        if (wanted == FORWARD) {
          multiplyMatrices(windows, filter, y, places, size, g.outputs, inColumns, false, false, false, scratch);
        } else if (wanted == FILTER) {
          const adds = image + first > 0;
          multiplyMatrices(windows, y, filter, size, places, g.outputs, !inColumns, false, adds, false, scratch);
        } else if (inColumns) {
          multiplyMatrices(filter, y, windows, size, g.outputs, places, false, true, false, false, scratch);
          layOutColumns(windows, x, g, first, count, true);
        } else {
          multiplyMatrices(y, filter, windows, places, g.outputs, size, false, true, false, false, scratch);
          layOut(windows, x, g, first, count, true);
        }
        y += <usize>places * g.outputs << 2;
      }
      x += bytesX;
    }
    filter += <usize>size * g.outputs << 2;
  }
}

export function convolveForward(x: usize, filter: usize, y: usize, g: Geometry, scratch: usize): void {
  convolve(FORWARD, x, filter, y, g, scratch);
}
export function convolveToImage(x: usize, filter: usize, y: usize, g: Geometry, scratch: usize): void {
  convolve(IMAGE, x, filter, y, g, scratch);
}
export function convolveToFilter(x: usize, filter: usize, y: usize, g: Geometry, scratch: usize): void {
  convolve(FILTER, x, filter, y, g, scratch);
}
