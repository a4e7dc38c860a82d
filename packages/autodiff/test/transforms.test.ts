// grad, valueAndGrad, jvp, vjp, linearize and stopGradient, by themselves and nested in any order.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { evaluate, grad, jit, jvp, linearize, stopGradient, valueAndGrad, vjp, vmap } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const cube = (x: Tensor): Tensor => tf.mul(x, tf.mul(x, x));
const x = tf.tensor1d([1, -2, 0.5]);
const sumOfCubes = (v: Tensor): Tensor => tf.sum(cube(v));

describe('grad and valueAndGrad', () => {
  const params = {
    layers: [
      {
        w: tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        b: tf.tensor1d([1, -1]),
      },
    ],
    unused: tf.scalar(3),
    none: null,
  };
  const loss = (p: typeof params, input: Tensor): Tensor => {
    const [{ w, b }] = p.layers as [(typeof p.layers)[0]];
    return tf.sum(tf.square(tf.add(tf.matMul(tf.reshape(input, [1, 2]), w), b)));
  };
  const input = tf.tensor1d([1, 2]);
  const residual = [8, 9];

  test('return a tree like the parameters, zeros where the value does not depend on them', () => {
    const [value, gradient] = valueAndGrad(loss)(params, input);
    expectTypeOf(gradient).toEqualTypeOf(params);
    expect(value).toBeAllClose(145);
    const expected = {
      layers: [{ b: residual.map((r) => 2 * r), w: [residual.map((r) => 2 * r), residual.map((r) => 4 * r)] }],
      none: null,
      unused: 0,
    };
    expect(gradient).toBeAllClose(expected);
    expect(grad(loss)(params, input)).toBeAllClose(expected);
  });

  test('hand out aux', () => {
    const withAux = (v: Tensor): [Tensor, { doubled: Tensor; list: Tensor[] }] => [
      sumOfCubes(v),
      { doubled: tf.mul(v, 2), list: [] },
    ];
    const [gradient, aux] = grad(withAux, { hasAux: true })(x);
    expect(gradient).toBeAllClose(tf.mul(3, tf.square(x)));
    expect(aux).toBeAllClose({ doubled: [2, -4, 1], list: [] });
    const [[value, again], slope] = valueAndGrad(withAux, { hasAux: true })(x);
    expect({ value, again, slope }).toBeAllClose({
      value: -6.875,
      again: { doubled: [2, -4, 1], list: [] },
      slope: [3, 12, 0.75],
    });
  });

  test('other arguments may be anything', () => {
    const f = (v: Tensor, { power, mode }: { power: number; mode: string }, flag: boolean): Tensor =>
      tf.sum(mode === 'pow' && flag ? tf.pow(v, power) : v);
    expect(grad(f)(x, { power: 2, mode: 'pow' }, true)).toBeAllClose([2, -4, 1]);
    expect(grad(f)(x, { power: 2, mode: 'pow' }, false)).toBeAllClose([1, 1, 1]);
  });

  test('a tensor that stands twice in the parameters, or is also captured, has the gradient of each place', () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }): Tensor => tf.sum(tf.mul(tf.mul(a, x), b));
    expect(grad(f)({ a: x, b: x })).toBeAllClose({ a: tf.square(x), b: tf.square(x) });
  });

  test('a variable is a parameter like others, and captured by reference', () => {
    const variable = tf.variable(tf.scalar(2));
    expect(grad((v: Tensor) => tf.square(v))(variable)).toBeAllClose(4);
    const compiled = jit((v: Tensor) => tf.mul(v, variable));
    expect(compiled(tf.scalar(3))).toBeAllClose(6);
    variable.assign(tf.scalar(5));
    expect(compiled(tf.scalar(3))).toBeAllClose(15);
    expect(compiled.traces).toBe(1);
    variable.dispose();
  });

  test('the value itself, a constant, and a parameter handed back', () => {
    expect(grad((v: Tensor) => v)(tf.scalar(3))).toBeAllClose(1);
    expect(grad(() => tf.scalar(3))(x)).toBeAllClose([0, 0, 0]);
    const captured = tf.scalar(4);
    expect(valueAndGrad(() => captured)(x)).toBeAllClose([4, [0, 0, 0]]);
    const [, same] = grad((v: Tensor) => [sumOfCubes(v), v] as const, { hasAux: true })(x);
    expect(same).toBeAllClose(x);
    same.dispose();
    expect(x.isDisposed).toBe(false);
  });

  test('chained methods, tidy, keep and clone work on traced tensors', () => {
    const f = (v: Tensor): Tensor =>
      tf.tidy(() => {
        const kept = tf.keep(v.square().clone());
        const sum = v.mul(2).add(kept).sum();
        kept.dispose();
        return sum.expandDims(0).squeeze();
      });
    expect(grad(f)(x)).toBeAllClose([4, -2, 3]);
  });

  test('control flow by what is known while tracing: shapes, numbers, constants', () => {
    const f = (v: Tensor): Tensor => {
      let y = v;
      for (let i = 0; i < v.shape[0]!; i++) y = tf.mul(y, tf.scalar(2).dataSync()[0]!);
      return tf.sum(y);
    };
    expect(grad(f)(x)).toBeAllClose([8, 8, 8]);
  });
});

