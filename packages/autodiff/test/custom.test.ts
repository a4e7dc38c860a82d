// Functions with a derivative of their own: customJvp, customVjp and tf.customGrad.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { customJvp, customVjp, grad, jit, jvp, linearize, stopGradient, valueAndGrad, vjp } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x = tf.tensor1d([1, -2, 0.5]);
const slope = (f: (v: Tensor) => Tensor): ((v: Tensor) => Tensor) => grad((v: Tensor) => tf.sum(f(v)));
const tangent =
  (f: (v: Tensor) => Tensor): ((v: Tensor) => Tensor) =>
  (v) =>
    jvp(f, [v], [tf.onesLike(v)])[1];

// x^2 with the derivative x^3 instead of 2 x, so that it shows which one is used.
const byTangent = customJvp(
  (v: Tensor): Tensor => tf.square(v),
  ([v], [t]) => tf.mul(tf.pow(v, 3), t),
);
const byCotangent = customVjp(
  (v: Tensor): Tensor => tf.square(v),
  ([v], dy): [Tensor] => [tf.mul(tf.pow(v, 3), dy)],
);
const byTfjs = tf.customGrad((v, save) => {
  (save as tf.GradSaveFunc)([v as Tensor]);
  return { value: tf.square(v as Tensor), gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(tf.pow(saved[0]!, 3), dy) };
}) as (v: Tensor) => Tensor;

describe.each([
  ['customJvp', byTangent],
  ['customVjp', byCotangent],
  ['tf.customGrad', byTfjs],
])('%s', (_, f) => {
  test('changes no value', () => {
    expect(f(x)).toBeAllClose(tf.square(x));
    expect(jit(f)(x)).toBeAllClose(tf.square(x));
  });

  test('is used in forward and reverse mode, and its rule is differentiated again', () => {
    const cube = tf.pow(x, 3);
    const next = tf.mul(3, tf.square(x));
    expect(slope(f)(x)).toBeAllClose(cube);
    expect(tangent(f)(x)).toBeAllClose(cube);
    expect(vjp(f, [x]).pullback(x)[0]).toBeAllClose(tf.mul(cube, x));
    expect(linearize(f, [x]).pushforward(x)).toBeAllClose(tf.mul(cube, x));
    for (const a of [slope, tangent]) for (const b of [slope, tangent]) expect(a(b(f))(x)).toBeAllClose(next);
    for (const a of [slope, tangent]) expect(slope(tangent(a(f)))(x)).toBeAllClose(tf.mul(6, x));
  });

  test('within other functions, by the chain rule, and through jit', () => {
    const g = (v: Tensor): Tensor => tf.exp(f(tf.mul(v, 2)));
    const expected = tf.mul(tf.mul(tf.pow(tf.mul(x, 2), 3), 2), tf.exp(tf.mul(4, tf.square(x))));
    expect(slope(g)(x)).toBeAllClose(expected);
    expect(slope(jit(g))(x)).toBeAllClose(expected);
    expect(jit(slope(g))(x)).toBeAllClose(expected);
    expect(tangent(g)(x)).toBeAllClose(expected);
  });
});

test('a value that its rule uses has the custom derivative too', () => {
  // f = exp with the derivative 2 f: the second is 4 f, not 2 exp.
  const rule = customJvp(
    (v: Tensor): Tensor => tf.exp(v),
    (_, [t], y) => tf.mul(tf.mul(y, 2), t),
  );
  const back = customVjp(
    (v: Tensor): Tensor => tf.exp(v),
    (_, dy, y): [Tensor] => [tf.mul(tf.mul(y, 2), dy)],
  );
  const theirs = tf.customGrad((v, save) => {
    const value = tf.exp(v as Tensor);
    (save as tf.GradSaveFunc)([value]);
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(tf.mul(saved[0]!, 2), dy) };
  }) as (v: Tensor) => Tensor;
  for (const f of [rule, back, theirs]) {
    expect(slope(slope(slope(f)))(x)).toBeAllClose(tf.mul(8, tf.exp(x)));
    expect(tangent(slope(tangent(f)))(x)).toBeAllClose(tf.mul(8, tf.exp(x)));
  }
});

