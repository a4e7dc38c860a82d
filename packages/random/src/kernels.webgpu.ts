import { onWebGPU, type Shader, type ShapeRule, sizeOf } from '@posteriors/backend';
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { bitsCode, normalCode, threefryCode, uniformCode } from './wgsl.ts';

/** How a sampler's number comes from 32 random bits: the WGSL functions needed, and the statement that stores it. */
const samplers: { readonly [kernel: string]: readonly [code: string, store: string] } = {
  RandomBits: ['', 'setOutputAtIndexI32(index, bitcast<i32>(bits));'],
  RandomUniform: [uniformCode, 'setOutputAtIndex(index, uniformOfBits(bits));'],
  RandomNormal: [normalCode, 'setOutputAtIndex(index, normalOfBits(bits));'],
};

/** A sampler on webgpu: one thread for each number. */
export function sampleOnWebGPU(name: string, shape: ShapeRule): KernelFunc {
  const [code, store] = samplers[name]!;
  const shader: Shader = {
    reads: ['keys'],
    integers: ['rowSize'],
    functions: `${threefryCode}${bitsCode}${code}`,
    statements: `
    let row = index / uniforms.rowSize;
    let key = vec2<u32>(bitcast<u32>(keys[2 * row]), bitcast<u32>(keys[2 * row + 1]));
    let bits = randomBits(key, u32(index - row * uniforms.rowSize));
    ${store}`,
  };
  return onWebGPU(name, shader, (inputs, attributes) => {
    const result = shape(inputs, attributes);
    const rows = sizeOf(inputs[0]!.shape) / 2;
    return { ...result, integers: [sizeOf(result.shape) / Math.max(1, rows)] };
  });
}

/** `ThreefryFold` on webgpu: one thread for each word of the new keys. */
export function foldOnWebGPU(name: string, shape: ShapeRule): KernelFunc {
  const shader: Shader = {
    reads: ['keys', 'numbers'],
    integers: ['numberCount'],
    functions: threefryCode,
    statements: `
    let row = index / 2;
    let key = vec2<u32>(bitcast<u32>(keys[2 * row]), bitcast<u32>(keys[2 * row + 1]));
    let number = numbers[select(row, 0, uniforms.numberCount == 1)];
    let folded = threefry2x32(key, vec2<u32>(0u, bitcast<u32>(number)));
    setOutputAtIndexI32(index, bitcast<i32>(select(folded.y, folded.x, index % 2 == 0)));`,
  };
  return onWebGPU(name, shader, (inputs, attributes) => ({
    ...shape(inputs, attributes),
    integers: [sizeOf(inputs[1]!.shape)],
  }));
}