describe('jvp', () => {
  test('of several arguments that are trees', () => {
    const f = ({ a }: { a: Tensor }, b: Tensor): { product: Tensor; list: Tensor[] } => ({
      product: tf.mul(a, b),
      list: [tf.square(a)],
    });
    const [value, tangent] = jvp(f, [{ a: x }, x], [{ a: tf.onesLike(x) }, tf.zerosLike(x)]);
    expect(value).toBeAllClose({ product: [1, 4, 0.25], list: [[1, 4, 0.25]] });
    expect(tangent).toBeAllClose({ product: x, list: [[2, -4, 1]] });
  });

  test('hands out aux, and gives zeros for what does not depend on the primals', () => {
    const [value, tangent, aux] = jvp(
      (v: Tensor) => [[cube(v), tf.scalar(2)], tf.sum(v)] as const,
      [x],
      [tf.onesLike(x)],
      { hasAux: true },
    );
    expect(value).toBeAllClose([[1, -8, 0.125], 2]);
    expect(tangent).toBeAllClose([[3, 12, 0.75], 0]);
    expect(aux).toBeAllClose(-0.5);
  });

  test('of integers that a value holds, zeros', () => {
    const [value, tangent] = jvp((v: Tensor) => tf.argMax(v), [x], [x]);
    expect({ value, tangent }).toBeAllClose({ value: 0, tangent: 0 });
  });
});

describe('vjp', () => {
  test('pulls back any number of cotangents, until it is disposed', () => {
    const result = vjp(
      (v: Tensor, w: { s: Tensor }) => [tf.mul(cube(v), w.s), w.s] as [Tensor, Tensor],
      [x, { s: tf.scalar(2) }],
    );
    expect(result.value).toBeAllClose([[2, -16, 0.25], 2]);
    const one = result.pullback([tf.onesLike(x), tf.scalar(0)]);
    expectTypeOf(one).toEqualTypeOf<[Tensor, { s: Tensor }]>();
    expect(one).toBeAllClose([[6, 24, 1.5], { s: -6.875 }]);
    expect(result.pullback([tf.zerosLike(x), tf.scalar(3)])).toBeAllClose([[0, 0, 0], { s: 3 }]);
    result.dispose();
    result.dispose();
    expect(() => result.pullback([x, tf.scalar(0)])).toThrow(
      'vjp: the derivative was disposed and cannot be applied again',
    );
    expect(result.value[1]).toBeAllClose(2);
  });

  test('disposes at the end of a block, and hands out aux', () => {
    const {
      value,
      aux,
      pullback,
      [Symbol.dispose]: end,
    } = vjp((v: Tensor) => [tf.sum(v), { n: tf.scalar(v.size) }] as const, [x], { hasAux: true });
    expect({ value, aux }).toBeAllClose({ value: -0.5, aux: { n: 3 } });
    end();
    expect(() => pullback(tf.scalar(1))).toThrow('disposed');
  });

  test('inside of a transform, and its pullback called inside of another', () => {
    const f = (v: Tensor): Tensor => vjp(cube, [v]).pullback(v)[0]; // 3 v^3
    expect(grad((v: Tensor) => tf.sum(f(v)))(x)).toBeAllClose(tf.mul(9, tf.square(x)));
    const outside = vjp(cube, [x]);
    expect(grad((v: Tensor) => tf.sum(tf.mul(v, outside.pullback(v)[0])))(x)).toBeAllClose(tf.mul(6, cube(x)));
    expect(vmap((v: Tensor) => outside.pullback(v)[0])(tf.stack([x, x]))).toBeAllClose(
      tf.stack([tf.mul(3, cube(x)), tf.mul(3, cube(x))]),
    );
    outside.dispose();
  });
});

