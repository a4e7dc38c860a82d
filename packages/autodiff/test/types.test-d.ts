import * as tf from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, test } from 'vitest';
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  type ModelParameters,
  modelToFunction,
  type RandomSource,
  valueAndGrad,
  vjp,
  vmap,
} from '../src/index.ts';

type Tensor = tf.Tensor;
const x = {} as Tensor;
type Params = { readonly weight: Tensor; readonly bias: Tensor };
const params = {} as Params;
const loss = (p: Params, inputs: Tensor): Tensor => tf.sum(tf.add(tf.mul(inputs, p.weight), p.bias));

test('parameters and further arguments are inferred', () => {
  expectTypeOf(grad(loss)).toEqualTypeOf<(params: Params, inputs: Tensor) => Params>();
  expectTypeOf(grad((p: tf.Tensor1D) => tf.sum(p))).toEqualTypeOf<(params: tf.Tensor1D) => tf.Tensor1D>();
  expectTypeOf(valueAndGrad(loss)(params, x)).toEqualTypeOf<[value: Tensor, gradient: Params]>();
  expectTypeOf(grad((p: Params) => [loss(p, x), { x }] as const, { hasAux: true })(params)).toEqualTypeOf<
    [gradient: Params, aux: { readonly x: Tensor }]
  >();
  expectTypeOf(jacrev(loss)(params, x)).toEqualTypeOf<Params>();
  expectTypeOf(hessian(loss)(params, x).weight.bias).toEqualTypeOf<Tensor>();
  expectTypeOf(jit(vmap(grad(loss), { inAxes: [null, 0] }))(params, x)).toEqualTypeOf<Params>();
  // @ts-expect-error a gradient is of a scalar, not of a tree
  grad((p: Params) => p);
  // @ts-expect-error a number is no parameter
  grad((p: number) => tf.scalar(p));
  // @ts-expect-error the further arguments are checked
  grad(loss)(params, 'inputs');
});

describe('operations of tfjs, whose parameters may also be arrays and numbers', () => {
  test('as a function of their first argument', () => {
    expectTypeOf(grad(tf.square)(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(grad(tf.mul)(x, x)).toEqualTypeOf<Tensor>();
    expectTypeOf(grad(tf.sum)(x, 0)).toEqualTypeOf<Tensor>();
    expectTypeOf(grad(grad(tf.square))(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(valueAndGrad(tf.square)(x)).toEqualTypeOf<[value: Tensor, gradient: Tensor]>();
    expectTypeOf(jacrev(tf.square)(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(jacfwd(tf.square)(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(hessian(tf.square)(x)).toEqualTypeOf<Tensor>();
  });

  test('mapped and compiled', () => {
    expectTypeOf(vmap(tf.square)(x)).toExtend<Tensor>();
    expectTypeOf(vmap(tf.mul, { inAxes: [0, null] })(x, x)).toExtend<Tensor>();
    expectTypeOf(jit(tf.mul)(x, x)).toExtend<Tensor>();
    expectTypeOf(vmap(grad(tf.square))(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(jit(grad(tf.square))(x)).toEqualTypeOf<Tensor>();
    jvp(tf.square, [x], [x]);
    vjp(tf.square, [x]);
  });
});

test('models', () => {
  const model = {} as Parameters<typeof modelToFunction>[0];
  const random = {} as RandomSource;
  const parameters = {} as ModelParameters;
  expectTypeOf(modelToFunction(model)(parameters, x)).toEqualTypeOf<Tensor>();
  expectTypeOf(modelToFunction(model, {})(parameters, [x, x])).toEqualTypeOf<Tensor>();
  expectTypeOf(modelToFunction<Tensor[]>(model)(parameters, x)).toEqualTypeOf<Tensor[]>();
  const training = modelToFunction(model, { training: true, random });
  expectTypeOf(training(parameters, x, { key: new Uint32Array(2) })).toEqualTypeOf<
    [outputs: Tensor, statistics: ModelParameters]
  >();
  expectTypeOf(modelToFunction<Tensor[]>(model, { training: true })(parameters, x)[0]).toEqualTypeOf<Tensor[]>();
  // @ts-expect-error inference draws nothing
  modelToFunction(model)(parameters, x, { key: new Uint32Array(2) });
});
