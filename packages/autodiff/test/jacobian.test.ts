// Jacobians and Hessians against closed forms, of trees, and against each other.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { grad, hessian, jacfwd, jacrev, jit, vmap } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Params = { w: Tensor; b: Tensor };

const w: Tensor = tf.tensor2d([[1, -2, 0.5], [0.25, 3, -1]]); // biome-ignore format: a matrix
const params: Params = { w, b: tf.tensor1d([0.5, -1]) };
const x: Tensor = tf.tensor1d([2, -1, 0.5]);
const product = (m: Tensor, v: Tensor): Tensor =>
  tf.reshape(tf.matMul(m as tf.Tensor2D, tf.reshape(v, [-1, 1]) as tf.Tensor2D), [m.shape[0] as number]);
const affine = ({ w, b }: Params, input: Tensor): Tensor => tf.add(product(w, input), b);
const both = [
  ['jacrev', jacrev],
  ['jacfwd', jacfwd],
] as const;

describe.each(both)('%s', (name, jacobian) => {
  test('of a vector function: leaves of shape [...s, ...t]', () => {
    const result = jacobian(affine)(params, x);
    expectTypeOf(result).toEqualTypeOf<Params>();
    const [one, zero] = [[2, -1, 0.5], [0, 0, 0]]; // biome-ignore format: rows
    expect(result).toBeAllClose({ w: [[one, zero], [zero, one]], b: [[1, 0], [0, 1]] }); // biome-ignore format: rows
  });

  test('of trees of values of several shapes, among them constants and the parameters themselves', () => {
    const f = ({ w, b }: Params): { outer: Tensor; parts: Tensor[]; none: null; same: Tensor; fixed: Tensor } => ({
      outer: tf.outerProduct(b as tf.Tensor1D, b as tf.Tensor1D),
      parts: [tf.sum(tf.square(w)), tf.sum(w, 0)],
      none: null,
      same: b,
      fixed: tf.ones([1, 2]),
    });
    const result = jacobian(f)(params);
    expectTypeOf(result.outer).toEqualTypeOf<Params>();
    const zerosOf = (...shape: number[]): Params => ({ w: tf.zeros([...shape, 2, 3]), b: tf.zeros([...shape, 2]) });
    const ones = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]; // biome-ignore format: rows
    expect(result).toBeAllClose({
      outer: { w: zerosOf(2, 2).w, b: [[[1, 0], [-1, 0.5]], [[-1, 0.5], [0, -2]]] },
      parts: [
        { w: tf.mul(2, w), b: [0, 0] },
        { w: ones.map((row) => [row, row]), b: zerosOf(3).b },
      ],
      none: null,
      same: { w: zerosOf(2).w, b: [[1, 0], [0, 1]] },
      fixed: zerosOf(1, 2),
    }); // biome-ignore format: rows
  });

  test('hands out aux', () => {
    const f = (v: Tensor): [Tensor, { sum: Tensor }] => [tf.mul(v, v), { sum: tf.sum(v) }];
    const [matrix, aux] = jacobian(f, { hasAux: true })(x);
    expectTypeOf(aux).toEqualTypeOf<{ sum: Tensor }>();
    expect(matrix).toBeAllClose(tf.diag(tf.mul(2, x)));
    expect(aux).toBeAllClose({ sum: 1.5 });
  });

  test('batched, compiled, and differentiated', () => {
    const f = (v: Tensor): Tensor => tf.mul(tf.sin(v), tf.sum(v));
    const rows = tf.stack([x, tf.neg(x)]);
    const all = vmap(jacobian(f))(rows);
    expect(all).toBeAllClose(tf.stack([jacobian(f)(x), jacobian(f)(tf.neg(x))]));
    expect(jit(vmap(jacobian(f)))(rows)).toBeAllClose(all);
    // d/dx of the trace: cos(x) sum(x) + sin(x), summed, again differentiated.
    const trace = (v: Tensor): Tensor => tf.sum(tf.mul(jacobian(f)(v), tf.eye(3)));
    const expected = tf.tidy(() => tf.add(tf.add(tf.mul(tf.neg(tf.sin(x)), tf.sum(x)), tf.sum(tf.cos(x))), tf.cos(x)));
    expect(grad(trace)(x)).toBeAllClose(expected);
  });

  test('leaves what it returns', () => {
    expectNoLeak(() => tf.dispose(jacobian(affine)(params, x)));
    expectNoLeak(() => expect(() => jacobian(() => ({ y: 3 }) as never)(x)).toThrow('tree of'));
  });

  test('names itself where arguments are wrong', () => {
    const int = tf.tensor1d([1, 2], 'int32');
    expect(() => jacobian((v: Tensor) => v)(int)).toThrow(`${name}: the parameter $[0] is int32[2]`);
    expect(() => jacobian((() => x) as never, { hasAux: true })(x)).toThrow(`${name}: the function must return [value`);
  });
});

