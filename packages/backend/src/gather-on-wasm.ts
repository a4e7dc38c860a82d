/** Blocks found by indices on wasm. Bool, of one byte, is left to tfjs. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, withIntegers } from './assembly.ts';
import { elementsOf } from './host-memory.ts';
import { sizeOf } from './program.ts';
import { stridesOf } from './view.ts';
import { addressOf, newTensor } from './wasm-functions.ts';

type Instead = (tfjs: KernelFunc) => KernelFunc;

/** Along an axis. */
export const gatherAlong: Instead = (tfjs) => (call) => {
  const device = call.backend as KernelBackend;
  const { x, indices } = call.inputs as { x: TensorInfo; indices: TensorInfo };
  if (x.dtype === 'bool') return tfjs(call);
  const { axis } = call.attrs as unknown as { axis: number };
  const length = x.shape[axis] as number;
  const [outer, count, size] = [x.shape.slice(0, axis), indices.shape, x.shape.slice(axis + 1)];
  const { firstOutside, gather } = assembly(device);
  const places = addressOf(device, indices);
  const outside = firstOutside(places, sizeOf(count), length);
  if (outside < sizeOf(count)) {
    const index = elementsOf(device, indices)[outside];
    throw new Error(`GatherV2: the index value ${index} is not in [0, ${length - 1}]`);
  }
  let from = addressOf(device, x);
  const result = newTensor(device, [...outer, ...count, ...size], x.dtype);
  let out = addressOf(device, result);
  withIntegers(device, [1], (strides) => {
    for (let i = sizeOf(outer); i > 0; i--) {
      gather(out, from, places, sizeOf(count), strides, 1, sizeOf(size));
      out += 4 * sizeOf(count) * sizeOf(size);
      from += 4 * length * sizeOf(size);
    }
  });
  return result;
};

/** Along the first axes. The indices were checked. */
export const gatherBlocks: Instead = (tfjs) => (call) => {
  const device = call.backend as KernelBackend;
  const { params, indices } = call.inputs as { params: TensorInfo; indices: TensorInfo };
  const depth = indices.shape.at(-1) as number;
  if (params.dtype === 'bool') return tfjs(call);
  const block = params.shape.slice(depth);
  const [from, places] = [addressOf(device, params), addressOf(device, indices)];
  const result = newTensor(device, [...indices.shape.slice(0, -1), ...block], params.dtype);
  const out = addressOf(device, result);
  withIntegers(device, stridesOf(params.shape.slice(0, depth)), (strides) =>
    assembly(device).gather(out, from, places, sizeOf(indices.shape.slice(0, -1)), strides, depth, sizeOf(block)),
  );
  return result;
};

/** The transpose of that: blocks of float32 for one place are added. The indices were checked. */
export const scatterBlocks: Instead = (tfjs) => (call) => {
  const device = call.backend as KernelBackend;
  const { indices, updates } = call.inputs as { indices: TensorInfo; updates: TensorInfo };
  const { shape } = call.attrs as unknown as { shape: readonly number[] };
  const depth = indices.shape.at(-1) as number;
  if (updates.dtype !== 'float32') return tfjs(call);
  const block = sizeOf(shape.slice(depth));
  const [from, places] = [addressOf(device, updates), addressOf(device, indices)];
  const result = newTensor(device, shape, updates.dtype);
  const out = addressOf(device, result);
  withIntegers(device, stridesOf(shape.slice(0, depth)), (strides) =>
    assembly(device).scatter(
      ...[out, 4 * sizeOf(shape), from],
      ...[places, sizeOf(indices.shape.slice(0, -1)), strides, depth, block],
    ),
  );
  return result;
};
