import type { Tensor } from '@tensorflow/tfjs-core';

/** Numbers in row-major order with their shape: what `fromTensor` gives and every metric accepts. */
export type HostArray = { readonly values: ArrayLike<number>; readonly shape: readonly number[] };

/** Numbers of shape `[n]`: a plain or typed array, or a `HostArray`. */
export type Vector = ArrayLike<number> | HostArray;

/** Numbers of shape `[n, k]`: an array of rows, each a plain or typed array, or a `HostArray`. */
export type Matrix = readonly ArrayLike<number>[] | HostArray;

/** Numbers of shape `[s, n, k]`: an array of matrices, each an array of rows, or a `HostArray`. */
export type MatrixStack = readonly (readonly ArrayLike<number>[])[] | HostArray;

/**
 * Reads a tensor of any shape to the host. Metrics are synchronous functions of host data, so this is the one place
 * that waits for the device; it neither disposes nor changes the tensor.
 *
 * @throws if the tensor holds strings or complex numbers, or is disposed.
 */
export async function fromTensor(tensor: Tensor): Promise<HostArray> {
  if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
    throw new Error(`metrics.fromTensor: the tensor holds ${tensor.dtype}; expected float32, int32 or bool`);
  }
  return { values: await tensor.data(), shape: [...tensor.shape] };
}
