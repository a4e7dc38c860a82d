// Products of one matrix and many vectors or matrices.
import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { printProgram, setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { grad, jit, vmap } from '../src/index.ts';

type Tensor = tf.Tensor;

beforeAll(() => setBackend('cpu'));

const x = tf.randomNormal([6, 3], 0, 1, 'float32', 1);
const weights = (...shape: number[]): Tensor => tf.randomNormal([4, ...shape], 0, 1, 'float32', 2);
const product = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor =>
  tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transposeA, transposeB);
const loss = (f: (w: Tensor) => Tensor) => (w: Tensor) => tf.sum(tf.square(tf.tanh(f(w))));

/** `x w` with each operand as it is or transposed, or the transpose of that. */
const cases: [string, (w: Tensor) => Tensor, Tensor][] = [false, true].flatMap((transposed) =>
  [1, 5].flatMap((columns): [string, (w: Tensor) => Tensor, Tensor][] => {
    const w = transposed ? weights(columns, 3) : weights(3, columns);
    const text = `${columns} columns${transposed ? ', transposed' : ''}`;
    const turned = tf.transpose(x);
    return [
      [`matrix times ${text}`, (each) => product(x, each, false, transposed), w],
      [`transposed matrix times ${text}`, (each) => product(turned, each, true, transposed), w],
      [`${text}, times the matrix`, (each) => product(each, turned, !transposed, false), w],
      [`${text}, times the transposed matrix`, (each) => product(each, x, !transposed, true), w],
    ];
  }),
);

test.each(cases)('%s', (_, f, w) => {
  const each = (g: (part: Tensor) => Tensor): Tensor => tf.stack(tf.unstack(w).map(g));
  expect(vmap(f)(w)).toBeAllClose(each(f), { atol: 1e-5 });
  const gradients = jit(vmap(grad(loss(f))));
  expect(gradients(w)).toBeAllClose(
    each((part) => grad(loss(f))(part)),
    { atol: 1e-4 },
  );
  const program = printProgram(gradients.programs[0]!);
  expect(program.match(/= BatchMatMul/g)).toHaveLength(2);
  expect(program).not.toMatch(/= (Transpose|BroadcastTo|Tile)/);
  gradients.dispose();
});
