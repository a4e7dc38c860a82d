/** The kernels of this package, added by the extension point that every package may use. Importing this file registers them. */
import { defineKernel } from '@posteriors/autodiff';
import {
  type Attributes,
  type Aval,
  call,
  type HostValues,
  input,
  kernelOfCalls,
  kernelOfFill,
  result,
  sameShape,
  sizeOf,
  wasmFunctions,
} from '@posteriors/backend';
import { broadcastTo, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { binary } from './kernels.wasm.ts';
import { foldOnWebGPU, sampleOnWebGPU } from './kernels.webgpu.ts';
import { fillNormal } from './normal.ts';
import { fillBits, fillFolded } from './threefry.ts';
import { fillUniform } from './uniform.ts';

type Name = 'fillBits' | 'fillUniform' | 'fillNormal' | 'fold';

/** The functions of `assembly`. */
const assembly = wasmFunctions<Name>(binary);

type Kernel = (inputs: readonly Tensor[], attributes: Attributes) => Tensor;

const shapeOf = (attributes: Attributes): readonly number[] => attributes.shape as readonly number[];

/**
 * A kernel that draws `shape` numbers for each key: `[...batch, 2] -> [...batch, ...shape]`. `convert` makes them of random bits, which may
 * lie in the same memory; `inPlace` is the function that does both in WebAssembly.
 */
function defineSampler(
  name: string,
  dtype: 'int32' | 'float32',
  convert: (bits: Int32Array, out: Float32Array) => void,
  inPlace: Name,
): Kernel {
  const shape = ([keys]: readonly Aval[], attributes: Attributes): Aval => ({
    shape: [...keys!.shape.slice(0, -1), ...shapeOf(attributes)],
    dtype,
  });
  const rowsOf = (keys: Aval): number => sizeOf(keys.shape) / 2;
  const fill = (out: HostValues, [keys]: readonly HostValues[]): void => {
    const rows = keys!.length / 2;
    const size = rows === 0 ? 0 : out.length / rows;
    const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
    for (let row = 0; row < rows; row++) {
      fillBits(bits.subarray(row * size, (row + 1) * size), keys![2 * row]!, keys![2 * row + 1]!);
    }
    if (dtype === 'float32') convert(bits, out as Float32Array);
  };
  const sample: Kernel = defineKernel({
    name,
    shape,
    derivative: 'zero',
    // Each row of a tensor of keys is a key of its own already.
    batch: (inputs, _batched, attributes) => sample(inputs, attributes),
    run: {
      cpu: kernelOfFill((inputs, attributes) => ({ result: shape(inputs, attributes), fill })),
      wasm: kernelOfCalls(({ inputs, attributes }) => ({
        result: shape(inputs, attributes),
        calls: [call(assembly, inPlace, result(), input(0), rowsOf(inputs[0]!), sizeOf(shapeOf(attributes)))],
      })),
      webgpu: sampleOnWebGPU(name, shape),
    },
  });
  return sample;
}

/** Random bits, `RandomBits {shape}`. */
export const sampleBits: Kernel = defineSampler('RandomBits', 'int32', () => {}, 'fillBits');

/** Uniform numbers in [0, 1), `RandomUniform {shape}`. */
export const sampleUniform: Kernel = defineSampler(
  'RandomUniform',
  'float32',
  (bits, out) => fillUniform(out, bits),
  'fillUniform',
);

/** Standard normal numbers, `RandomNormal {shape}`. */
export const sampleNormal: Kernel = defineSampler(
  'RandomNormal',
  'float32',
  (bits, out) => fillNormal(out, bits),
  'fillNormal',
);

const foldShape = ([keys, numbers]: readonly Aval[]): Aval => {
  const batch = keys!.shape.slice(0, -1);
  if (numbers!.dtype !== 'int32' || !(numbers!.shape.length === 0 || sameShape(numbers!.shape, batch))) {
    throw new Error(
      `random.foldIn: keys of shape [${keys!.shape}] take an int32 scalar or int32 numbers of shape [${batch}], not ${numbers!.dtype} [${numbers!.shape}]`,
    );
  }
  return keys!;
};

/** New keys from keys and numbers, `ThreefryFold`: `[...batch, 2], [...batch] or [] -> [...batch, 2]`. */
export const fold: Kernel = defineKernel({
  name: 'ThreefryFold',
  shape: foldShape,
  derivative: 'zero',
  batch: ([keys, numbers], [keysBatched, numbersBatched], attributes, size) => {
    const batch = keysBatched ? keys!.shape : [size, ...keys!.shape];
    const allKeys = keysBatched ? keys! : broadcastTo(keys!, batch);
    if (!numbersBatched && numbers!.rank === 0) return fold([allKeys, numbers!], attributes);
    const inner = numbersBatched ? numbers!.shape.slice(1) : numbers!.shape;
    const aligned = [numbersBatched ? size : 1, ...new Array(batch.length - 2 - inner.length).fill(1), ...inner];
    return fold([allKeys, broadcastTo(reshape(numbers!, aligned), batch.slice(0, -1))], attributes);
  },
  run: {
    cpu: kernelOfFill((inputs) => ({ result: foldShape(inputs), fill: fillFoldedKeys })),
    wasm: kernelOfCalls(({ inputs }) => {
      const [keys, numbers] = [inputs[0]!, inputs[1]!];
      const stride = sizeOf(numbers.shape) === 1 ? 0 : 4;
      const count = sizeOf(keys.shape) / 2;
      return {
        result: foldShape(inputs),
        calls: [call(assembly, 'fold', result(), input(0), input(1), stride, count)],
      };
    }),
    webgpu: foldOnWebGPU('ThreefryFold', foldShape),
  },
});

function fillFoldedKeys(out: HostValues, [keys, numbers]: readonly HostValues[]): void {
  fillFolded(out as Int32Array, keys!, numbers!);
}
