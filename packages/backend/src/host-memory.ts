/** The memory of the devices that the host reads at once. */
import { type KernelBackend, type TensorInfo, util } from '@tensorflow/tfjs-core';

type Memory = Float32Array | Int32Array | Uint8Array;

/** What tfjs's wasm device has beside what all devices have. */
export type WasmDevice = KernelBackend & {
  /** With the shape that the memory of a tensor was made with, and where it lies. */
  readonly dataIdMap: {
    get(dataId: object): { readonly shape: readonly number[]; readonly memoryOffset: number };
    delete(dataId: object): boolean;
  };
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    readonly HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  makeOutput(shape: number[], dtype: string): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Memory;
};

/** The elements of a tensor, without a copy of them: to be read before another tensor is made, which may move the memory. */
export function elementsOf(device: KernelBackend, info: TensorInfo): Memory {
  if ('typedArrayFromHeap' in device) return (device as WasmDevice).typedArrayFromHeap(info);
  const values = device.readSync(info.dataId) as Memory | number[];
  // Some kernels on cpu give plain arrays, as for what has no elements.
  return Array.isArray(values) ? (util.toTypedArray(values, info.dtype) as Memory) : values;
}
