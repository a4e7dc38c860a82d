/**
 * Indices checked before they are used, for the devices whose memory the host reads at once. tfjs's kernels that gather and scatter blocks
 * read and write beside the tensor on wasm, and on cpu take an index that is outside of its axis for one of the next row.
 */
import { type KernelBackend, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { elementsOf } from './host-memory.ts';
import type { Lowering } from './lower.ts';
import { type Atom, type KernelEquation, newValue } from './program.ts';

const devices: readonly string[] = ['cpu', 'wasm'];

export function registerIndexCheck(device: 'cpu' | 'wasm'): void {
  registerKernel({
    kernelName: 'CheckedIndices',
    backendName: device,
    kernelFunc({ inputs, attrs, backend }) {
      const { dataId, shape, dtype } = inputs['indices'] as TensorInfo;
      const memory = backend as KernelBackend;
      const { kernel, lengths } = attrs as unknown as { readonly kernel: string; readonly lengths: readonly number[] };
      checkIndices(elementsOf(memory, { dataId, shape, dtype }), lengths, kernel);
      memory.incRef(dataId);
      return { dataId, shape, dtype };
    },
  });
}

/** @throws if an index is not within the length of its axis. */
export function checkIndices(indices: ArrayLike<number>, lengths: readonly number[], kernel: string): void {
  const depth = lengths.length;
  for (let i = 0; i < indices.length; i++) {
    const [index, length] = [indices[i]!, lengths[i % depth]!];
    if (index >= 0 && index < length) continue;
    const axis = depth === 1 ? 'its axis' : `axis ${i % depth}`;
    throw new Error(
      `${kernel}: the index ${index} is outside of ${axis}, which has the length ${length}; indices are from 0 to ${length - 1}`,
    );
  }
}

/** What is wrong with an index of GatherV2. */
export function outsideOfAxis(index: number, length: number): Error {
  return new Error(`GatherV2: the index value ${index} is not in [0, ${length - 1}]`);
}

/** `IndicesWithin`, checked: literals now, others at each run on those devices. */
export function checkedWithin(equation: KernelEquation, device: string): KernelEquation {
  const [indices] = equation.inputs as readonly [Atom];
  const { kernel, length, outside } = equation.attributes as {
    readonly kernel: string;
    readonly length: number;
    readonly outside?: number;
  };
  const lengths = [length];
  const isKnown = indices.kind === 'literal';
  if (isKnown) checkIndices(indices.values, lengths, kernel);
  if (!isKnown && devices.includes(device))
    return { ...equation, kernel: 'CheckedIndices', attributes: { kernel, lengths } };
  return isKnown || outside === undefined ? { ...equation, kernel: 'Identity', attributes: {} } : equation;
}

/** The equation with its input number `at`, indices `[..., depth]` into a tensor of `shape`, checked: literals now, others at each run. */
export function withIndicesChecked(
  equation: KernelEquation,
  at: number,
  shape: readonly number[],
  device: string,
): ReturnType<Lowering> {
  const indices = equation.inputs[at] as Atom;
  const { kernel } = equation;
  const lengths = shape.slice(0, indices.shape[indices.shape.length - 1]);
  if (indices.kind === 'literal') checkIndices(indices.values, lengths, kernel);
  if (indices.kind === 'literal' || !devices.includes(device)) return [equation];
  const checked = newValue(indices);
  return [
    {
      type: 'kernel',
      kernel: 'CheckedIndices',
      inputs: [indices],
      attributes: { kernel, lengths },
      outputs: [checked],
    },
    { ...equation, inputs: equation.inputs.map((x, i) => (i === at ? checked : x)) },
  ];
}
