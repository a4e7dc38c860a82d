/** WebAssembly of our own, which works in the memory of tfjs's wasm device. */
import { type KernelBackend, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { WasmDevice } from './host-memory.ts';

/** A function of addresses, which are byte offsets, and numbers. */
export type WasmFunction = (...args: number[]) => number;

/**
 * The functions of a module on a device: `binary`, in base64, imports nothing but the memory, as `env.memory`, and has no data of its own.
 *
 * @throws on a device with threads, whose memory it cannot have.
 */
export function wasmFunctions<Name extends string>(
  binary: string,
): (device: KernelBackend) => Readonly<Record<Name, WasmFunction>> {
  const instances = new WeakMap<KernelBackend, Readonly<Record<Name, WasmFunction>>>();
  let module: WebAssembly.Module | undefined;
  return (device) => {
    const known = instances.get(device);
    if (known !== undefined) return known;
    module ??= new WebAssembly.Module(bytesOf(binary));
    const made = instantiate(module, device) as Readonly<Record<Name, WasmFunction>>;
    instances.set(device, made);
    return made;
  };
}

/** The exports of an instance of a module in the memory of a device; `others` are what else it imports. */
export function instantiate(
  module: WebAssembly.Module,
  device: KernelBackend,
  others: WebAssembly.Imports = {},
): WebAssembly.Exports {
  const { memory } = (device as WasmDevice).wasm.asm;
  if (!(memory.buffer instanceof ArrayBuffer)) {
    throw new Error(
      'the wasm device runs with threads, whose memory the kernels of this package cannot use; import @posteriors/backend/wasm before ' +
        "the device is started, or call tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)",
    );
  }
  return new WebAssembly.Instance(module, { env: { memory }, ...others }).exports;
}

/** Where the elements of a tensor lie. It stays there until the tensor is disposed; one on another device is moved here. */
export function addressOf(device: KernelBackend, { dataId }: Pick<TensorInfo, 'dataId'>): number {
  return (device as WasmDevice).dataIdMap.get(dataId).memoryOffset;
}

/**
 * A new tensor, whose elements are whatever lay there.
 *
 * @throws if there is no memory left, which tfjs does not look at.
 */
export function newTensor(device: KernelBackend, shape: readonly number[], dtype: string): TensorInfo {
  const { dataIdMap, wasm } = device as WasmDevice;
  const info = (device as WasmDevice).makeOutput([...shape], dtype);
  const address = dataIdMap.get(info.dataId).memoryOffset;
  const bytes = util.sizeFromShape(info.shape) * util.bytesPerElement(info.dtype);
  if (bytes === 0 || (address !== 0 && address + bytes <= wasm.HEAPU8.length)) return info;
  // Not disposed: nothing of the kind was reserved.
  dataIdMap.delete(info.dataId);
  throw noMemory(bytes);
}

function noMemory(bytes: number): Error {
  return new Error(`the wasm device has no ${bytes} bytes of memory left`);
}

/** What `use` makes of an address where `bytes` are free; they are given back when it ends. */
export function withScratch<R>(device: KernelBackend, bytes: number, use: (address: number) => R): R {
  const { wasm } = device as WasmDevice;
  // What is no number of 32 bits were cut off.
  const address = bytes < 2 ** 32 ? wasm._malloc(bytes) >>> 0 : 0;
  if (address === 0 || address + bytes > wasm.HEAPU8.length) throw noMemory(bytes);
  try {
    return use(address);
  } finally {
    wasm._free(address);
  }
}

/** What `use` makes of an address where these integers lie. */
export function withIntegers<R>(device: KernelBackend, integers: readonly number[], use: (address: number) => R): R {
  return withScratch(device, 4 * integers.length, (address) => {
    new Int32Array((device as WasmDevice).wasm.asm.memory.buffer, address, integers.length).set(integers);
    return use(address);
  });
}

/** A new tensor whose elements `write` sets, given where they are to lie; if it fails, nothing is left. */
export function written(
  device: KernelBackend,
  shape: readonly number[],
  dtype: string,
  write: (address: number) => unknown,
): TensorInfo {
  const result = newTensor(device, shape, dtype);
  try {
    write(addressOf(device, result));
    return result;
  } catch (error) {
    device.disposeData(result.dataId);
    throw error;
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64.replaceAll('\n', ''));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