describe('linearize', () => {
  test('pushes any number of tangents forward, until it is disposed', () => {
    const result = linearize((v: Tensor, w: Tensor) => tf.mul(cube(v), w), [x, tf.scalar(2)]);
    expect(result.value).toBeAllClose([2, -16, 0.25]);
    expect(result.pushforward(tf.onesLike(x), tf.scalar(0))).toBeAllClose([6, 24, 1.5]);
    expect(result.pushforward(tf.zerosLike(x), tf.scalar(1))).toBeAllClose([1, -8, 0.125]);
    result.dispose();
    result[Symbol.dispose]();
    expect(() => result.pushforward(x, tf.scalar(0))).toThrow(
      'linearize: the derivative was disposed and cannot be applied again',
    );
  });

  test('inside of a transform', () => {
    const f = (v: Tensor): Tensor => tf.sum(linearize(cube, [v]).pushforward(v));
    expect(grad(f)(x)).toBeAllClose(tf.mul(9, tf.square(x)));
    expect(jit(f)(x)).toBeAllClose(tf.mul(3, sumOfCubes(x)));
  });

  test('of a function that does not depend on its argument, or is linear', () => {
    expect(linearize((_: Tensor) => tf.scalar(2), [x]).pushforward(x)).toBeAllClose(0);
    expect(linearize((v: Tensor) => v, [x]).pushforward(x)).toBeAllClose(x);
    expect(vjp((_: Tensor) => tf.scalar(2), [x]).pullback(tf.scalar(1))).toBeAllClose([[0, 0, 0]]);
    expect(vjp((v: Tensor) => v, [x]).pullback(x)).toBeAllClose([x]);
  });

  test('hands out aux', () => {
    const { aux, value } = linearize((v: Tensor) => [tf.sum(v), [v]] as const, [x], { hasAux: true });
    expect({ aux, value }).toBeAllClose({ aux: [x], value: -0.5 });
  });
});

test('stopGradient', () => {
  const copy = stopGradient(x);
  expect(copy).not.toBe(x);
  copy.dispose();
  expect(x).toBeAllClose(x.dataSync());
  const f = (v: Tensor): Tensor => tf.sum(tf.mul(stopGradient({ v, w: [v] }).v, v));
  expect(grad(f)(x)).toBeAllClose(x);
  expect(jvp(f, [x], [tf.onesLike(x)])[1]).toBeAllClose(-0.5);
  expect(grad((v: Tensor) => tf.sum(grad(f)(v)))(x)).toBeAllClose([0, 0, 0]);
  expect(vmap(stopGradient<Tensor>)(x)).toBeAllClose(x);
});

test('evaluate runs traced code at once', () => {
  const result = evaluate('here', () => ({ y: stopGradient(tf.mul(x, 2)), n: 3, text: 'as it is' }));
  expect(result).toBeAllClose({ y: [2, -4, 1], n: 3, text: 'as it is' });
});

describe('nested in any order', () => {
  const transforms: readonly [string, (f: (v: Tensor) => Tensor) => (v: Tensor) => Tensor][] = [
    ['grad', (f) => grad((v: Tensor) => tf.sum(f(v)))],
    ['jvp', (f) => (v) => jvp(f, [v], [tf.onesLike(v)])[1]],
    ['vjp', (f) => (v) => vjp(f, [v]).pullback(tf.onesLike(v))[0]],
    ['linearize', (f) => (v) => linearize(f, [v]).pushforward(tf.onesLike(v))],
    ['tf.grad', (f) => tf.grad(f)],
    ['tf.valueAndGrad', (f) => (v) => tf.valueAndGrad((u) => tf.sum(f(u)))(v).grad],
  ];
  const wrappers: readonly [string, (f: (v: Tensor) => Tensor) => (v: Tensor) => Tensor][] = [
    ['nothing', (f) => f],
    ['jit', (f) => jit(f)],
    ['vmap', (f) => vmap(f)],
  ];
  // x^4: every derivative is elementwise, so all orders agree.
  const fourth = (v: Tensor): Tensor => tf.pow(v, 4);
  for (const [outer, first] of transforms) {
    for (const [inner, second] of transforms) {
      test.each(wrappers)(`${outer} of %s of ${inner}`, (_, wrap) => {
        // With a transform of ours outermost, since tf.grad outside of a trace is tfjs's own.
        const f = jit((v: Tensor) => first(wrap(second(fourth)))(v));
        expect(f(x)).toBeAllClose(tf.mul(12, tf.square(x)));
      });
    }
  }

  test('three deep', () => {
    for (const [, a] of transforms)
      for (const [, b] of transforms) expect(jit(a(b(grad(sumOf(fourth)))))(x)).toBeAllClose(tf.mul(24, x));
  });

  const sumOf =
    (f: (v: Tensor) => Tensor) =>
    (v: Tensor): Tensor =>
      tf.sum(f(v));
});

