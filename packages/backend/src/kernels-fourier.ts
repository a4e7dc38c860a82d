/** Fourier transforms of complex numbers that are kept as real ones. */
import type { KernelSpec } from './kernels.ts';

export const fourierKernels: { readonly [name: string]: KernelSpec } = {
  /**
   * `y_k = sum_j x_j exp(sign 2 pi i j k / n)` along the last axis, for real parts `[..., 0, n]` and imaginary parts `[..., 1, n]`. `sign` is -1
   * for the transform and 1 for its inverse, which lacks the factor 1/n here: either is the transpose of the other.
   */
  FourierTransform: {
    inputNames: ['x'],
    shape: ([x]) => {
      if (x!.shape.at(-2) !== 2) {
        throw new Error(`FourierTransform: real and imaginary parts are [..., 2, n], and there are [${x!.shape}]`);
      }
      return { shape: x!.shape, dtype: 'float32' };
    },
  },
};

/** Real parts, then imaginary parts, of `exp(sign 2 pi i k / n)` for `k` below `n`. */
export function rootsOfUnity(n: number, sign: number): Float64Array {
  const roots = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    const angle = (sign * 2 * Math.PI * k) / n;
    roots[k] = Math.cos(angle);
    roots[n + k] = Math.sin(angle);
  }
  return roots;
}
