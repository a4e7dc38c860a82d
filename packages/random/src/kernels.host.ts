/** The kernels of tfjs's cpu device, computed in JavaScript, and of its wasm device, in WebAssembly. */
import {
  addressOf,
  elementsOf,
  kernelCall,
  newTensor,
  type ShapeRule,
  sizeOf,
  wasmFunctions,
} from '@posteriors/backend';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { binary } from './kernels.wasm.ts';

/** Reads the elements of the inputs and sets those of the result. */
export type Fill = (out: Int32Array | Float32Array, inputs: readonly ArrayLike<number>[]) => void;

/** Elements in the memory of the wasm device. */
interface Elements {
  readonly address: number;
  readonly size: number;
}

type Name = 'fillBits' | 'fillUniform' | 'fillNormal' | 'fold';

/** The functions of `assembly`. */
export type Functions = ReturnType<ReturnType<typeof wasmFunctions<Name>>>;

/** The same in WebAssembly. */
export type FillInPlace = (functions: Functions, out: Elements, inputs: readonly Elements[]) => void;

const functionsOn = wasmFunctions<Name>(binary);

/** A kernel of the cpu device. */
export function onCpu(shape: ShapeRule, fill: Fill): KernelFunc {
  return (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const result = shape(inputs, attributes);
    const size = sizeOf(result.shape);
    const out = result.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
    fill(
      out,
      inputs.map((input) => elementsOf(device, input)),
    );
    return { ...result, shape: [...result.shape], dataId: device.write(out, [...result.shape], result.dtype) };
  };
}

/** A kernel of the wasm device. */
export function onWasm(shape: ShapeRule, fill: FillInPlace): KernelFunc {
  return (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const result = shape(inputs, attributes);
    const elements = (info: TensorInfo): Elements => ({ address: addressOf(device, info), size: sizeOf(info.shape) });
    const out = newTensor(device, result.shape, result.dtype);
    fill(functionsOn(device), elements(out), inputs.map(elements));
    return out;
  };
}
