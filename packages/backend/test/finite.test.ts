import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { allFinite, setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';

const bad = [Number.NaN, -Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const largest = 3.4028234663852886e38;

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  test.each([0, 1, 2, 3, 4, 15, 16, 17, 31, 33, 100])(
    '%i elements, of which each in turn is not finite',
    async (size) => {
      await setBackend(device);
      const values = Float32Array.from({ length: size }, (_, i) => [0, -0, largest, -largest, 1e-45][i % 5] as number);
      const finite = (): boolean => tf.tidy(() => allFinite(tf.backend(), tf.tensor1d(values)));
      expect(finite()).toBe(true);
      for (let i = 0; i < size; i++) {
        const good = values[i] as number;
        for (const value of bad) {
          values[i] = value;
          expect(finite(), `${value} at ${i}`).toBe(false);
        }
        values[i] = good;
      }
      expect(finite()).toBe(true);
    },
  );
});
