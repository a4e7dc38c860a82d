/** The kernels of tfjs's cpu device, computed in JavaScript, and of its wasm device, in WebAssembly. */
import {
  type Attributes,
  type Aval,
  addressOf,
  elementsOf,
  newTensor,
  sizeOf,
  wasmFunctions,
} from '@posteriors/backend';
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { binary } from './kernels.wasm.ts';

/** The shape and dtype of a kernel's result. */
export type Shape = (inputs: readonly Aval[], attributes: Attributes) => Aval;

/** Reads the elements of the inputs and sets those of the result. */
export type Fill = (out: Int32Array | Float32Array, inputs: readonly ArrayLike<number>[]) => void;

/** Elements in the memory of the wasm device. */
export interface Elements {
  readonly address: number;
  readonly size: number;
}

type Name = 'fillBits' | 'fillUniform' | 'fillNormal' | 'fold';

/** The functions of `assembly`. */
export type Functions = ReturnType<ReturnType<typeof wasmFunctions<Name>>>;

/** The same in WebAssembly. */
export type FillInPlace = (functions: Functions, out: Elements, inputs: readonly Elements[]) => void;

type Call = Parameters<KernelFunc>[0];

const functionsOn = wasmFunctions<Name>(binary);

const inputsOf = (call: Call): readonly TensorInfo[] => Object.values(call.inputs as object);

const resultOf = (shape: Shape, inputs: readonly TensorInfo[], { attrs }: Call): Aval =>
  shape(inputs as readonly Aval[], attrs as unknown as Attributes);

/** A kernel of the cpu device. */
export function onCpu(shape: Shape, fill: Fill): KernelFunc {
  return (call) => {
    const device = call.backend as KernelBackend;
    const inputs = inputsOf(call);
    const result = resultOf(shape, inputs, call);
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
export function onWasm(shape: Shape, fill: FillInPlace): KernelFunc {
  return (call) => {
    const device = call.backend as KernelBackend;
    const inputs = inputsOf(call);
    const result = resultOf(shape, inputs, call);
    const elements = (info: TensorInfo): Elements => ({ address: addressOf(device, info), size: sizeOf(info.shape) });
    const out = newTensor(device, result.shape, result.dtype);
    fill(functionsOn(device), elements(out), inputs.map(elements));
    return out;
  };
}
