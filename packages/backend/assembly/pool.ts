/** Pools of windows of images, `[batch, height, width, channels]` of float32. What overhangs an image is no part of a window. */

const MAXIMA: i32 = 0;
const PLACES: i32 = 1;
const MEANS: i32 = 2;
const SPREAD: i32 = 3;

/**
 * Windows of `sizeY` and `sizeX` pixels, `rows` and `columns` of them, `strideY` and `strideX` apart, of which the first starts `beforeY` and
 * `beforeX` pixels before the image. Of each it sets in `pooled` the maxima, NaN where a window holds one; or where in its image each of them
 * lies, the first of several; or the means. Or it spreads what is in `pooled`, in equal parts, over windows: the transpose of the means.
 */
export function pool(
  kind: i32, pooled: usize, images: usize, batch: i32, height: i32, width: i32, channels: i32, rows: i32, columns: i32,
  sizeY: i32, sizeX: i32, strideY: i32, strideX: i32, beforeY: i32, beforeX: i32,
): void {
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const bytes = <usize>height * line;
  if (kind == SPREAD) memory.fill(images, 0, batch * bytes);
  for (; batch > 0; batch--) {
    for (let row = 0; row < rows; row++) {
      const y = row * strideY - beforeY;
      const top = max<i32>(y, 0);
      const bottom = min<i32>(height, y + sizeY);
      for (let column = 0; column < columns; column++) {
        const x = column * strideX - beforeX;
        const left = max<i32>(x, 0);
        const right = min<i32>(width, x + sizeX);
        if (kind == PLACES) placesOfWindow(pooled, images, top, bottom, left, right, line, pixel);
        else if (kind == MAXIMA) maximaOfWindow(pooled, images, top, bottom, left, right, line, pixel);
        else if (kind == MEANS) meansOfWindow(pooled, images, top, bottom, left, right, line, pixel);
        else spreadOverWindow(pooled, images, top, bottom, left, right, line, pixel);
        pooled += pixel;
      }
    }
    images += bytes;
  }
}

function maximaOfWindow(out: usize, image: usize, top: i32, bottom: i32, left: i32, right: i32, line: usize, pixel: usize): void {
  const first = image + <usize>top * line + <usize>left * pixel;
  let channel: usize = 0;
  while (channel + 16 <= pixel) {
    let best = v128.load(first + channel);
    for (let start = first + channel, y = top; y < bottom; y++, start += line) {
      for (let p = start, x = left; x < right; x++, p += pixel) best = f32x4.max(best, v128.load(p));
    }
    v128.store(out + channel, best);
    channel = next(channel, pixel);
  }
  for (; channel < pixel; channel += 4) {
    let best = load<f32>(first + channel);
    for (let start = first + channel, y = top; y < bottom; y++, start += line) {
      for (let p = start, x = left; x < right; x++, p += pixel) best = max<f32>(best, load<f32>(p));
    }
    store<f32>(out + channel, best);
  }
}

/** The four channels after those at `channel`; the last four overlap those before. */
// @ts-ignore: decorator
@inline
function next(channel: usize, pixel: usize): usize {
  return channel + 16 < pixel && channel + 32 > pixel ? pixel - 16 : channel + 16;
}

function placesOfWindow(out: usize, image: usize, top: i32, bottom: i32, left: i32, right: i32, line: usize, pixel: usize): void {
  const first = <usize>top * line + <usize>left * pixel;
  let channel: usize = 0;
  while (channel + 16 <= pixel) {
    let place = i32x4.splat(<i32>(first + channel));
    let best = v128.load(image + first + channel);
    for (let start = first + channel, y = top; y < bottom; y++, start += line) {
      for (let p = start, x = left; x < right; x++, p += pixel) {
        const value = v128.load(image + p);
        const better = v128.or(f32x4.gt(value, best), f32x4.ne(value, value));
        best = v128.bitselect(value, best, better);
        place = v128.bitselect(i32x4.splat(<i32>p), place, better);
      }
    }
    v128.store(out + channel, i32x4.add(i32x4.shr_u(place, 2), i32x4(0, 1, 2, 3)));
    channel = next(channel, pixel);
  }
  for (; channel < pixel; channel += 4) {
    let place = first + channel;
    let best = load<f32>(image + place);
    for (let start = first + channel, y = top; y < bottom; y++, start += line) {
      for (let p = start, x = left; x < right; x++, p += pixel) {
        const value = load<f32>(image + p);
        if (value > best || value != value) {
          best = value;
          place = p;
        }
      }
    }
    store<i32>(out + channel, <i32>(place >> 2));
  }
}

function meansOfWindow(out: usize, image: usize, top: i32, bottom: i32, left: i32, right: i32, line: usize, pixel: usize): void {
  const first = image + <usize>top * line + <usize>left * pixel;
  const count = <f32>((bottom - top) * (right - left));
  let channel: usize = 0;
  while (channel + 16 <= pixel) {
    let sum = f32x4.splat(0);
    for (let start = first + channel, y = top; y < bottom; y++, start += line) {
      for (let p = start, x = left; x < right; x++, p += pixel) sum = f32x4.add(sum, v128.load(p));
    }
    v128.store(out + channel, f32x4.div(sum, f32x4.splat(count)));
    channel = next(channel, pixel);
  }
  for (; channel < pixel; channel += 4) {
    let sum: f32 = 0;
    for (let start = first + channel, y = top; y < bottom; y++, start += line) {
      for (let p = start, x = left; x < right; x++, p += pixel) sum += load<f32>(p);
    }
    store<f32>(out + channel, sum / count);
  }
}

function spreadOverWindow(from: usize, image: usize, top: i32, bottom: i32, left: i32, right: i32, line: usize, pixel: usize): void {
  const part: f32 = 1 / <f32>((bottom - top) * (right - left));
  for (let y = top; y < bottom; y++) {
    let p = image + <usize>y * line + <usize>left * pixel;
    for (let x = left; x < right; x++) {
      let channel: usize = 0;
      for (; channel + 16 <= pixel; channel += 16) {
        const share = f32x4.mul(f32x4.splat(part), v128.load(from + channel));
        v128.store(p + channel, f32x4.add(v128.load(p + channel), share));
      }
      for (; channel < pixel; channel += 4) store<f32>(p + channel, load<f32>(p + channel) + part * load<f32>(from + channel));
      p += pixel;
    }
  }
}
