// Bad input: the message names the function, the path and both sides, and everything works as before.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import { setBackend, theEngine } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { grad, jit, jvp, linearize, valueAndGrad, vjp, vmap } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Tree = { a: Tensor; b: { c: Tensor }[] };

const x = tf.tensor1d([1, 2, 3]);
const ones = tf.onesLike(x);
const rows = tf.stack([x, x]);
const variable = tf.variable(tf.scalar(1), true, 'held');
tf.tidy(() => variable.assign(tf.scalar(1)));
const params: Tree = { a: x, b: [{ c: tf.scalar(2) }] };
const loss = ({ a, b }: Tree): Tensor => tf.mul(tf.sum(a), b[0]!.c);

/** What an open trace changes. */
function state(): object {
  const engine = theEngine();
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return {
    memory: { numTensors, numDataBuffers, numBytes },
    engine: Object.keys(engine),
    depth: engine.state.gradientDepth,
    scopes: engine.state.scopeStack.length,
    random: Math.random,
    crypto: crypto.getRandomValues,
    own: Object.keys(crypto),
    assign: tf.Variable.prototype.assign,
  };
}

/** Expects `run` to throw a message, and all to be as before. */
function expectError(run: () => unknown, message: string | RegExp): void {
  const before = state();
  expect(run).toThrow(message);
  expect(state()).toEqual(before);
  tf.tidy(() => {
    expect(tf.add(x, ones)).toBeAllClose([2, 3, 4]);
    expect(tf.grad((v: Tensor) => tf.sum(tf.square(v)))(x)).toBeAllClose([2, 4, 6]);
    expect(grad((v: Tensor) => tf.sum(tf.square(v)))(x)).toBeAllClose([2, 4, 6]);
    variable.assign(tf.scalar(1));
    expect(Math.random()).toBeLessThan(1);
    expect(tf.randomNormal([2]).shape).toEqual([2]);
  });
  expect(state()).toEqual(before);
}

describe('parameters', () => {
  test.each([
    ['grad', (p: Tree) => grad(loss)(p)],
    ['valueAndGrad', (p: Tree) => valueAndGrad(loss)(p)],
  ])('%s', (name, run) => {
    const integer = tf.scalar(1, 'int32');
    expectError(
      () => run({ ...params, b: [{ c: integer }] }),
      `${name}: the parameter $.b[0].c is int32[], and derivatives need float32: cast it, or pass it with the batch`,
    );
    expectError(
      () => run({ ...params, a: 3 as unknown as Tensor }),
      `${name}: the parameter $.a is not a tensor but number; make it one with tf.scalar or tf.tensor`,
    );
    expectError(
      () => run({ ...params, a: new Date() as unknown as Tensor }),
      `${name}: the parameter $.a is not a tensor but Date`,
    );
    const gone = tf.scalar(1);
    gone.dispose();
    expectError(
      () => run({ ...params, b: [{ c: gone }] }),
      `${name}: the parameter $.b[0].c is a disposed tensor float32[]`,
    );
  });

  test('of jvp, vjp and linearize', () => {
    const integer = tf.scalar(1, 'int32');
    const square = (v: Tensor): Tensor => tf.square(v);
    expectError(() => jvp(square, [integer], [integer]), 'jvp: the parameter $[0] is int32[]');
    expectError(() => vjp(square, [integer]), 'vjp: the parameter $[0] is int32[]');
    expectError(() => linearize(square, [integer]), 'linearize: the parameter $[0] is int32[]');
  });
});