test('trees of arguments and values, of which some are integers', () => {
  type Params = { a: Tensor; index: Tensor };
  const f = customVjp(
    ({ a, index }: Params, scale: Tensor): { picked: Tensor; sum: Tensor } => ({
      picked: tf.gather(a, tf.cast(index, 'int32')),
      sum: tf.mul(tf.sum(a), scale),
    }),
    ([{ a, index }, scale], { picked, sum }): [Params, Tensor] => [
      { a: tf.add(tf.fill(a.shape, 10), tf.mul(sum, scale)), index },
      tf.add(sum, picked),
    ],
  );
  const index = tf.scalar(1, 'int32');
  const loss = (a: Tensor, scale: Tensor): Tensor => {
    const { picked, sum } = f({ a, index }, scale);
    return tf.add(picked, tf.mul(3, sum));
  };
  const [value, gradient] = valueAndGrad(([a, scale]: [Tensor, Tensor]) => loss(a, scale))([x, tf.scalar(2)]);
  expect(value).toBeAllClose(-2 + 3 * -1);
  expect(gradient).toBeAllClose([[16, 16, 16], 4]);
  const forward = customJvp(
    ({ a, index: i }: Params): Tensor => tf.gather(a, i),
    ([{ index: i }], [{ a: ta, index: ti }]) =>
      tf.add(tf.mul(2, tf.gather(ta, i)), tf.mul(100, tf.cast(ti, 'float32'))),
  );
  expect(slope((a) => forward({ a, index }))(x)).toBeAllClose([0, 2, 0]);
});

test('a captured tensor is a constant to the function, and its derivative goes through the rule alone', () => {
  const scale = (s: Tensor): ((v: Tensor) => Tensor) =>
    customVjp(
      (v: Tensor) => tf.mul(v, s),
      (_, dy): [Tensor] => [tf.mul(s, dy)],
    );
  // d/ds of d/dv (v s) = d/ds s = 1
  expect(grad((s: Tensor) => tf.sum(grad((v: Tensor) => tf.sum(scale(s)(v)))(x)))(tf.scalar(3))).toBeAllClose(3);
});

describe('a backward rule that is not linear in its cotangent', () => {
  const clip = customVjp(
    (v: Tensor): Tensor => tf.mul(v, 2),
    (_, dy): [Tensor] => [tf.clipByValue(dy, -1, 1)],
  );
  const theirs = tf.customGrad((v) => ({
    value: tf.mul(v as Tensor, 2),
    gradFunc: (dy: Tensor) => tf.clipByValue(dy, -1, 1),
  })) as (v: Tensor) => Tensor;

  test.each([
    ['customVjp', clip],
    ['customGrad', theirs],
  ])('%s works in reverse mode', (_, f) => {
    const loss = (v: Tensor): Tensor => tf.sum(tf.mul(f(v), tf.tensor1d([5, 0.5, -5])));
    expect(grad(loss)(x)).toBeAllClose([1, 0.5, -1]);
    expect(jit(grad(loss))(x)).toBeAllClose([1, 0.5, -1]);
    expect(vjp(f, [x]).pullback(tf.tensor1d([5, 0.5, -5]))[0]).toBeAllClose([1, 0.5, -1]);
  });

  test.each([
    ['customVjp', clip],
    ['customGrad', theirs],
  ])('%s is an error in forward mode', (name, f) => {
    const before = tf.memory();
    expect(() => jvp(f, [x], [tf.onesLike(x)])).toThrow(
      new RegExp(
        `^the custom derivative of ${name} is not linear in its cotangent, so it has no forward mode; define the function with customJvp`,
      ),
    );
    expect(() => linearize(f, [x])).toThrow('not linear in its cotangent');
    expect(tf.memory().numTensors).toBe(before.numTensors + 1);
  });
});

