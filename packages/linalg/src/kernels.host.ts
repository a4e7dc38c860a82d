/** The kernels of tfjs's cpu and wasm devices. */
import {
  type Attributes,
  type Aval,
  addressOf,
  elementsOf,
  type KernelCall,
  kernelCall,
  newTensor,
  type ShapeRule,
  sizeOf,
  wasmFunctions,
} from '@posteriors/backend';
import type { KernelFunc, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { binary } from './kernels.wasm.ts';
import { batchOf, countOf, sizeOfMatrix } from './matrix.ts';

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

/** A kernel of tfjs's cpu and wasm devices, both computed in JavaScript and in float64. */
export function onHost(shape: ShapeRule, compute: Compute): { readonly cpu: KernelFunc; readonly wasm: KernelFunc } {
  const kernel: KernelFunc = (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const result = shape(inputs, attributes);
    // An input that arrives from another device may grow the memory and detach the views of those before it.
    for (const input of inputs) elementsOf(device, input);
    const read = inputs.map((input) => elementsOf(device, input) as Float32Array);
    const values = new Float32Array(computeAll(compute, inputs, read, result, attributes));
    return { ...result, shape: [...result.shape], dataId: device.write(values, [...result.shape], result.dtype) };
  };
  return { cpu: kernel, wasm: kernel };
}

/** Matrices in the memory of the wasm device. */
interface Matrices {
  readonly address: number;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

type Name =
  | 'cholesky'
  | 'pivotOf'
  | 'choleskyInverse'
  | 'inverseBytes'
  | 'triangularSolve'
  | 'scratchBytes'
  | 'triangles';

/** The functions of `assembly`. */
type Functions = ReturnType<ReturnType<typeof wasmFunctions<Name>>>;

const functionsOn = wasmFunctions<Name>(binary);

/**
 * Computes a kernel in WebAssembly: sets `out`, of which there is at least one element. `where` tells which matrix it is, as for
 * {@link Compute}.
 */
export type ComputeInPlace = (
  functions: Functions,
  out: Matrices,
  inputs: readonly Matrices[],
  call: KernelCall,
  where: (matrix: number) => string,
) => void;

/** A kernel of tfjs's wasm device. */
export function onWasm(shape: ShapeRule, compute: ComputeInPlace): KernelFunc {
  return (tfjsCall) => {
    const call = kernelCall(tfjsCall);
    const { device, inputs } = call;
    const result = shape(inputs, call.attributes);
    const matrices = (info: TensorInfo): Matrices => {
      const [rows, columns] = sizeOfMatrix(info);
      return { address: addressOf(device, info), count: countOf(info), rows, columns };
    };
    const out = newTensor(device, result.shape, result.dtype);
    if (sizeOf(result.shape) === 0) return out;
    try {
      compute(functionsOn(device), matrices(out), inputs.map(matrices), call, (i) => position(i, batchOf(result)));
    } catch (error) {
      device.disposeData(out.dataId);
      throw error;
    }
    return out;
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
