// The normal numbers of wasm have the bits of those in JavaScript, for each of the 2^23 values that random bits stand for.
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expect, test } from 'vitest';
import { bits, foldIn, key, normal } from '../src/index.ts';
import { fillNormal } from '../src/normal.ts';

const values = 2 ** 23;
const size = 2 ** 20;
// Of 2^28 draws no value is left out, but for a chance of 2^23 exp(-2^28 / 2^23), 1e-7; the keys are fixed.
const draws = 2 ** 28;

test('all values', async () => {
  await setBackend('wasm');
  const everyBits = Int32Array.from({ length: values }, (_, value) => value << 9);
  const expected = new Int32Array(values);
  fillNormal(new Float32Array(expected.buffer), everyBits);
  const seen = new Uint8Array(values);
  for (let i = 0; i < draws / size; i++) {
    const host = foldIn(key(0), i);
    const [drawnBits, numbers] = [bits(host, [size]), normal(host, [size])];
    const from = drawnBits.dataSync();
    const drawn = new Int32Array(numbers.dataSync().buffer);
    let wrong = 0;
    for (let j = 0; j < size; j++) {
      const value = from[j]! >>> 9;
      seen[value] = 1;
      if (drawn[j] !== expected[value]) wrong++;
    }
    expect(wrong).toBe(0);
    drawnBits.dispose();
    numbers.dispose();
  }
  expect(seen.indexOf(0)).toBe(-1);
}, 120_000);
