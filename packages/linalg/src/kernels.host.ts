import type { Attributes, Aval, DataType, ShapeRule } from '@posteriors/backend';
import type { KernelFunc, Tensor, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import { sizeOfMatrix } from './matrix.ts';

/** A kernel as a function that records or runs it. */
export type Kernel = (inputs: readonly Tensor[], attributes?: Attributes) => Tensor;

/** One matrix of an input: its elements in row-major order. */
interface Matrix {
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Computes a kernel for one matrix of a batch, in float64: sets the elements of `out`, which holds zeros. `where` tells which matrix
 * it is, for errors: '' where there is only one.
 */
export type Compute = (
  out: Float64Array,
  inputs: readonly Matrix[],
  attributes: Attributes,
  where: () => string,
) => void;

// What is used of the devices of tfjs.
interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: TypedArray } };
  makeTensorInfo(shape: readonly number[], dtype: DataType, values: TypedArray): TensorInfo;
}
interface WasmBackend {
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Float32Array;
}

/** The inputs of a kernel as a list, and the shape and dtype of its result. */
export function kernelCall(shape: ShapeRule, inputs: unknown, attrs: unknown): { inputs: TensorInfo[]; result: Aval } {
  const list = Object.values(inputs as { readonly [index: string]: TensorInfo });
  return { inputs: list, result: shape(list as readonly Aval[], attrs as Attributes) };
}

/** A kernel of tfjs's cpu and wasm devices, both computed in JavaScript and in float64. */
export function onHost(shape: ShapeRule, compute: Compute): { readonly cpu: KernelFunc; readonly wasm: KernelFunc } {
  return {
    cpu(call) {
      const backend = call.backend as unknown as CpuBackend;
      const { inputs, result } = kernelCall(shape, call.inputs, call.attrs);
      const read = (input: TensorInfo): Float32Array => backend.data.get(input.dataId).values as Float32Array;
      const values = computeAll(compute, inputs, inputs.map(read), result, call.attrs as unknown as Attributes);
      return backend.makeTensorInfo(result.shape, result.dtype, new Float32Array(values));
    },
    wasm(call) {
      const backend = call.backend as unknown as WasmBackend;
      const { inputs, result } = kernelCall(shape, call.inputs, call.attrs);
      // An input that arrives from another device may grow the memory and detach the views of those before it.
      for (const input of inputs) backend.typedArrayFromHeap(input);
      const read = inputs.map((input) => backend.typedArrayFromHeap(input));
      const values = computeAll(compute, inputs, read, result, call.attrs as unknown as Attributes);
      const out = backend.makeOutput(result.shape, result.dtype);
      backend.typedArrayFromHeap(out).set(values);
      return out;
    },
  };
}

function computeAll(
  compute: Compute,
  infos: readonly TensorInfo[],
  values: readonly Float32Array[],
  { shape }: Aval,
  attributes: Attributes,
): Float64Array {
  const batch = shape.slice(0, -2);
  const count = batch.reduce((product, n) => product * n, 1);
  const [rows, columns] = sizeOfMatrix({ shape });
  const out = new Float64Array(count * rows * columns);
  const sizes = infos.map(sizeOfMatrix);
  for (let i = 0; i < count; i++) {
    const inputs = values.map((all, k): Matrix => {
      const [m, n] = sizes[k]!;
      return { values: all.subarray(i * m * n, (i + 1) * m * n), rows: m, columns: n };
    });
    const target = out.subarray(i * rows * columns, (i + 1) * rows * columns);
    compute(target, inputs, attributes, () => position(i, batch));
  }
  return out;
}

/** The place of matrix `i` in a batch, in words. */
function position(i: number, batch: readonly number[]): string {
  if (batch.length === 0) return '';
  let rest = i;
  const index = [...batch].reverse().map((n) => {
    const digit = rest % n;
    rest = Math.floor(rest / n);
    return digit;
  });
  return ` of batch element [${index.reverse().join(', ')}]`;
}
