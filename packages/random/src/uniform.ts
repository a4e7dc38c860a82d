/**
 * Random bits as float32 numbers in [0, 1): the upper 23 bits times 2^-23. This equals `jax.random.uniform`, which puts the same bits into
 * the mantissa of a number in [1, 2) and subtracts 1.
 */
export function fillUniform(out: Float32Array, bits: Int32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = (bits[i]! >>> 9) * 2 ** -23;
}