describe('closures over outer tensors: no confusion of perturbations', () => {
  const d =
    (f: (v: Tensor) => Tensor) =>
    (v: Tensor): Tensor =>
      jvp(f, [v], [tf.scalar(1)])[1];
  const at = tf.scalar(3);

  test.each([
    ['forward in forward', d, d],
    ['reverse in reverse', grad, grad],
    ['reverse in forward', d, grad],
    ['forward in reverse', grad, d],
    ['tf.grad in reverse', grad, tf.grad],
    ['tf.grad in forward', d, tf.grad],
  ] as const)('%s', (_, outer, inner) => {
    const D = outer as typeof d;
    const E = inner as typeof d;
    // d/dx [x d/dy (x + y)] = 1
    expect(D((u) => tf.mul(u, E((v) => tf.add(u, v))(tf.scalar(1))))(at)).toBeAllClose(1);
    // d/dx [x d/dy (x y)] = 2 x
    expect(D((u) => tf.mul(u, E((v) => tf.mul(u, v))(tf.scalar(2))))(at)).toBeAllClose(6);
    // d/dx [d/dy (x y^2) at y = x] = d/dx 2 x^2; tf.grad hands its argument on as it is, so there x is y, and it is d/dx 3 x^2.
    expect(D((u) => E((v) => tf.mul(u, tf.square(v)))(u))(at)).toBeAllClose(inner === tf.grad ? 18 : 12);
    // d/dx [x d/dy x] = 0
    expect(D((u) => tf.mul(u, E((v) => tf.add(u, tf.mul(v, 0)))(tf.scalar(1))))(at)).toBeAllClose(0);
  });

  test('an inner tensor stays valid for the rest of the outer function', () => {
    const f = (u: Tensor): Tensor => {
      let seen: Tensor | undefined;
      const slope = grad((v: Tensor) => {
        seen = tf.mul(v, u);
        return tf.square(seen);
      })(u);
      return tf.add(slope, seen as Tensor); // 2 u^3 + u^2
    };
    expect(grad(f)(at)).toBeAllClose(6 * 9 + 6);
  });
});

describe("tfjs's own gradients inside of a transform", () => {
  test('tf.grads, tf.valueAndGrads and a given dy', () => {
    const f = (v: Tensor): Tensor => {
      const [a, b] = tf.grads((p: Tensor, q: Tensor) => tf.mul(tf.square(p), q))([v, tf.mul(v, 2)], v) as [
        Tensor,
        Tensor,
      ];
      const { value, grads } = tf.valueAndGrads((p: Tensor, q: Tensor) => tf.sum(tf.mul(p, q)))([v, v]);
      return tf.add(tf.sum(tf.add(a, b)), tf.add(value, tf.sum(tf.add(grads[0]!, grads[1]!)))); // sum 4 v^3 + v^3 + v^2 + 4 v
    };
    // A tensor given twice has its whole gradient twice, as in tfjs.
    expect(tf.grads((p: Tensor, q: Tensor) => tf.mul(p, q))([x, x])[0]!).toBeAllClose(tf.mul(2, x));
    const expected = tf.tidy(() => tf.add(tf.add(tf.mul(15, tf.square(x)), tf.mul(2, x)), 4));
    expect(grad(f)(x)).toBeAllClose(expected);
    expect(jit(grad(f))(x)).toBeAllClose(expected);
  });

  test('of a constant made in the trace, which is one again afterwards', () => {
    const f = (v: Tensor): Tensor => {
      const two = tf.scalar(2);
      const slopes = vmap((u: Tensor) => tf.mul(u, tf.grad((w) => tf.mul(tf.square(w), u))(two)))(v); // 4 v^2
      return tf.sum(tf.mul(slopes, two));
    };
    expect(jit(f)(x)).toBeAllClose(8 * (1 + 4 + 0.25));
    expect(grad(f)(x)).toBeAllClose([16, -32, 8]);
  });

  test('tf.variableGrads', () => {
    const variable = tf.variable(tf.tensor1d([1, 2, 3]), true, 'inner');
    const f = (v: Tensor): Tensor =>
      tf.sum(tf.variableGrads(() => tf.sum(tf.mul(tf.square(variable), v)), [variable]).grads['inner']!);
    expect(jit(f)(x)).toBeAllClose(2 * (1 - 4 + 1.5));
    expect(grad(f)(x)).toBeAllClose([2, 4, 6]);
    variable.dispose();
  });

  test('outside of a transform tf.grad goes on as it does in tfjs', () => {
    expect(tf.grad((v) => tf.sum(cube(v)))(x)).toBeAllClose([3, 12, 0.75]);
  });
});
