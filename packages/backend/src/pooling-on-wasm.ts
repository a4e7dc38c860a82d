/** Pools of images on wasm, on canonical attributes. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { pooledShape, windowsOf } from './kernels-pooling.ts';
import { addressOf } from './wasm-functions.ts';

/** Maxima of float32, NaN where a window holds one; or where they lie. Other dtypes are left to the kernel given. */
const pool =
  (places: boolean) =>
  (other: KernelFunc): KernelFunc =>
  (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [x] = inputs as readonly [TensorInfo];
    if (x.dtype !== 'float32') return other(call);
    const shape = pooledShape(x.shape, attributes);
    const windows = windowsOf(attributes);
    return written(device, shape, places ? 'int32' : 'float32', (out) =>
      assembly(device).maxPool(
        ...[out, addressOf(device, x), ...x.shape, ...shape.slice(1, 3)],
        ...windows.map(({ size }) => size),
        ...windows.map(({ stride }) => stride),
        ...windows.map(({ before }) => before),
        Number(places),
      ),
    );
  };

export const maxPool: (other: KernelFunc) => KernelFunc = pool(false);
export const maxPoolPlaces: (other: KernelFunc) => KernelFunc = pool(true);
