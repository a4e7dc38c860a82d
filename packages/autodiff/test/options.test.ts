// Options by the names of other libraries are refused, and not ignored.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import * as autodiff from '../src/index.ts';

beforeAll(() => setBackend('cpu'));

const f = (x: tf.Tensor): tf.Tensor => tf.sum(x);
const x = tf.ones([2]);
const hasAux = { has_aux: true } as never;

test.each<[string, (options: never) => unknown, string]>([
  ['grad', (options) => autodiff.grad(f, options), 'hasAux'],
  ['valueAndGrad', (options) => autodiff.valueAndGrad(f, options), 'hasAux'],
  ['jvp', (options) => autodiff.jvp(f, [x], [x], options), 'hasAux'],
  ['linearize', (options) => autodiff.linearize(f, [x], options), 'hasAux'],
  ['vjp', (options) => autodiff.vjp(f, [x], options), 'hasAux'],
  ['jacrev', (options) => autodiff.jacrev(f, options), 'hasAux'],
  ['jacfwd', (options) => autodiff.jacfwd(f, options), 'hasAux'],
  ['hessian', (options) => autodiff.hessian(f, options), 'hasAux'],
  ['hvp', (options) => autodiff.hvp(f, [x], [x], options), 'hasAux'],
  ['fvp', (options) => autodiff.fvp(f, [x], [x], options), 'hasAux, normalize'],
  ['empiricalFisher', (options) => autodiff.empiricalFisher(f, options), 'argnums, hasAux, normalize'],
  ['ggnvp', (options) => autodiff.ggnvp(f, f, [x], [x], options), 'forwardHasAux, lossHasAux, normalize'],
  ['ggn', (options) => autodiff.ggn(f, f, options), 'forwardHasAux, lossHasAux, normalize'],
  ['diagGgn', (options) => autodiff.diagGgn(f, f, options), 'forwardHasAux, lossHasAux, normalize'],
  ['vmap', (options) => autodiff.vmap(f, options), 'inAxes, outAxes'],
  ['jit', (options) => autodiff.jit(f, options), 'name'],
  ['cg', (options) => autodiff.cg((v: tf.Tensor) => v, x, options), 'x0, maxiter, damping, tol, atol, preconditioner'],
  ['scan', (options) => autodiff.scan((c: tf.Tensor) => [c, []], x, x, options), 'length, reverse'],
])('%s', (name, call, known) => {
  expect(() => call(hasAux)).toThrow(`${name}: there is no option has_aux; there are ${known}`);
});

test('cg says how to give it a matrix', () => {
  expect(() => autodiff.cg(tf.eye(2) as never, x)).toThrow(
    'cg: A must be a function; of a matrix give its product, (x) => tf.dot(matrix, x)',
  );
});
