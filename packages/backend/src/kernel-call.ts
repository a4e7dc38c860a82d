import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import type { Attributes, Aval } from './program.ts';

/** A call of a kernel of this project on one of tfjs's devices. */
export interface KernelCall {
  readonly device: KernelBackend;
  /** In the order in which the kernel takes them. */
  readonly inputs: readonly (TensorInfo & Aval)[];
  readonly attributes: Attributes;
}

/** What tfjs hands to a kernel function, as such a call. */
export function kernelCall({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): KernelCall {
  return {
    device: backend as KernelBackend,
    inputs: Object.values(inputs as unknown as { readonly [name: string]: TensorInfo & Aval }),
    attributes: attrs as unknown as Attributes,
  };
}
