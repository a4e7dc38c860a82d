/**
 * Kernels of pools that compute in JavaScript, for the devices whose memory the host reads at once. tfjs has no kernel for most of them,
 * and those it has are slower, or find no negative maximum.
 */
import { pooledShape, type Windows, windowsOf } from './kernels-pooling.ts';
import { type HostKernel, registerOnHost } from './on-host.ts';
import { type Attributes, sizeOf } from './program.ts';

export function registerHostPools(device: 'cpu' | 'wasm'): void {
  registerOnHost(device, kernels);
}

const kernels: { readonly [kernel: string]: HostKernel } = {
  MaxPoolArgmax: {
    names: ['x'],
    compute([values], [shape], attributes) {
      const pooled = pooledShape(shape!, attributes);
      const places = new Int32Array(sizeOf(pooled));
      const [, height, width, channels] = shape as [number, number, number, number];
      eachWindow(shape!, pooled, attributes, (image, top, bottom, left, right, output) => {
        const start = image * height * width * channels;
        const first = (top * width + left) * channels;
        for (let channel = 0; channel < channels; channel++) places[output + channel] = first + channel;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            const pixel = (y * width + x) * channels;
            for (let channel = 0; channel < channels; channel++) {
              const best = values![start + places[output + channel]!]!;
              const value = values![start + pixel + channel]!;
              if (value > best || Number.isNaN(value)) places[output + channel] = pixel + channel;
            }
          }
        }
      });
      return { shape: pooled, values: places };
    },
  },

  AvgPoolTranspose: {
    names: ['dy'],
    compute([dy], [pooled], attributes) {
      const [batch, , , channels] = pooled as [number, number, number, number];
      const [height, width] = attributes['size'] as readonly [number, number];
      const shape = [batch, height, width, channels];
      const sums = new Float32Array(sizeOf(shape));
      eachWindow(shape, pooled!, attributes, (image, top, bottom, left, right, output) => {
        const part = 1 / ((bottom - top) * (right - left));
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            const pixel = ((image * height + y) * width + x) * channels;
            for (let channel = 0; channel < channels; channel++)
              sums[pixel + channel]! += part * dy![output + channel]!;
          }
        }
      });
      return { shape, values: sums };
    },
  },

  GatherEach: {
    names: ['x', 'places'],
    compute([x, places], [shape, placesShape]) {
      const [size, count] = [sizeOf(shape!.slice(1)), sizeOf(placesShape!.slice(1))];
      const values = new Float32Array(places!.length);
      for (let i = 0; i < values.length; i++) values[i] = x![Math.floor(i / count) * size + places![i]!]!;
      return { shape: [...placesShape!], values };
    },
  },

  ScatterEach: {
    names: ['updates', 'places'],
    compute([updates, places], [, placesShape], attributes) {
      const shape = [placesShape![0]!, ...(attributes['shape'] as readonly number[])];
      const [size, count] = [sizeOf(shape.slice(1)), sizeOf(placesShape!.slice(1))];
      const sums = new Float32Array(sizeOf(shape));
      for (let i = 0; i < places!.length; i++) sums[Math.floor(i / count) * size + places![i]!]! += updates![i]!;
      return { shape, values: sums };
    },
  },
};

/** Calls `visit` for the part of each window that is inside of the image; `output` is where its first channel goes. */
function eachWindow(
  [batch, height, width]: readonly number[],
  [, rows, columns, channels]: readonly number[],
  attributes: Attributes,
  visit: (image: number, top: number, bottom: number, left: number, right: number, output: number) => void,
): void {
  const [down, across] = windowsOf(attributes) as [Windows, Windows];
  let output = 0;
  for (let image = 0; image < batch!; image++) {
    for (let row = 0; row < rows!; row++) {
      const top = row * down.stride - down.before;
      for (let column = 0; column < columns!; column++) {
        const left = column * across.stride - across.before;
        visit(
          image,
          Math.max(0, top),
          Math.min(height!, top + down.size),
          Math.max(0, left),
          Math.min(width!, left + across.size),
          output,
        );
        output += channels!;
      }
    }
  }
}
