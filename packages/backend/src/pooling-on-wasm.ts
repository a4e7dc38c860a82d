/** Pools of images on wasm, of float32 and on canonical attributes. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { pooledShape, windowsOf } from './kernels-pooling.ts';
import type { Attributes } from './program.ts';
import { addressOf } from './wasm-functions.ts';

type Numbers = readonly number[];

/** What `assembly` does with windows, in its order. */
const kinds = ['maxima', 'places', 'means', 'spread'] as const;
type Kind = (typeof kinds)[number];

function run(
  device: KernelBackend,
  kind: Kind,
  [pooled, images]: readonly [pooled: number, images: number],
  [shapeOfPooled, shape]: readonly [pooled: Numbers, images: Numbers],
  attributes: Attributes,
): void {
  const windows = windowsOf(attributes);
  assembly(device).pool(
    ...[kinds.indexOf(kind), pooled, images, ...shape, ...shapeOfPooled.slice(1, 3)],
    ...windows.map(({ size }) => size),
    ...windows.map(({ stride }) => stride),
    ...windows.map(({ before }) => before),
  );
}

/** Maxima of windows, NaN where one holds it; where they lie; or means. Other dtypes are left to the kernel given. */
export const pool =
  (kind: 'maxima' | 'places' | 'means') =>
  (other: KernelFunc): KernelFunc =>
  (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [x] = inputs as readonly [TensorInfo];
    if (x.dtype !== 'float32') return other(call);
    const shape = pooledShape(x.shape, attributes);
    return written(device, shape, kind === 'places' ? 'int32' : 'float32', (out) =>
      run(device, kind, [out, addressOf(device, x)], [shape, x.shape], attributes),
    );
  };

/** The transpose of the means. */
export const spread: KernelFunc = (call) => {
  const { device, inputs, attributes } = kernelCall(call);
  const [dy] = inputs as readonly [TensorInfo];
  const [batch, , , channels] = dy.shape as [number, number, number, number];
  const shape = [batch, ...(attributes['size'] as Numbers), channels];
  return written(device, shape, 'float32', (out) =>
    run(device, 'spread', [addressOf(device, dy), out], [dy.shape, shape], attributes),
  );
};
