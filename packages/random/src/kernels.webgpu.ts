import type { DataType } from '@posteriors/backend';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { kernelCall, type Shape } from './kernels.host.ts';
import { bitsCode, normalCode, threefryCode, uniformCode } from './wgsl.ts';

// What is used of tfjs's webgpu device: a program over flat arrays, and the call that runs it.
interface Program {
  readonly outputShape: number[];
  readonly shaderKey: string;
  readonly variableNames: string[];
  readonly workgroupSize: [number, number, number];
  readonly dispatchLayout: { x: number[] };
  readonly dispatch: [number, number, number];
  readonly size: true;
  readonly uniforms: string;
  getUserCode(): string;
}
interface WebGPUBackend {
  runWebGPUProgram(
    program: Program,
    inputs: TensorInfo[],
    dtype: DataType,
    uniforms: { type: 'int32'; data: number[] }[],
  ): TensorInfo;
}

const WORKGROUP = 64;

/** How a sampler's number comes from 32 random bits: the WGSL functions needed, and the statement that stores it. */
const samplers: { readonly [kernel: string]: readonly [code: string, store: string] } = {
  RandomBits: ['', 'setOutputAtIndexI32(index, bitcast<i32>(bits));'],
  RandomUniform: [uniformCode, 'setOutputAtIndex(index, uniformOfBits(bits));'],
  RandomNormal: [normalCode, 'setOutputAtIndex(index, normalOfBits(bits));'],
};

/** A sampler on webgpu: one thread for each number. */
export function sampleOnWebGPU(name: string, shape: Shape): KernelFunc {
  const [code, store] = samplers[name]!;
  const source = `${threefryCode}${bitsCode}${code}
fn main(index : i32) {
  if (index < uniforms.size) {
    let row = index / uniforms.rowSize;
    let key = vec2<u32>(bitcast<u32>(keys[2 * row]), bitcast<u32>(keys[2 * row + 1]));
    let bits = randomBits(key, u32(index - row * uniforms.rowSize));
    ${store}
  }
}`;
  return onWebGPU(name, shape, ['keys'], 'rowSize', source, ([keys], size) => (2 * size) / Math.max(1, sizeOf(keys!)));
}

/** `ThreefryFold` on webgpu: one thread for each word of the new keys. */
export function foldOnWebGPU(name: string, shape: Shape): KernelFunc {
  const source = `${threefryCode}
fn main(index : i32) {
  if (index < uniforms.size) {
    let row = index / 2;
    let key = vec2<u32>(bitcast<u32>(keys[2 * row]), bitcast<u32>(keys[2 * row + 1]));
    let number = numbers[select(row, 0, uniforms.numberCount == 1)];
    let folded = threefry2x32(key, vec2<u32>(0u, bitcast<u32>(number)));
    setOutputAtIndexI32(index, bitcast<i32>(select(folded.y, folded.x, index % 2 == 0)));
  }
}`;
  return onWebGPU(name, shape, ['keys', 'numbers'], 'numberCount', source, ([, numbers]) => sizeOf(numbers!));
}

/**
 * A kernel whose program reads and writes flat arrays, so that one shader serves every shape. `uniform` names an integer that the shader
 * reads, `value` computes it from the inputs and the size of the result.
 */
function onWebGPU(
  name: string,
  shape: Shape,
  variableNames: string[],
  uniform: string,
  source: string,
  value: (inputs: readonly TensorInfo[], size: number) => number,
): KernelFunc {
  return (call) => {
    const backend = call.backend as unknown as WebGPUBackend;
    const { inputs, result } = kernelCall(shape, call.inputs, call.attrs);
    const size = sizeOf(result);
    const program: Program = {
      outputShape: [size],
      shaderKey: `posteriors${name}`,
      variableNames,
      workgroupSize: [WORKGROUP, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [Math.ceil(size / WORKGROUP), 1, 1],
      size: true,
      uniforms: `${uniform} : i32,`,
      getUserCode: () => source,
    };
    const flat = inputs.map((input) => ({ dataId: input.dataId, dtype: input.dtype, shape: [sizeOf(input)] }));
    const info = backend.runWebGPUProgram(program, flat, result.dtype, [
      { type: 'int32', data: [value(inputs, size)] },
    ]);
    return { dataId: info.dataId, dtype: info.dtype, shape: [...result.shape] };
  };
}

function sizeOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((product, n) => product * n, 1);
}
