import { isHostKey, split } from './key.ts';
import { fillBits } from './threefry.ts';

/**
 * The numbers 0 to `size - 1` in random order, such as the order in which an epoch visits its data. Equals `jax.random.permutation`:
 * repeated stable sorts by random bits, often enough that ties do not matter.
 *
 * @param key a key on the host: the result is made on the host, and reading a device is not possible synchronously everywhere.
 * @param size how many numbers, a non-negative integer.
 */
export function permutation(key: Uint32Array, size: number): Int32Array {
  if (!Number.isSafeInteger(size) || size < 0 || size >= 2 ** 31) {
    throw new Error(`random.permutation: the size is ${size}; give an integer from 0 to 2^31 - 1`);
  }
  if (!isHostKey(key, 'permutation')) {
    throw new Error(
      'random.permutation: the key is a tensor; give a key on the host, as key(seed) and split(key) make them',
    );
  }
  const rounds = Math.ceil((3 * Math.log(Math.max(1, size))) / Math.log(2 ** 32 - 1));
  let order: Int32Array = Int32Array.from({ length: size }, (_, i) => i);
  let next = key;
  for (let round = 0; round < rounds; round++) {
    const [rest, current] = split(next);
    const sortKeys = new Int32Array(size);
    fillBits(sortKeys, current[0]!, current[1]!);
    order = stableSort(order, sortKeys);
    next = rest;
  }
  return order;
}

/** The values in the order of their keys, taken as unsigned: a radix sort, least significant byte first. */
function stableSort(values: Int32Array, keys: Int32Array): Int32Array {
  let fromKeys: Int32Array = keys;
  let fromValues: Int32Array = values;
  let toKeys: Int32Array = new Int32Array(keys.length);
  let toValues: Int32Array = new Int32Array(keys.length);
  const starts = new Int32Array(257);
  for (let shift = 0; shift < 32; shift += 8) {
    starts.fill(0);
    for (const key of fromKeys) starts[((key >>> shift) & 255) + 1]!++;
    for (let byte = 0; byte < 256; byte++) starts[byte + 1]! += starts[byte]!;
    for (let i = 0; i < fromKeys.length; i++) {
      const position = starts[(fromKeys[i]! >>> shift) & 255]!++;
      toKeys[position] = fromKeys[i]!;
      toValues[position] = fromValues[i]!;
    }
    [fromKeys, toKeys] = [toKeys, fromKeys];
    [fromValues, toValues] = [toValues, fromValues];
  }
  return fromValues;
}
