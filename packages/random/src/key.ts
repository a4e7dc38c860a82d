import { broadcastTo, clone, scalar, Tensor, tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { fold } from './kernels.ts';
import { threefry2x32 } from './threefry.ts';

/**
 * What a draw depends on: a pair of 32-bit words. On the host a `Uint32Array` of length 2; on the device an int32 tensor of shape
 * `[...batch, 2]`, one key per row, for many chains at once and for keys that are computed inside of a trace.
 */
export type Key = Uint32Array | Tensor;

/** Keys that come from a key are where it is: on the host or on the device. */
type Like<K extends Key> = K extends Uint32Array ? Uint32Array : Tensor;

/**
 * The key of a seed, `[high word, low word]` of the seed as a 64-bit integer, as `jax.random.key` has it.
 *
 * Throws when the seed is not an integer in `[0, 2^53)`.
 */
export function key(seed: number): Uint32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new Error(`random.key: the seed is ${seed}; give an integer from 0 to 2^53 - 1`);
  }
  return Uint32Array.of(Math.floor(seed / 2 ** 32), seed % 2 ** 32);
}

/** A key from the system's source of randomness (`crypto`), for runs that need not be repeated. */
export function randomKey(): Uint32Array {
  return crypto.getRandomValues(new Uint32Array(2));
}

/**
 * `count` new keys, independent of each other and of the key they come from, which should not be used again. Key `i` is
 * `foldIn(key, i)`; equals `jax.random.split`.
 *
 * @param key a host key gives host keys; a tensor `[...batch, 2]` gives `count` tensors of that shape, which the caller owns.
 * @param count how many, an integer of at least 1; 2 by default.
 * @throws if the count is no such integer.
 */
export function split<K extends Key>(key: K): [Like<K>, Like<K>];
export function split<K extends Key>(key: K, count: number): Like<K>[];
export function split(key: Key, count: number = 2): Key[] {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`random.split: the count is ${count}; give an integer of at least 1`);
  }
  return Array.from({ length: count }, (_, i) => foldIn(key, i));
}

/**
 * A new key from a key and a number, such as the index of a step or of a chain. Equals `jax.random.fold_in`.
 *
 * @param key a host key, or a tensor `[...batch, 2]`.
 * @param data an integer from 0 to 2^32 - 1, or an int32 tensor: a scalar, one number for each key (shape `[...batch]`), or any shape
 *   when the key is a single one.
 * @returns a host key when the key is on the host and `data` is a number; else a tensor: the new keys, shaped as the keys, or
 *   `[...data.shape, 2]` for a single key.
 */
export function foldIn<K extends Key>(key: K, data: number): Like<K>;
export function foldIn(key: Key, data: Tensor): Tensor;
export function foldIn(key: Key, data: number | Tensor): Key {
  if (!(data instanceof Tensor || (Number.isInteger(data) && data >= 0 && data < 2 ** 32))) {
    throw new Error(`random.foldIn: the data is ${data}; give an integer from 0 to 2^32 - 1`);
  }
  if (isHostKey(key, 'foldIn') && typeof data === 'number') {
    const [first, second] = threefry2x32(key[0]!, key[1]!, 0, data);
    return Uint32Array.of(first, second);
  }
  return tidy(() => {
    const keys = keyTensor(key);
    const numbers = typeof data === 'number' ? scalar(data | 0, 'int32') : data;
    return fold([keys.rank === 1 ? broadcastTo(keys, [...numbers.shape, 2]) : keys, numbers], {});
  });
}

/**
 * Keys as an int32 tensor that the caller owns: `[2]` for a key on the host, `[n, 2]` for an array of n host keys; a key that is a
 * tensor already is cloned (a reference count, no copy).
 *
 * @throws if the argument is no key, or a key in the array is not on the host.
 */
export function keyTensor(key: Key | readonly Uint32Array[]): Tensor {
  if (!isList(key)) return isHostKey(key, 'keyTensor') ? tensor1d(new Int32Array(key), 'int32') : clone(key);
  const words = new Int32Array(2 * key.length);
  key.forEach((each, i) => {
    if (!isHostKey(each, 'keyTensor'))
      throw new Error(`random.keyTensor: key ${i} of the array is a tensor; use tf.stack`);
    words.set(each, 2 * i);
  });
  return tensor(words, [key.length, 2], 'int32');
}

const isList = (key: Key | readonly Uint32Array[]): key is readonly Uint32Array[] => Array.isArray(key);

/** Whether the key is on the host; throws when it is no key. */
export function isHostKey(key: Key, name: string): key is Uint32Array {
  if (key instanceof Uint32Array) {
    if (key.length === 2) return true;
    throw new Error(
      `random.${name}: a key on the host has 2 words, this one has ${key.length}; make it by key(seed) or split`,
    );
  }
  if (key instanceof Tensor) {
    if (key.dtype === 'int32' && key.shape[key.rank - 1] === 2) return false;
    throw new Error(
      `random.${name}: a key on the device is an int32 tensor [...batch, 2], this one is ${key.dtype} [${key.shape}]; make it by keyTensor`,
    );
  }
  throw new Error(`random.${name}: ${JSON.stringify(key)} is no key; make one by key(seed)`);
}
