import type { Attributes, Aval, DataType } from '@posteriors/backend';
import type { KernelFunc, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';

/** The shape and dtype of a kernel's result. */
export type Shape = (inputs: readonly Aval[], attributes: Attributes) => Aval;

/** Computes a kernel on the host: reads the elements of its inputs and sets those of its result. */
export type Fill = (out: Int32Array | Float32Array, inputs: readonly ArrayLike<number>[]) => void;

// What is used of the devices of tfjs.
interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: TypedArray } };
  makeTensorInfo(shape: readonly number[], dtype: DataType, values: TypedArray): TensorInfo;
}
interface WasmBackend {
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Int32Array | Float32Array;
}

/** The inputs of a kernel as a list, and the shape and dtype of its result. */
export function kernelCall(shape: Shape, inputs: unknown, attrs: unknown): { inputs: TensorInfo[]; result: Aval } {
  const list = Object.values(inputs as { readonly [index: string]: TensorInfo });
  return { inputs: list, result: shape(list as readonly Aval[], attrs as Attributes) };
}

/** A kernel of tfjs's cpu device. */
export function onCpu(shape: Shape, fill: Fill): KernelFunc {
  return (call) => {
    const backend = call.backend as unknown as CpuBackend;
    const { inputs, result } = kernelCall(shape, call.inputs, call.attrs);
    const size = result.shape.reduce((product, n) => product * n, 1);
    const out = result.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
    fill(
      out,
      inputs.map((input) => backend.data.get(input.dataId).values),
    );
    return backend.makeTensorInfo(result.shape, result.dtype, out);
  };
}

/** A kernel of tfjs's wasm device: the same loop as on the cpu, in place in the device's memory. */
export function onWasm(shape: Shape, fill: Fill): KernelFunc {
  return (call) => {
    const backend = call.backend as unknown as WasmBackend;
    const { inputs, result } = kernelCall(shape, call.inputs, call.attrs);
    // The views are taken last: an input that arrives from another device, or the output, may grow the memory and detach them.
    const out = backend.makeOutput(result.shape, result.dtype);
    for (const input of inputs) backend.typedArrayFromHeap(input);
    fill(
      backend.typedArrayFromHeap(out),
      inputs.map((input) => backend.typedArrayFromHeap(input)),
    );
    return out;
  };
}
