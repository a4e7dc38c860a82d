// Golden numbers of jax.random; tooling/golden/random_golden.py regenerates them.
import type { Tensor } from '@tensorflow/tfjs-core';
import golden from './golden/random.json' with { type: 'json' };

export { golden };

export const hostKey = (words: readonly number[]): Uint32Array => Uint32Array.from(words);

/** Float32 numbers from the integers that hold their bits. */
export const floats = (words: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(words).buffer);

/** The bits of a tensor's elements, as the golden numbers hold them. */
export function words(tensor: Tensor): number[] {
  const values = tensor.dataSync() as Float32Array | Int32Array;
  return Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length));
}
