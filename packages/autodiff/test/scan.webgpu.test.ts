// Loops, rematerialisation and conjugate gradients on webgpu. Skipped where there is no adapter.
import { setBackend } from '@posteriors/backend';
import { expectNoLeak, provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cg, cgAsync, checkpoint, grad, jit, scan, vmap } from '../src/index.ts';

type Tensor = tf.Tensor;

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  test('a loop and its derivative, kept and computed again', async () => {
    const [start, xs] = [tf.tensor1d([1, 2]) as Tensor, tf.tensor2d([[1, 2], [3, 4], [5, 6]]) as Tensor]; // biome-ignore format: a matrix
    const product = (wrap: <F extends (carry: Tensor, x: Tensor) => Tensor>(f: F) => F) => (c: Tensor) => {
      const step = wrap((carry: Tensor, x: Tensor): Tensor => tf.mul(carry, x));
      return tf.sum(scan((carry: Tensor, x: Tensor) => [step(carry, x), carry], c, xs)[0]);
    };
    const rows = tf.stack([start, start]);
    for (const f of [product((step) => step), product(checkpoint as never)]) {
      const [one, both] = [jit(grad(f)), jit(vmap(grad(f)))];
      const slopes = [one(start), both(rows)];
      expect([...(await slopes[0]!.data())]).toEqual([15, 48]);
      expect([...(await slopes[1]!.data())]).toEqual([15, 48, 15, 48]);
      // The collector of garbage would do so at any time, and change what later tests count.
      tf.dispose(slopes);
      one.dispose();
      both.dispose();
    }
    tf.dispose([start, xs, rows]);
  });

  test('conjugate gradients', async () => {
    const [diagonal, right] = [tf.tensor1d([1, 4, 9]) as Tensor, tf.tensor1d([1, 2, 3]) as Tensor];
    const A = (x: Tensor): Tensor => tf.mul(diagonal, x);
    await expectNoLeak(async () => {
      const [synchronous, asynchronous] = [cg(A, right, { maxiter: 5 }), await cgAsync(A, right)];
      for (const [x, { niter, converged }] of [synchronous, asynchronous]) {
        expect([...(await x.data())].map((value) => value.toFixed(4))).toEqual(['1.0000', '0.5000', '0.3333']);
        expect([...(await niter.data())]).toEqual([3]);
        expect([...(await converged.data())]).toEqual([1]);
        tf.dispose([x, niter, converged]);
      }
      tf.dispose([synchronous[1].error, asynchronous[1].error]);
    });
  });
});
