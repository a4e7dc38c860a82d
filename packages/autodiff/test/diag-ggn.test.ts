// The diagonal of the generalised Gauss-Newton matrix of networks: what it equals, and that no row of a Jacobian is made.
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { type Program, setBackend, simplify, sizeOf } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { diagGgn, hessian, jacrev, makeProgram } from '../src/index.ts';

await setBackend('wasm');

const random = (seed: number, ...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 0.5, 'float32', seed);

/** The most numbers that a value of a program has, loops included. */
function largest({ equations }: Program): number {
  return Math.max(
    ...equations.map((equation) => {
      const own = equation.outputs.map(({ shape }) => sizeOf(shape));
      return Math.max(...own, equation.type === 'scan' ? largest(equation.body) : 0);
    }),
  );
}

describe('of dense layers', () => {
  type Params = { readonly w1: tf.Tensor; readonly b1: tf.Tensor; readonly w2: tf.Tensor };
  const [inputs, units, classes] = [12, 30, 3];
  const params: Params = { w1: random(1, inputs, units), b1: random(2, units), w2: random(3, units, classes) };
  const forward = ({ w1, b1, w2 }: Params, x: tf.Tensor): tf.Tensor =>
    tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1), b1)), w2);
  const loss = (z: tf.Tensor): tf.Tensor => tf.sum(tf.logSumExp(z, -1));
  const diagonal = diagGgn(forward, loss);

  test('equals that of the matrix of each example', () => {
    const count = 20;
    const x = random(4, count, inputs);
    const found = diagonal(params, x);
    const names = ['w1', 'b1', 'w2'] as const;
    const totals = names.map((name) => tf.zeros([params[name].size]) as tf.Tensor);
    for (let i = 0; i < count; i++) {
      const row = tf.slice(x, [i, 0], [1, inputs]);
      const z = tf.reshape(forward(params, row), [classes]);
      const curvature = hessian((t: tf.Tensor) => tf.logSumExp(t))(z);
      const rows = jacrev((p: Params) => tf.reshape(forward(p, row), [classes]))(params) as unknown as Params;
      names.forEach((name, k) => {
        const flat = tf.reshape(rows[name], [classes, -1]);
        totals[k] = tf.add(totals[k] as tf.Tensor, tf.sum(tf.mul(flat, tf.matMul(curvature, flat)), 0));
      });
    }
    names.forEach((name, k) => {
      expect(tf.reshape(found[name], [-1])).toBeAllClose(totals[k] as tf.Tensor, { rtol: 1e-5, atol: 1e-5 });
    });
  });

  test.each([16, 1024])('a batch of %i is one program, without a row of the Jacobian', (count) => {
    const program = simplify(makeProgram(diagonal)(params, tf.zeros([count, inputs])));
    expect(program.equations.map(({ type }) => type)).not.toContain('scan');
    // Of each class and example the derivative in the units, for both of the rows.
    expect(largest(program)).toBeLessThanOrEqual(count * classes * units);
  });
});

test('of more outputs than are held at once, if rows of the Jacobian have to be made', () => {
  // The weights meet each example in many ways, so that the rows do not come apart into products.
  const [inputs, outputs] = [6, 900];
  const forward = (w: tf.Tensor, x: tf.Tensor): tf.Tensor => tf.matMul(x, tf.sin(tf.mul(w, tf.mul(w, 3))));
  const w = random(1, inputs, outputs);
  const x = random(2, 2, inputs);
  const slope = tf.mul(tf.mul(6, w), tf.cos(tf.mul(3, tf.square(w))));
  const diagonal = diagGgn(forward, (z: tf.Tensor) => tf.mul(0.5, tf.sum(tf.square(z))));
  const found = diagonal(w, x);
  const expected = tf.mul(tf.reshape(tf.sum(tf.square(x), 0), [inputs, 1]), tf.square(slope));
  expect(found).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
  expect(largest(makeProgram(diagonal)(w, x))).toBeLessThanOrEqual(2 ** 22);
});