describe('what the function returns', () => {
  test('a value that is no float32 scalar', () => {
    expectError(
      () => grad((v: Tensor) => tf.square(v))(x),
      'grad: the function must return a scalar (shape []) and returned shape [3]; sum it or take its mean',
    );
    expectError(
      () => valueAndGrad((v: Tensor) => tf.sum(tf.cast(v, 'int32')))(x),
      'valueAndGrad: the function must return float32 and returned int32',
    );
    expectError(
      () => grad(() => 3 as unknown as Tensor)(x),
      'grad: the function must return a tensor and returned number',
    );
    expectError(
      () => grad(() => undefined as unknown as Tensor)(x),
      'grad: the function must return a tensor and returned undefined',
    );
    expectError(
      () => grad((v: Tensor) => [tf.sum(v), v] as unknown as Tensor)(x),
      /^grad: the function must return a tensor and returned Array/,
    );
    expectError(
      () => vjp((v: Tensor) => tf.cast(v, 'int32'), [x]),
      'vjp: the function must return a tree of float32 tensors, and $ of what it returned is int32[3]',
    );
  });

  test('a tree with leaves that are no tensors', () => {
    const f = (v: Tensor): { n: Tensor } => ({ n: v.size as unknown as Tensor });
    expectError(
      () => jvp(f, [x], [x]),
      'jvp: the function must return a tree of tensors, and $.n of what it returned is number',
    );
    expectError(
      () => linearize(f, [x]),
      'linearize: the function must return a tree of float32 tensors, and $.n of what it returned is number',
    );
  });

  test('no aux, or one that is no tree of tensors', () => {
    const aux =
      (result: (v: Tensor) => unknown): (() => unknown) =>
      () =>
        valueAndGrad(result as (v: Tensor) => [Tensor, Tensor], { hasAux: true })(x);
    const expected =
      'valueAndGrad: the function must return [value, aux], where aux is a tree of tensors ([] when there is nothing to hand out), and returned ';
    expectError(aux(tf.sum), `${expected}float32[]`);
    expectError(
      aux((v) => [tf.sum(v)]),
      `${expected}an array of 1`,
    );
    expectError(
      aux((v) => [tf.sum(v), v, v]),
      `${expected}an array of 3`,
    );
    expectError(
      aux((v) => ({ value: tf.sum(v) })),
      `${expected}Object`,
    );
    expectError(
      aux((v) => [tf.sum(v), undefined]),
      'valueAndGrad: aux is undefined; it must be a tree of tensors, [] when there is nothing to hand out',
    );
    expectError(
      aux((v) => [tf.sum(v), { n: 3 }]),
      'valueAndGrad: aux must be a tree of tensors, and $.n is number',
    );
    expectError(
      () => jvp(tf.sum as unknown as (v: Tensor) => [Tensor, Tensor], [x], [x], { hasAux: true }),
      'jvp: the function must return [value, aux]',
    );
  });

  test.each([
    ['grad', (f: (v: Tensor) => Tensor) => grad(f)(x)],
    ['valueAndGrad', (f: (v: Tensor) => Tensor) => valueAndGrad(f)(x)],
    ['jvp', (f: (v: Tensor) => Tensor) => jvp(f, [x], [x])],
    ['vjp', (f: (v: Tensor) => Tensor) => vjp(f, [x])],
    ['linearize', (f: (v: Tensor) => Tensor) => linearize(f, [x])],
    ['vmap', (f: (v: Tensor) => Tensor) => vmap(f)(x)],
    ['late', (f: (v: Tensor) => Tensor) => jit(f, { name: 'late' })(x)],
  ])('%s of an async function', (name, run) => {
    const f = async (v: Tensor): Promise<Tensor> => {
      await Promise.resolve();
      return tf.sum(v);
    };
    expectError(
      () => run(f as unknown as (v: Tensor) => Tensor),
      `${name}: the function is async, but it is traced synchronously. Await what it needs before, and pass that in as an argument.`,
    );
  });
});

