// Fourier transforms on webgpu, whose cosines lose digits at large angles. Skipped where there is no adapter.
import { setBackend } from '@posteriors/backend';
import { expectNoLeak, provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { grad, jit } from '../src/index.ts';

type Tensor = tf.Tensor;

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  test.each([1, 2, 15, 34, 128, 360, 997, 1000, 4096])('rows of length %i, to 2e-6 of the largest value', async (n) => {
    const random = Array.from({ length: 4 * n }, (_, i) => Math.fround(Math.sin(3.3 * i * i)));
    const [re, im] = [random.slice(0, 2 * n), random.slice(2 * n)];
    const transform = jit((a: Tensor, b: Tensor) => {
      const z = tf.spectral.fft(tf.complex(a, b));
      return [tf.real(z), tf.imag(z)];
    });
    const results = transform(tf.tensor2d(re, [2, n]), tf.tensor2d(im, [2, n]));
    const [real, imag] = (await Promise.all(results.map((each) => each.data()))) as [Float32Array, Float32Array];
    const places = [...new Set(Array.from({ length: 40 }, (_, i) => (i * 29) % n))];
    let [error, largest] = [0, 0];
    for (const row of [0, n]) {
      for (const k of places) {
        let [a, b] = [0, 0];
        for (let j = 0; j < n; j++) {
          const angle = (-2 * Math.PI * ((j * k) % n)) / n;
          a += re[row + j]! * Math.cos(angle) - im[row + j]! * Math.sin(angle);
          b += re[row + j]! * Math.sin(angle) + im[row + j]! * Math.cos(angle);
        }
        error = Math.max(error, Math.abs(a - real[row + k]!), Math.abs(b - imag[row + k]!));
        largest = Math.max(largest, Math.abs(a), Math.abs(b));
      }
    }
    expect(error).toBeLessThan(2e-6 * largest);
    tf.dispose(results);
  });

  test('sizes and quotients of numbers whose squares float32 does not hold', async () => {
    const f = jit((a: Tensor, b: Tensor) => {
      const z = tf.complex(a, b);
      return [tf.abs(z), tf.real(tf.div(z, tf.complex(b, a)))];
    });
    const results = f(tf.tensor1d([3e30, -3e-30, 0]), tf.tensor1d([4e30, 4e-30, 0]));
    const [sizes, quotients] = (await Promise.all(results.map((each) => each.data()))) as [Float32Array, Float32Array];
    expect([sizes[0]! / 5e30, sizes[1]! / 5e-30, sizes[2]]).toBeAllClose([1, 1, 0], { rtol: 1e-6 });
    expect(quotients.slice(0, 2)).toBeAllClose([0.96, -0.96]);
  });

  test('a complex tensor from outside that was computed there names the remedy', async () => {
    const x = tf.tensor1d([1, 2]);
    const outside = (): Tensor => tf.complex([1, 2], [3, 4]);
    const made = tf.tidy(outside);
    const computed = tf.tidy(() => tf.mul(outside(), outside()));
    const loss =
      (z: Tensor) =>
      (v: Tensor): Tensor =>
        tf.sum(tf.imag(tf.mul(tf.complex(v, v), z)));
    expect([...(await grad(loss(made))(x).data())]).toEqual([4, 6]);
    expectNoLeak(() => {
      expect(() => grad(loss(computed))(x)).toThrow(
        /^a tensor complex64\[2\] from outside.*could not be read.*its real and its imaginary part outside.*tf.complex inside/,
      );
    });
  });
});
