/** Blocks found by indices on wasm. Dtypes that are not named are left to the kernel given. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, withIntegers, written } from './assembly.ts';
import { elementsOf } from './host-memory.ts';
import { kernelCall } from './kernel-call.ts';
import { sizeOf } from './program.ts';
import { stridesOf } from './view.ts';
import { addressOf } from './wasm-functions.ts';

type Numbers = readonly number[];
type Instead = (other: KernelFunc) => KernelFunc;

/** Along an axis; not of bool, whose elements have one byte. */
export const gatherAlong: Instead = (other) => (call) => {
  const { device, inputs, attributes } = kernelCall(call);
  const [x, indices] = inputs as [TensorInfo, TensorInfo];
  if (x.dtype === 'bool') return other(call);
  const { axis } = attributes as { axis: number };
  const length = x.shape[axis] as number;
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const [count, size] = [sizeOf(indices.shape), sizeOf(after)];
  const [from, places] = [addressOf(device, x), addressOf(device, indices)];
  const { firstOutside, gather } = assembly(device);
  const outside = firstOutside(places, count, length);
  if (outside < count) {
    const index = elementsOf(device, indices)[outside];
    throw new Error(`GatherV2: the index value ${index} is not in [0, ${length - 1}]`);
  }
  return written(device, [...before, ...indices.shape, ...after], x.dtype, (out) =>
    withIntegers(device, [1], (strides) => {
      for (let i = 0; i < sizeOf(before); i++) {
        gather(out + 4 * i * count * size, from + 4 * i * length * size, places, count, strides, 1, size);
      }
    }),
  );
};

/** Along the first axes; not of bool. The indices were checked. */
export const gatherBlocks: Instead = (other) => (call) => {
  const { device, inputs } = kernelCall(call);
  const [params, indices] = inputs as [TensorInfo, TensorInfo];
  if (params.dtype === 'bool') return other(call);
  const depth = indices.shape.at(-1) as number;
  const [rows, block] = [indices.shape.slice(0, -1), params.shape.slice(depth)];
  const [from, places] = [addressOf(device, params), addressOf(device, indices)];
  return written(device, [...rows, ...block], params.dtype, (out) =>
    withIntegers(device, stridesOf(params.shape.slice(0, depth)), (strides) =>
      assembly(device).gather(out, from, places, sizeOf(rows), strides, depth, sizeOf(block)),
    ),
  );
};

/** The transpose of that: blocks, of float32, for one place are added. The indices were checked. */
export const scatterBlocks: Instead = (other) => (call) => {
  const { device, inputs, attributes } = kernelCall(call);
  const [indices, updates] = inputs as [TensorInfo, TensorInfo];
  if (updates.dtype !== 'float32') return other(call);
  const shape = attributes['shape'] as Numbers;
  const depth = indices.shape.at(-1) as number;
  const [count, block] = [sizeOf(indices.shape.slice(0, -1)), sizeOf(shape.slice(depth))];
  const [from, places] = [addressOf(device, updates), addressOf(device, indices)];
  return written(device, shape, 'float32', (out) =>
    withIntegers(device, stridesOf(shape.slice(0, depth)), (strides) =>
      assembly(device).scatter(out, 4 * sizeOf(shape), from, places, count, strides, depth, block),
    ),
  );
};

/** From each of the first axis, flattened; not of bool. */
export const gatherEach: Instead = (other) => (call) => {
  const { device, inputs } = kernelCall(call);
  const [x, places] = inputs as [TensorInfo, TensorInfo];
  if (x.dtype === 'bool') return other(call);
  const [size, count] = [sizeOf(x.shape.slice(1)), sizeOf(places.shape.slice(1))];
  const [from, indices] = [addressOf(device, x), addressOf(device, places)];
  const { gather } = assembly(device);
  return written(device, places.shape, x.dtype, (out) =>
    withIntegers(device, [1], (strides) => {
      for (let i = 0; i < x.shape[0]!; i++) {
        gather(out + 4 * i * count, from + 4 * i * size, indices + 4 * i * count, count, strides, 1, 1);
      }
    }),
  );
};

/** The transpose of that, for float32. */
export const scatterEach: Instead = (other) => (call) => {
  const { device, inputs, attributes } = kernelCall(call);
  const [updates, places] = inputs as [TensorInfo, TensorInfo];
  if (updates.dtype !== 'float32') return other(call);
  const shape = [places.shape[0]!, ...(attributes['shape'] as Numbers)];
  const [size, count] = [sizeOf(shape.slice(1)), sizeOf(places.shape.slice(1))];
  const [from, indices] = [addressOf(device, updates), addressOf(device, places)];
  const { scatter } = assembly(device);
  return written(device, shape, 'float32', (out) =>
    withIntegers(device, [1], (strides) => {
      for (let i = 0; i < shape[0]!; i++) {
        scatter(out + 4 * i * size, 4 * size, from + 4 * i * count, indices + 4 * i * count, count, strides, 1, 1);
      }
    }),
  );
};
