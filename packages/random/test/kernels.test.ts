// The functions in WebAssembly, which take four numbers or keys at a time, against those in JavaScript, at every remainder.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { range, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { bits, foldIn, type Key, key, keyTensor, normal, split, uniform } from '../src/index.ts';
import { words } from './golden.ts';

const lengths = Array.from({ length: 14 }, (_, i) => i);
const numbers = (count: number): Tensor => range(-3, count - 3, 1, 'int32');
const keys = (count: number): Tensor => keyTensor(split(key(11), count));

/** What comes of `draw` at all lengths, on a device. */
async function drawn(device: 'cpu' | 'wasm', draw: (length: number) => Tensor): Promise<number[][]> {
  await setBackend(device);
  return lengths.map((length) => tidy(() => words(draw(length))));
}

test.each<[string, (key: Key, shape: number[]) => Tensor]>([
  ['bits', bits],
  ['uniform', uniform],
  ['normal', normal],
])('%s of one key and of several', async (_, sample) => {
  for (const count of [1, 2, 5]) {
    const draw = (length: number): Tensor => sample(keys(count), [length]);
    const expected = await drawn('cpu', draw);
    expect(await drawn('wasm', draw)).toEqual(expected);
    expect(expected.map((row) => row.length)).toEqual(lengths.map((length) => count * length));
  }
});

test('foldIn of one number into every key, and of one into each', async () => {
  for (const data of [() => scalar(-7, 'int32'), numbers]) {
    const folded = (length: number): Tensor => foldIn(keys(length + 1), data(length + 1));
    expect(await drawn('wasm', folded)).toEqual(await drawn('cpu', folded));
  }
});

test('foldIn of many numbers into a single key', async () => {
  const folded = (length: number): Tensor => foldIn(keyTensor(key(5)), numbers(length + 1));
  expect(await drawn('wasm', folded)).toEqual(await drawn('cpu', folded));
});
