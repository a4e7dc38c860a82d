// Every transform leaves exactly what it returns, on each device, also where it throws.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tree from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  customJvp,
  customVjp,
  defineKernel,
  evaluate,
  grad,
  jit,
  jvp,
  linearize,
  stopGradient,
  valueAndGrad,
  vjp,
  vmap,
} from '../src/index.ts';

type Tensor = tf.Tensor;

// A kernel that fails when it runs.
const run = (): never => {
  throw new Error('the device failed');
};
const broken = defineKernel({
  name: 'Broken',
  shape: ([input]) => input!,
  derivative: 'zero',
  batch: ([input]) => input!,
  run: { cpu: run, wasm: run },
});

type Params = { w: Tensor; b: Tensor };

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  let x: Tensor;
  let params: Params;
  let index: Tensor;
  let text: Tensor;
  let one: Tensor;

  beforeAll(async () => {
    await setBackend(device);
    x = tf.ones([4, 3]);
    params = { w: tf.ones([3, 2]), b: tf.zeros([2]) };
    index = tf.tensor1d([0, 2], 'int32');
    one = tf.scalar(3);
    text = tf.tensor1d(['a'], 'string');
  });

  // With intermediates of all kinds: constants, abs (whose kernel on cpu returns a tracked tensor), reshapes that share data.
  const predict = ({ w, b }: Params, input: Tensor): Tensor => {
    const hidden = tf.add(tf.matMul(tf.gather(tf.abs(input), index as tf.Tensor1D), w as tf.Tensor2D), b);
    return tf.logSoftmax(tf.add(tf.reshape(tf.reshape(hidden, [4]), [2, 2]), tf.tensor1d([0.5, -0.5])));
  };
  const loss = (p: Params, input: Tensor): [Tensor, { y: Tensor; input: Tensor; w: Tensor; again: Tensor }] => {
    const y = predict(p, input);
    return [tf.mean(y), { y, input, w: p.w, again: y }];
  };
  const value = (p: Params, input: Tensor): Tensor => loss(p, input)[0];
  const scaled = customVjp(
    (p: Params): Tensor => tf.sum(p.w),
    ([p], dy): [Params] => [{ w: tf.mul(tf.onesLike(p.w), dy), b: tf.zerosLike(p.b) }],
  );
  const doubled = customJvp(
    (v: Tensor): Tensor => tf.mul(v, 2),
    (_, [t]) => tf.mul(t, 2),
  );
  const tangent = (p: Params): Params => tree.map((leaf: Tensor) => tf.onesLike(leaf), p);

  const compiled = jit(valueAndGrad(loss, { hasAux: true }));
  const mapped = jit(vmap(grad(value), { inAxes: [null, 0] }));
  const perExample = (): Tensor => tf.reshape(x, [1, 4, 3]);
  const calls: readonly [string, () => tree.TensorTree][] = [
    ['grad', () => grad(value)(params, x)],
    ['grad with aux', () => grad(loss, { hasAux: true })(params, x)],
    ['valueAndGrad with aux', () => valueAndGrad(loss, { hasAux: true })(params, x) as tree.TensorTree],
    ['grad of what does not depend on it', () => grad(() => tf.scalar(1))(params)],
    ['grad of the parameter itself', () => grad((p: { s: Tensor }) => p.s)({ s: one })],
    ['jvp', () => tf.tidy(() => jvp(predict, [params, x], [tangent(params), tf.onesLike(x)]))],
    ['jvp with aux', () => jvp((v: Tensor) => [tf.exp(v), { v }] as const, [x], [x], { hasAux: true })],
    ['vmap', () => tf.tidy(() => vmap((row: Tensor) => [tf.exp(row), row, tf.scalar(2)])(x))],
    ['vmap of grad', () => tf.tidy(() => vmap(grad(value), { inAxes: [null, 0] })(params, perExample()))],
    ['jit of vmap of grad', () => tf.tidy(() => mapped(params, perExample()) as Params)],
    ['jit', () => compiled(params, x) as tree.TensorTree],
    ['evaluate', () => evaluate('evaluate', () => ({ y: tf.exp(x), x, same: x }))],
    ['customVjp', () => scaled(params)],
    ['grad of customVjp', () => grad(scaled)(params)],
    ['customJvp', () => doubled(x)],
    ['jvp of customJvp', () => jvp(doubled, [x], [x])],
    [
      'hessian-vector product',
      () =>
        tf.tidy(() =>
          jvp(
            grad((p: Params) => value(p, x)),
            [params],
            [tangent(params)],
          ),
        ),
    ],
    ['stopGradient in grad', () => grad((p: Params) => value(stopGradient(p), x))(params)],
    ['tf.grad in jit', () => jit((v: Tensor) => tf.grad((u) => tf.sum(tf.square(u)))(v))(x)],
  ];

  test.each(calls)('%s', (_, call) => {
    const once = call();
    for (const leaf of tree.leaves(once)) leaf.dispose();
    expectNoLeak(() => {
      const before = tf.memory().numTensors;
      const leaves = tree.leaves(call());
      expect(tf.memory().numTensors - before, 'tensors returned').toBe(leaves.length);
      // Each is the caller's own: disposing one leaves the others and the arguments.
      for (const leaf of leaves) {
        expect(leaf.isDisposed).toBe(false);
        leaf.dispose();
      }
    });
    for (const tensor of [x, params.w, params.b, index]) expect(tensor.isDisposed).toBe(false);
  });

  test('vjp and linearize hold residuals until they are disposed', () => {
    expectNoLeak(() => {
      const { value: y, aux, pullback, dispose } = vjp((p: Params) => loss(p, x), [params], { hasAux: true });
      const held = tf.memory().numTensors;
      const cotangent = tf.scalar(1);
      for (let i = 0; i < 3; i++) for (const leaf of tree.leaves(pullback(cotangent))) leaf.dispose();
      expect(tf.memory().numTensors).toBe(held + 1);
      dispose();
      dispose();
      for (const leaf of tree.leaves([y, aux, cotangent])) leaf.dispose();
    });
    expectNoLeak(() => {
      const { value: y, pushforward, dispose } = linearize(predict, [params, x]);
      const tangents = tf.tidy(() => [tangent(params), tf.onesLike(x)] as [Params, Tensor]);
      for (let i = 0; i < 3; i++) for (const leaf of tree.leaves(pushforward(...tangents))) leaf.dispose();
      // In a transform of its own.
      for (const leaf of tree.leaves(grad((t: Tensor) => tf.sum(pushforward(tangents[0], t)))(x))) leaf.dispose();
      for (const leaf of tree.leaves([y, tangents])) leaf.dispose();
      dispose();
    });
  });

  test('the value of vjp outlives it, and it the value', () => {
    expectNoLeak(() => {
      const { value: y, pullback, dispose } = vjp((v: Tensor) => tf.exp(v), [x]);
      y.dispose();
      const [cotangent] = pullback(x);
      expect(cotangent.dataSync()[0]).toBeCloseTo(Math.E, 5);
      cotangent.dispose();
      dispose();
      const second = vjp((v: Tensor) => tf.exp(v), [x]);
      second.dispose();
      expect(second.value.dataSync()[0]).toBeCloseTo(Math.E, 5);
      second.value.dispose();
    });
  });

  test('jit holds constants until it is disposed', () => {
    expectNoLeak(() => {
      const f = jit((v: Tensor) => tf.mul(v, tf.tensor1d([1, 2, 3])));
      for (let i = 0; i < 3; i++) f(x).dispose();
      f.dispose();
      f(x).dispose();
      f.dispose();
    });
  });

  const fail = (v: Tensor): Tensor => {
    tf.tidy(() => tf.exp(tf.mul(v, tf.tensor1d([1, 2, 3]))));
    throw new Error('on purpose');
  };
  const throwing: readonly [string, () => unknown][] = [
    ['grad', () => grad(fail)(x)],
    ['grad of a value that is no scalar', () => grad((v: Tensor) => tf.exp(v))(x)],
    ['jvp', () => jvp(fail, [x], [x])],
    ['vjp', () => vjp(fail, [x])],
    ['linearize', () => linearize(fail, [x])],
    ['vmap', () => vmap(fail)(x)],
    ['jit', () => jit(fail)(x)],
    ['nested', () => jit(vmap(grad((v: Tensor) => tf.tidy(() => fail(v)))))(x)],
    [
      'a rule of customVjp',
      () =>
        customVjp(
          (v: Tensor): Tensor => tf.exp(v),
          (_, dy): [Tensor] => [fail(dy)],
        )(x),
    ],
    [
      'a mistake in the pullback',
      () => {
        const pulled = vjp((v: Tensor) => tf.exp(v), [x]);
        try {
          return pulled.pullback(params.b);
        } finally {
          pulled.dispose();
          pulled.value.dispose();
        }
      },
    ],
    ['a kernel that fails while the program runs', () => failing(x)],
    ['a result that no program can hold', () => jit(() => text)()],
  ];
  const failing = (v: Tensor): Tensor => evaluate('failing', () => tf.sum(tf.concat([tf.exp(v), broken([tf.exp(v)])])));

  test.each(throwing)('%s, throwing', (_, run) => {
    expect(run).toThrow();
    expectNoLeak(() => {
      expect(run).toThrow();
    });
  });
});
