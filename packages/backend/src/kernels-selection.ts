/** Kernels that order, search, replace and mask elements. */
import type { KernelSpec } from './kernels.ts';
import { sameShape } from './program.ts';

export const selectionKernels: { readonly [name: string]: KernelSpec } = {
  /** Where the `k` largest elements along the last axis are, the largest first, equal ones in their order. */
  TopKIndices: {
    inputNames: ['x'],
    shape: ([x], { k }) => ({ shape: [...x!.shape.slice(0, -1), k as number], dtype: 'int32' }),
  },

  /** How many elements of each ascending row lie before (`side: 'left'`), or not after, each value of the same row. */
  SearchSorted: {
    inputNames: ['sortedSequence', 'values'],
    shape: ([, values]) => ({ shape: values!.shape, dtype: 'int32' }),
  },

  /**
   * `indices` for an axis of `length`, checked on devices whose memory the host reads: an error names `kernel`, which the user's code ran. On
   * others those that are out of range are replaced by `outside`, if that is given.
   */
  IndicesWithin: { inputNames: ['indices'], shape: ([indices]) => indices! },

  /** `tensor` with the blocks at `indices`, `[count, depth]`, replaced by `updates`; of blocks for one place the last remains (on webgpu, any). */
  TensorScatterUpdate: {
    inputNames: ['tensor', 'indices', 'updates'],
    shape: ([tensor, indices, updates]) => {
      const [count, depth] = indices!.shape as [number, number];
      const expected = [count, ...tensor!.shape.slice(depth)];
      if (!sameShape(updates!.shape, expected)) {
        throw new Error(
          `TensorScatterUpdate: indices [${indices!.shape}] into [${tensor!.shape}] take updates [${expected}], not [${updates!.shape}]`,
        );
      }
      return tensor!;
    },
  },

  /** The bits that two integers have in common. */
  BitwiseAnd: {
    inputNames: ['a', 'b'],
    shape: ([a, b]) => {
      if (!sameShape(a!.shape, b!.shape)) throw new Error(`BitwiseAnd: shapes [${a!.shape}] and [${b!.shape}] differ`);
      return a!;
    },
  },
};