describe('trees that differ', () => {
  test('tangents and cotangents', () => {
    const f = (p: Tree): { y: Tensor } => ({ y: tf.mul(p.a, p.b[0]!.c) });
    const other = { a: x } as unknown as Tree;
    expectError(
      () => jvp(f, [params], [other]),
      'jvp: the tangent has structure [{a: *}] and must have [{a: *, b: [{c: *}]}]',
    );
    const wrong = { ...params, a: tf.zeros([2]) };
    expectError(() => jvp(f, [params], [wrong]), 'jvp: the tangent $[0].a is float32[2] and must be float32[3]');
    const pulled = vjp(f, [params]);
    expectError(
      () => pulled.pullback(x as unknown as { y: Tensor }),
      'vjp: the cotangent has structure * and must have {y: *}',
    );
    expectError(() => pulled.pullback({ y: wrong.a }), 'vjp: the cotangent $.y is float32[2] and must be float32[3]');
    const pushed = linearize(f, [params]);
    expectError(
      () => pushed.pushforward(other),
      'linearize: the tangent has structure [{a: *}] and must have [{a: *, b: [{c: *}]}]',
    );
    const integers = tf.zeros([3], 'int32');
    const gone = tf.zeros([3]);
    gone.dispose();
    expectError(
      () => jvp(f, [params], [{ ...params, a: integers }]),
      'jvp: the tangent $[0].a is int32[3] and must be float32[3]',
    );
    expectError(
      () => jvp(f, [params], [{ ...params, a: gone }]),
      'jvp: the tangent $[0].a is a disposed tensor float32[3]',
    );
    expectError(
      () => pulled.pullback({ y: 3 as unknown as Tensor }),
      'vjp: the cotangent $.y is number and must be float32[3]',
    );
    expectError(() => pulled.pullback({ y: gone }), 'vjp: the cotangent $.y is a disposed tensor float32[3]');
    pulled.dispose();
    pushed.dispose();
  });

  test('mapped axes', () => {
    const gone = tf.zeros([3]);
    gone.dispose();
    expectError(
      () => vmap(({ a }: { a: Tensor }) => a)({ a: gone }),
      'vmap: the argument $[0].a is a disposed tensor float32[3]',
    );
    const f = (a: Tensor, b: Tensor): Tensor => tf.add(a, b);
    const two = tf.zeros([2, 3]);
    expectError(
      () => vmap(f)(x, two),
      'vmap: the mapped axes differ in length: $[0] has 3 and $[1] has 2 (shape [2,3], axis 0)',
    );
    expectError(() => vmap(f, { inAxes: [0] })(x, x), 'vmap: inAxes has 1 entries for 2 arguments; give one each');
    expectError(() => vmap(f, { inAxes: null })(x, x), 'vmap: no argument has a mapped axis');
    expectError(() => vmap(f, { inAxes: [1, 0] })(x, x), 'vmap: axis 1 is outside of a tensor of rank 1');
    expectError(() => vmap(f, { outAxes: 2 })(x, x), 'vmap: axis 2 is outside of a tensor of rank 1');
    expectError(() => vmap((v: { c: Tensor }) => v.c)(params.b[0]!), 'vmap: axis 0 is outside of a tensor of rank 0');
  });
});

