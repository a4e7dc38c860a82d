/** Fourier transforms of any length in float64. tfjs has none on wasm, and on cpu slow ones. */
import { rootsOfUnity } from './kernels-fourier.ts';
import { registerOnHost } from './on-host.ts';

export function registerHostFourier(device: 'cpu' | 'wasm'): void {
  registerOnHost(device, {
    FourierTransform: {
      names: ['x'],
      compute([x], [shape], { sign }) {
        const n = shape!.at(-1) as number;
        const transform = fourier(n);
        const [real, imag] = [new Float64Array(n), new Float64Array(n)];
        const values = new Float32Array(x!.length);
        for (let start = 0; start < x!.length; start += 2 * n) {
          real.set(x!.subarray(start, start + n));
          imag.set(x!.subarray(start + n, start + 2 * n));
          if (sign === -1) transform(real, imag);
          else transform(imag, real);
          values.set(real, start);
          values.set(imag, start + n);
        }
        return { shape: [...shape!], values };
      },
    },
  });
}

/** `sum_j x_j exp(-2 pi i j k / n)` in place; with real and imaginary parts exchanged, the sum with `exp(2 pi i j k / n)`. */
type Transform = (real: Float64Array, imag: Float64Array) => void;

function fourier(n: number): Transform {
  return (n & (n - 1)) === 0 ? ofPowerOfTwo(n) : ofAnyLength(n);
}

/** Cooley and Tukey, An algorithm for the machine calculation of complex Fourier series, 1965. */
function ofPowerOfTwo(n: number): Transform {
  const roots = rootsOfUnity(n, -1);
  return (real, imag) => {
    reverseBits(real, imag);
    for (let half = 1; half < n; half *= 2) {
      const step = n / (2 * half);
      for (let start = 0; start < n; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [c, s] = [roots[k * step]!, roots[n + k * step]!];
          const [even, odd] = [start + k, start + half + k];
          const re = real[odd]! * c - imag[odd]! * s;
          const im = real[odd]! * s + imag[odd]! * c;
          real[odd] = real[even]! - re;
          imag[odd] = imag[even]! - im;
          real[even]! += re;
          imag[even]! += im;
        }
      }
    }
  };
}

/** Exchanges the elements whose places in binary are each other's mirror image. */
function reverseBits(real: Float64Array, imag: Float64Array): void {
  const n = real.length;
  for (let i = 1, mirror = 0; i < n; i++) {
    let bit = n >> 1;
    for (; mirror & bit; bit >>= 1) mirror ^= bit;
    mirror ^= bit;
    if (i >= mirror) continue;
    [real[i], real[mirror]] = [real[mirror]!, real[i]!];
    [imag[i], imag[mirror]] = [imag[mirror]!, imag[i]!];
  }
}

/**
 * Bluestein, A linear filtering approach to the computation of discrete Fourier transform, 1970: as `2 j k = j^2 + k^2 - (k - j)^2`, with
 * `w_j = exp(-pi i j^2 / n)` the transform is `w_k sum_j (x_j w_j) conj(w_(k-j))`, a convolution.
 */
function ofAnyLength(n: number): Transform {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const transform = ofPowerOfTwo(size);
  const roots = rootsOfUnity(2 * n, -1);
  const [chirpReal, chirpImag] = [new Float64Array(n), new Float64Array(n)];
  const [filterReal, filterImag] = [new Float64Array(size), new Float64Array(size)];
  for (let j = 0; j < n; j++) {
    const place = (j * j) % (2 * n);
    chirpReal[j] = roots[place]!;
    chirpImag[j] = roots[2 * n + place]!;
    const mirror = (size - j) % size;
    filterReal[j] = filterReal[mirror] = chirpReal[j]! / size;
    filterImag[j] = filterImag[mirror] = -chirpImag[j]! / size;
  }
  transform(filterReal, filterImag);
  const [workReal, workImag] = [new Float64Array(size), new Float64Array(size)];
  return (real, imag) => {
    workReal.fill(0);
    workImag.fill(0);
    multiply(real, imag, chirpReal, chirpImag, workReal, workImag);
    transform(workReal, workImag);
    multiply(workReal, workImag, filterReal, filterImag, workReal, workImag);
    transform(workImag, workReal);
    multiply(workReal, workImag, chirpReal, chirpImag, real, imag);
  };
}

/** The products of complex numbers, as many as there are second factors; either factor may be written to. */
function multiply(
  aReal: Float64Array,
  aImag: Float64Array,
  bReal: Float64Array,
  bImag: Float64Array,
  toReal: Float64Array,
  toImag: Float64Array,
): void {
  for (let i = 0; i < bReal.length; i++) {
    const [a, b, c, d] = [aReal[i]!, aImag[i]!, bReal[i]!, bImag[i]!];
    toReal[i] = a * c - b * d;
    toImag[i] = a * d + b * c;
  }
}
