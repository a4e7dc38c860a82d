// Conjugate gradients against direct solutions, stopping, preconditioned, and inside of other transforms.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type CgInfo, cg, cgAsync, ggnvp, grad, jit, vmap } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const times =
  (matrix: Tensor) =>
  (x: Tensor): Tensor =>
    tf.reshape(tf.matMul(matrix as tf.Tensor2D, tf.reshape(x, [-1, 1]) as tf.Tensor2D), [-1]);
const small = times(tf.tensor2d([[4, 1], [1, 3]])); // biome-ignore format: a matrix
const b: Tensor = tf.tensor1d([1, 2]);

describe.each(['cg', 'cgAsync'] as const)('%s', (name) => {
  const solve = (name === 'cg' ? cg : cgAsync) as typeof cgAsync;

  test('solves, and reports how', async () => {
    const [x, { error, converged, niter }] = await solve(small, b);
    expectTypeOf(x).toEqualTypeOf<Tensor>();
    expect(x).toBeAllClose([1 / 11, 7 / 11]);
    expect([error.shape, converged.shape, niter.shape]).toEqual([[], [], []]);
    expect([converged.dtype, niter.dtype]).toEqual(['bool', 'int32']);
    expect(niter).toBeAllClose(2);
    expect(converged.dataSync()[0]).toBe(1);
    expect(error.dataSync()[0]).toBeLessThanOrEqual(5e-10);
  });

  test('with damping', async () => {
    expect((await solve(small, b, { damping: 1 }))[0]).toBeAllClose([2 / 19, 9 / 19]);
    expect((await solve(small, b, { damping: tf.scalar(1) }))[0]).toBeAllClose([2 / 19, 9 / 19]);
  });

  test('from where it is told to start, which may be the solution', async () => {
    const [x, { niter }] = await solve(small, b, { x0: tf.tensor1d([5, -3]) as Tensor });
    expect(x).toBeAllClose([1 / 11, 7 / 11]);
    expect(niter).toBeAllClose(2);
    const x0 = tf.tensor1d([1 / 11, 7 / 11]) as Tensor;
    const [same, info] = await solve(small, b, { x0 });
    expect(same).toBeAllClose(x0, { rtol: 0, atol: 0 });
    expect(info.niter).toBeAllClose(0);
    const [nothing, { niter: none, converged }] = await solve(small, tf.zeros([2]));
    expect(nothing).toBeAllClose([0, 0]);
    expect(none).toBeAllClose(0);
    expect(converged.dataSync()[0]).toBe(1);
  });

  test('stops after maxiter, or within a tolerance', async () => {
    const [, info] = await solve(small, b, { maxiter: 1 });
    expect(info.niter).toBeAllClose(1);
    expect(info.converged.dataSync()[0]).toBe(0);
    const [x, { niter, error, converged }] = await solve(small, b, { atol: 1 });
    expect(niter).toBeAllClose(1);
    expect(converged.dataSync()[0]).toBe(1);
    const residual = tf.sub(b, small(x));
    expect(error).toBeAllClose(tf.sum(tf.square(residual)));
    expect((await solve(small, b, { tol: 0.9, maxiter: 0 }))[1].niter).toBeAllClose(0);
    expect((await solve(small, b, { tol: 0.9 }))[1].niter).toBeAllClose(1);
  });

  test('uses the preconditioner from the first direction (guards against posteriors 0.1.2, whose first direction leaves it out)', async () => {
    const diagonal = tf.tensor1d([1, 100, 1e4]) as Tensor;
    const A = (x: Tensor): Tensor => tf.mul(diagonal, x);
    const right = tf.tensor1d([1, -2, 3]) as Tensor;
    const [x, { niter, converged, error }] = await solve(A, right, { preconditioner: (r) => tf.div(r, diagonal) });
    expect(x).toBeAllClose(tf.div(right, diagonal));
    expect(niter).toBeAllClose(1);
    expect(converged.dataSync()[0]).toBe(1);
    expect(error).toBeAllClose(tf.sum(tf.square(tf.sub(right, A(x)))), { atol: 1e-9 });
  });

  test('of trees, and of a curvature matrix', async () => {
    const params = { w: tf.tensor2d([[0.5, -1], [0.25, 1]]) as Tensor, b: tf.tensor1d([0.1, 0.2]) as Tensor }; // biome-ignore format: a matrix
    const x = tf.tensor2d([[1, 2], [-1, 0.5], [0.3, 0.7]]); // biome-ignore format: a matrix
    const forward = ({ w, b }: typeof params): Tensor => tf.add(tf.matMul(x, w as tf.Tensor2D), b);
    const loss = (z: Tensor): Tensor => tf.sum(tf.square(z));
    const A = (v: typeof params): typeof params => ggnvp(forward, loss, [params], [v])[1];
    const [solution, { converged }] = await solve(A, params, { damping: 0.1 });
    expect(converged.dataSync()[0]).toBe(1);
    const back = A(solution);
    for (const key of ['w', 'b'] as const) {
      expect(tf.add(back[key], tf.mul(0.1, solution[key]))).toBeAllClose(params[key], { rtol: 1e-4, atol: 1e-4 });
    }
  });

  test.each(['cpu', 'wasm'] as const)('leaves what it returns on %s, also where it throws', async (device) => {
    await setBackend(device);
    const [diagonal, right] = [tf.tensor1d([1, 2, 30]) as Tensor, tf.tensor1d([1, -2, 3]) as Tensor];
    const options = { preconditioner: (r: Tensor) => tf.mul(r, 0.5), x0: right };
    await expectNoLeak(async () => {
      tf.dispose((await solve((x) => tf.mul(diagonal, x), right, options)) as [Tensor, CgInfo]);
      const run = async () => await solve(() => tf.scalar(1) as never, right);
      await expect(run).rejects.toThrow(`${name}: the result of A $ is float32[] and must be float32[3]`);
    });
    tf.dispose([diagonal, right]);
    await setBackend('cpu');
  });
});