describe('while a function is traced', () => {
  const gone = tf.scalar(1);
  gone.dispose();
  const transforms: readonly [string, (f: (v: Tensor) => Tensor) => unknown][] = [
    ['grad', (f) => grad((v: Tensor) => tf.sum(f(v)))(x)],
    ['jvp', (f) => jvp(f, [x], [ones])],
    ['vmap', (f) => vmap(f)(x)],
    ['jit', (f) => jit(f)(x)],
    [
      'a nest with tidy and tf.grad',
      (f) =>
        jit(
          vmap((v: Tensor) =>
            tf.tidy(() => grad((u: Tensor) => tf.sum(tf.tidy(() => tf.grad((w) => tf.sum(f(w)))(u))))(v)),
          ),
        )(rows),
    ],
  ];
  const mistakes: readonly [string, (v: Tensor) => unknown, string | RegExp][] = [
    [
      'reading a value',
      (v) => v.dataSync(),
      /^dataSync: the value of a traced tensor float32\[.*\] was read, but it is not known while a function is traced\. Return it/,
    ],
    ['reading it as an array', (v) => v.arraySync(), /^dataSync: the value of a traced tensor/],
    ['printing it', (v) => tf.print(v), /the value of a traced tensor/],
    [
      'hidden random numbers',
      (v) => tf.mul(v, tf.randomUniform([])),
      /^tf.randomUniform \(Math.random\) draws hidden random numbers/,
    ],
    ['Math.random', (v) => tf.mul(v, Math.random()), /^Math.random draws hidden random numbers/],
    [
      'making a variable',
      (v) => tf.mul(v, tf.variable(tf.scalar(1))),
      'a tf.Variable cannot be made while a function is traced',
    ],
    [
      'assigning one',
      () => variable.assign(tf.scalar(2)),
      'the variable held cannot be assigned while a function is traced',
    ],
    ['disposing one', () => variable.dispose(), 'the variable held cannot be disposed while a function is traced'],
    ['a disposed tensor', (v) => tf.mul(v, gone), /^a disposed tensor float32\[\] is used/],
    [
      'a kernel that tracing does not know',
      (v) => tf.engine().runKernel('Unknown', { v }) as tf.Tensor,
      /the kernel Unknown has no shape rule.*defineKernel/,
    ],
    ['shapes that do not fit', (v) => tf.reshape(v, [97]), /must match|97/],
    [
      'an error of the function',
      () => {
        throw new TypeError('mine');
      },
      'mine',
    ],
    [
      'an error in a tidy in an op',
      (v) =>
        tf.tidy(() =>
          tf.tidy(() => {
            tf.exp(v);
            throw new Error('deep');
          }),
        ),
      'deep',
    ],
  ];
  for (const [what, mistake, message] of mistakes) {
    test.each(transforms)(`${what} in %s`, (_, run) => {
      expectError(
        () =>
          run((v) => {
            const y = tf.exp(v);
            mistake(tf.mul(y, tf.sum(tf.tensor1d([1]))));
            return y;
          }),
        message,
      );
    });
  }

  test('a tensor that leaves its trace', () => {
    let leaked: Tensor | undefined;
    const keep = (v: Tensor): Tensor => {
      leaked = tf.exp(v);
      return tf.sum(v);
    };
    grad(keep)(x).dispose();
    expectError(
      () => tf.add(leaked!, 1),
      /^a traced tensor float32\[3\] was used after the function that made it had returned, or in another one/,
    );
    expectError(() => leaked!.dataSync(), /was used after the function that made it had returned/);
    expectError(
      () => grad((v: Tensor) => tf.sum(tf.mul(v, leaked!)))(x),
      /was used after the function that made it had returned/,
    );
    // A tensor of an inner function that is mapped is no value of the outer one.
    expectError(
      () =>
        jit((v: Tensor) => {
          vmap(keep)(tf.reshape(v, [3, 1]));
          return tf.mul(v, leaked!);
        })(x),
      /was used after the function that made it had returned/,
    );
  });

  test('a constant that leaves its trace becomes a tensor', () => {
    let leaked: Tensor | undefined;
    grad((v: Tensor) => {
      leaked = tf.tensor1d([4, 5]);
      return tf.sum(v);
    })(x).dispose();
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      expect(tf.add(leaked!, 1)).toBeAllClose([5, 6]);
    });
    leaked!.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('a kernel that has a shape but no rule is named by the transform that needs one', async () => {
  const { registerKernelSpec, record } = await import('@posteriors/backend');
  registerKernelSpec('Bare', { shape: ([input]) => input! });
  const bare = (v: Tensor): Tensor => record('Bare', [v]);
  const message = (purpose: string): string =>
    `${purpose}: the kernel Bare has no derivative and batching rule; defineKernel adds one`;
  expectError(() => grad((v: Tensor) => tf.sum(bare(v)))(x), message('derivative'));
  expectError(() => jvp(bare, [x], [ones]), message('derivative'));
  expectError(() => vmap(bare)(x), message('vmap'));
  expectError(() => jit(bare)(x), 'the device cpu has no kernel Bare');
});

test('the first executable that fails frees its tensors', () => {
  const indices = tf.tensor1d([0, 9], 'int32');
  expectError(
    () => jit((v: Tensor, i: Tensor) => tf.gather(tf.exp(v), i as tf.Tensor1D))(x, indices),
    /GatherV2: the index value 9 is not in/,
  );
});

test('arguments that are not an array are refused by name', () => {
  const f = (x: tf.Tensor): tf.Tensor => tf.square(x);
  const x = tf.scalar(2);
  const message = 'the arguments must be an array, [x] for a function of one, and are float32[]';
  expect(() => vjp(f, x as never)).toThrow(`vjp: ${message}`);
  expect(() => jvp(f, [x], x as never)).toThrow(`jvp: ${message}`);
  expect(() => linearize(f, x as never)).toThrow(`linearize: ${message}`);
});
