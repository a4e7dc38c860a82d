/** Right operands of products on wasm. */
import { getKernel, type KernelFunc, type NamedTensorInfoMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmDevice } from './host-memory.ts';

/**
 * tfjs on wasm prepares the right operand of a product once for its memory, whatever shape it takes later. An operand whose rows and columns
 * are not those that its memory was made with, such as a reshaped tensor, is copied first: no memory is then prepared for two shapes.
 */
export function withOwnOperand(product: KernelFunc): KernelFunc {
  return (parameters) => {
    const { inputs, backend } = parameters as unknown as {
      inputs: { a: TensorInfo; b: TensorInfo };
      backend: WasmDevice;
    };
    const { b } = inputs;
    if (sameMatrix(b.shape, backend.dataIdMap.get(b.dataId).shape)) return product(parameters);
    const copy = getKernel('Identity', 'wasm').kernelFunc({ inputs: { x: b }, backend, attrs: {} }) as TensorInfo;
    try {
      return product({ ...parameters, inputs: { ...inputs, b: copy } as NamedTensorInfoMap });
    } finally {
      backend.disposeData(copy.dataId);
    }
  };
}

function sameMatrix(a: readonly number[], b: readonly number[]): boolean {
  return a.at(-1) === b.at(-1) && a.at(-2) === b.at(-2);
}