describe('inside of other transforms', () => {
  const matrices: Tensor = tf.tensor3d([[[4, 1], [1, 3]], [[2, 0.5], [0.5, 1]]]); // biome-ignore format: matrices
  const solve = (matrix: Tensor, right: Tensor): ReturnType<typeof cg<Tensor>> =>
    cg(times(matrix), right, { maxiter: 6 });
  const [first] = tf.unstack(matrices) as [Tensor];

  test('further iterations change nothing', () => {
    const [x, { niter, converged }] = jit(solve)(first, b);
    expect(x).toBeAllClose([1 / 11, 7 / 11]);
    expect(niter).toBeAllClose(2);
    expect(converged.dataSync()[0]).toBe(1);
    expect(jit((right: Tensor) => cg(small, right))(tf.zeros([2]))[0]).toBeAllClose([0, 0]);
  });

  test('batched, each example stops by itself', () => {
    const rights = tf.stack([b, tf.zeros([2])]);
    const [x, { niter }] = vmap(solve)(matrices, rights);
    expect(x).toBeAllClose([[1 / 11, 7 / 11], [0, 0]]); // biome-ignore format: rows
    expect(niter).toBeAllClose([2, 0]);
  });

  test('differentiated, also after it has converged', () => {
    // d(sum x)/db = A^-1 1 and d(sum x)/dA = -(A^-1 1) x^T.
    const [byMatrix, byRight] = grad(([matrix, right]: [Tensor, Tensor]) => tf.sum(solve(matrix, right)[0]))([
      first,
      b,
    ]);
    expect(byRight).toBeAllClose([2 / 11, 3 / 11], { rtol: 1e-3 });
    // Of the symmetric part: of another matrix the method solves nothing.
    const gradient = tf.tensor2d([[-2, -14], [-3, -21]].map((row) => row.map((value) => value / 121))); // biome-ignore format: a matrix
    expect(tf.add(byMatrix, tf.transpose(byMatrix))).toBeAllClose(tf.add(gradient, tf.transpose(gradient)), {
      rtol: 1e-3,
    });
    expect(
      grad((right: Tensor) => tf.sum(solve(first, right)[0]))(tf.zeros([2]))
        .dataSync()
        .every(Number.isFinite),
    ).toBe(true);
  });
});

test('errors name the function and the tensor', () => {
  expect(() => cg(small, { a: 1 } as never)).toThrow('cg: the tensor of b $.a is not a tensor but number');
  expect(() => cg(small, b, { x0: tf.zeros([3]) })).toThrow('cg: the start x0 $ is float32[3] and must be float32[2]');
  expect(() => cg(() => [b, b] as never, b)).toThrow('cg: the result of A has structure [*, *] and must have *');
  expect(() => cg(small, b, { preconditioner: () => tf.scalar(1) })).toThrow(
    'cg: the result of the preconditioner $ is float32[] and must be float32[2]',
  );
});