describe('hessian', () => {
  test('of a quadratic form, and of trees', () => {
    const matrix = tf.tensor2d([[2, 1], [0, 3]]); // biome-ignore format: a matrix
    const quadratic = (v: Tensor): Tensor => tf.sum(tf.mul(v, product(matrix, v)));
    expect(hessian(quadratic)(tf.tensor1d([0.5, -1]))).toBeAllClose([[4, 1], [1, 6]]); // biome-ignore format: a matrix
    const f = ({ w, b }: Params): Tensor => tf.mul(tf.sum(tf.square(w)), tf.sum(b));
    const result = hessian(f)(params);
    expectTypeOf(result).toEqualTypeOf<{ w: Params; b: Params }>();
    expect(result.w.w.shape).toEqual([2, 3, 2, 3]);
    expect(tf.reshape(result.w.w, [6, 6])).toBeAllClose(tf.mul(tf.eye(6), -1));
    expect(result.w.b).toBeAllClose(tf.tile(tf.reshape(tf.mul(2, w), [2, 3, 1]), [1, 1, 2]));
    expect(result.b.w).toBeAllClose(tf.tile(tf.reshape(tf.mul(2, w), [1, 2, 3]), [2, 1, 1]));
    expect(result.b.b).toBeAllClose([[0, 0], [0, 0]]); // biome-ignore format: a matrix
  });

  test('of a vector function, with aux, batched and compiled', () => {
    const cubes = (v: Tensor): [Tensor, Tensor[]] => [tf.mul(v, tf.square(v)), [tf.sum(v)]];
    const [tensor, [total]] = hessian(cubes, { hasAux: true })(x);
    const expected = [0, 1, 2].map((i) => tf.mul(tf.diag(tf.oneHot(i, 3)), tf.mul(6, x)));
    expect(tensor).toBeAllClose(tf.stack(expected));
    expect(total).toBeAllClose(1.5);
    const f = (v: Tensor): Tensor => tf.logSumExp(v);
    const rows = tf.stack([x, tf.mul(2, x)]);
    expect(jit(vmap(hessian(f)))(rows)).toBeAllClose(tf.stack([hessian(f)(x), hessian(f)(tf.mul(2, x))]));
  });

  test('is symmetric, and both orders of modes agree', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 5 }), (values) => {
        const point: Tensor = tf.tensor1d(values);
        const f = (v: Tensor): Tensor =>
          tf.sum(tf.mul(tf.sin(tf.outerProduct(v as tf.Tensor1D, v as tf.Tensor1D)), tf.exp(tf.mul(0.3, v))));
        const matrix = hessian(f)(point);
        const close = { rtol: 1e-4, atol: 1e-4 };
        expect(matrix).toBeAllClose(tf.transpose(matrix), close);
        expect(jacrev(jacfwd(f))(point)).toBeAllClose(matrix, close);
        expect(jacrev(jacrev(f))(point)).toBeAllClose(matrix, close);
        expect(jacfwd(jacfwd(f))(point)).toBeAllClose(matrix, close);
      }),
      { numRuns: 20 },
    );
  });
});
