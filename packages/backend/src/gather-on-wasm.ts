/** Blocks found by indices on wasm, of the dtypes whose elements have four bytes. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly } from './assembly.ts';
import { type CallsOf, call, input, integers, result } from './calls.ts';
import { elementsOf } from './host-memory.ts';
import { outsideOfAxis } from './indices-on-host.ts';
import { kernelCall } from './kernel-call.ts';
import { sizeOf } from './program.ts';
import { stridesOf } from './view.ts';
import { addressOf, withIntegers, written } from './wasm-functions.ts';

type Numbers = readonly number[];

/** Along an axis; bool is left to the kernel given. The indices are checked. */
export const gatherAlong =
  (other: KernelFunc): KernelFunc =>
  (parameters) => {
    const { device, inputs, attributes } = kernelCall(parameters);
    const [x, indices] = inputs as [TensorInfo, TensorInfo];
    if (x.dtype === 'bool') return other(parameters);
    const { axis } = attributes as { axis: number };
    const length = x.shape[axis] as number;
    const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
    const [count, size] = [sizeOf(indices.shape), sizeOf(after)];
    const [from, places] = [addressOf(device, x), addressOf(device, indices)];
    const { firstOutside, gather } = assembly(device);
    const outside = firstOutside(places, count, length);
    if (outside < count) throw outsideOfAxis(elementsOf(device, indices)[outside]!, length);
    return written(device, [...before, ...indices.shape, ...after], x.dtype, (out) =>
      withIntegers(device, [1], (strides) => {
        for (let i = 0; i < sizeOf(before); i++) {
          gather(out + 4 * i * count * size, from + 4 * i * length * size, places, count, strides, 1, size);
        }
      }),
    );
  };

/** Along the first axes. The indices were checked. */
export const gatherBlocks: CallsOf = ({ inputs: [params, indices] }) => {
  const { dtype } = params!;
  if (dtype === 'bool') return undefined;
  const depth = indices!.shape.at(-1) as number;
  const [rows, block] = [indices!.shape.slice(0, -1), params!.shape.slice(depth)];
  return {
    result: { shape: [...rows, ...block], dtype },
    integers: stridesOf(params!.shape.slice(0, depth)),
    calls: [call(assembly, 'gather', result(), input(0), input(1), sizeOf(rows), integers(), depth, sizeOf(block))],
  };
};

/** The transpose of that: blocks, of float32, for one place are added. The indices were checked. */
export const scatterBlocks: CallsOf = ({ inputs: [indices, updates], attributes }) => {
  if (updates!.dtype !== 'float32') return undefined;
  const shape = attributes['shape'] as Numbers;
  const depth = indices!.shape.at(-1) as number;
  const [count, block] = [sizeOf(indices!.shape.slice(0, -1)), sizeOf(shape.slice(depth))];
  return {
    result: { shape, dtype: 'float32' },
    integers: stridesOf(shape.slice(0, depth)),
    calls: [
      call(assembly, 'scatter', result(), 4 * sizeOf(shape), input(1), input(0), count, integers(), depth, block),
    ],
  };
};

/** From each of the first axis, flattened. */
export const gatherEach: CallsOf = ({ inputs: [x, places] }) => {
  const { dtype } = x!;
  if (dtype === 'bool') return undefined;
  const [rows, size, count] = [x!.shape[0]!, sizeOf(x!.shape.slice(1)), sizeOf(places!.shape.slice(1))];
  return {
    result: { shape: places!.shape, dtype },
    calls: [call(assembly, 'gatherEach', result(), input(0), input(1), rows, count, size)],
  };
};

/** The transpose of that, for float32. */
export const scatterEach: CallsOf = ({ inputs: [updates, places], attributes }) => {
  if (updates!.dtype !== 'float32') return undefined;
  const shape = [places!.shape[0]!, ...(attributes['shape'] as Numbers)];
  const [size, count] = [sizeOf(shape.slice(1)), sizeOf(places!.shape.slice(1))];
  return {
    result: { shape, dtype: 'float32' },
    calls: [call(assembly, 'scatterEach', result(), input(0), input(1), shape[0]!, count, size)],
  };
};