describe('a rule that returns something else', () => {
  test('another structure', () => {
    const f = customJvp(
      (v: Tensor): Tensor => v,
      (_, [t]) => [t] as unknown as Tensor,
    );
    expect(() => tangent(f)(x)).toThrow('customJvp: the rule returned a tangent [*] and must return *');
    const g = customVjp(
      (v: Tensor, w: Tensor): Tensor => tf.add(v, w),
      (_, dy) => [dy] as unknown as [Tensor, Tensor],
    );
    expect(() => g(x, x)).toThrow('customVjp: the rule returned a cotangent [*] and must return [*, *]');
  });

  test('another shape', () => {
    const f = customJvp(
      (v: Tensor): Tensor => v,
      (_, [t]) => tf.sum(t),
    );
    expect(() => f(x)).toThrow('customJvp: the derivative returned shape [] for a tensor of shape [3]');
    const g = customVjp(
      (v: Tensor): Tensor => tf.sum(v),
      (_, dy): [Tensor] => [dy],
    );
    expect(() => g(x)).toThrow('customVjp: the derivative returned shape [] for a tensor of shape [3]');
  });
});

describe('values and arguments', () => {
  const cube = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.mul(x, x));

  test('a value that is an argument has the derivative of the rule at every order', () => {
    // The value is x, the tangent x² dx: the second derivative of the value is that of x², 2x.
    const f = customJvp(
      (x: tf.Tensor) => x,
      ([x], [t]) => tf.mul(t, tf.square(x)),
    );
    const x = tf.scalar(3);
    expect(grad(f)(x)).toBeAllClose(9);
    expect(grad((y: tf.Tensor) => grad(f)(y))(x)).toBeAllClose(6);
    const g = customVjp(
      (y: tf.Tensor) => y,
      ([y], cotangent): [tf.Tensor] => [tf.mul(cotangent, tf.square(y))],
    );
    expect(grad((y: tf.Tensor) => grad(g)(y))(x)).toBeAllClose(6);
    const h = tf.customGrad(((y: tf.Tensor, save: (tensors: tf.Tensor[]) => void) => {
      save([y]);
      return { value: y, gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(dy, tf.square(saved as tf.Tensor)) };
    }) as never) as unknown as (y: tf.Tensor) => tf.Tensor;
    expect(grad((y: tf.Tensor) => grad(h)(y))(x)).toBeAllClose(6);
  });

  test('a value of an enclosing function that is differentiated must be an argument', () => {
    const inner = (w: tf.Tensor) =>
      customJvp(
        (x: tf.Tensor) => tf.mul(x, w),
        ([_], [t]) => tf.mul(t, w),
      );
    expect(() => grad((w: tf.Tensor) => inner(w)(tf.scalar(2)))(tf.scalar(5))).toThrow(
      'customJvp: the function uses a value that is differentiated and is not one of its arguments',
    );
    expect(grad((x: tf.Tensor) => inner(tf.scalar(5))(x))(tf.scalar(2))).toBeAllClose(5);
    expect(grad((w: tf.Tensor) => inner(stopGradient(w))(tf.scalar(2)))(tf.scalar(5))).toBeAllClose(0);
  });

  test('what a function with a custom derivative does inside is not differentiated', () => {
    // The inner rule is not linear in its cotangent, so it has no forward mode; the outer one has.
    const clipped = tf.customGrad(((x: tf.Tensor) => ({
      value: cube(x),
      gradFunc: (dy: tf.Tensor) => tf.clipByValue(dy, -1, 1),
    })) as never) as unknown as (x: tf.Tensor) => tf.Tensor;
    const f = customJvp(
      (x: tf.Tensor) => clipped(x),
      ([x], [t]) => tf.mul(t, tf.mul(3, tf.square(x))),
    );
    expect(jvp(f, [tf.scalar(2)], [tf.scalar(1)])[1]).toBeAllClose(12);
  });
});
