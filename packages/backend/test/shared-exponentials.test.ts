// Softplus and sigmoid in one loop, against each of them in a program of its own.
import '../src/wasm.ts';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { type Aval, printProgram, setBackend, simplify } from '../src/index.ts';
import { lower } from '../src/lower.ts';
import { float, runOnce, traceOf } from './traced.ts';

beforeAll(() => setBackend('wasm'));

type Tensor = tf.Tensor;
type Fn = (x: Tensor, y: Tensor) => Tensor | readonly Tensor[];

const looped = (fn: Fn, aval: Aval = float(5)): string =>
  printProgram(lower(simplify(traceOf((x, y) => fn(x!, y!), [aval, aval])), 'wasm'));
const counted = (program: string): object =>
  Object.fromEntries(
    ['Softplus', 'Sigmoid', 'Exp', 'Log1p'].map((name) => [name, program.split(`${name}(`).length - 1]),
  );

const both = (x: Tensor): Tensor[] => [tf.softplus(x), tf.sigmoid(x)];
const four: Fn = (x) => [...both(x), ...both(tf.neg(x))];

test('a logistic loss and its gradient take one exponential and one logarithm', () => {
  const program = looped((x, y) => {
    const loss = tf.add(tf.mul(y, tf.softplus(tf.neg(x))), tf.mul(tf.sub(1, y), tf.softplus(x)));
    const gradient = tf.sub(tf.mul(tf.sub(1, y), tf.sigmoid(x)), tf.mul(y, tf.sigmoid(tf.neg(x))));
    return [tf.sum(loss), gradient];
  });
  expect(`\n${program}\n`).toMatchInlineSnapshot(`
    "
    program(v0: float32[5], v1: float32[5]) {
      v2: float32[5], v3: float32[] = loop[shape=[5]](v0, v1)
        t0 = Neg(in0)
        t1 = Abs(t0)
        t2 = Neg(t1)
        t3 = Exp(t2)
        t4 = Add(t3, 1)
        t5 = Log1p(t3)
        t6 = Maximum(t0, 0)
        t7 = Add(t6, t5)
        t8 = Multiply(in1, t7)
        t9 = Sub(1, in1)
        t10 = Maximum(in0, 0)
        t11 = Add(t10, t5)
        t12 = Multiply(t9, t11)
        t13 = Add(t8, t12)
        t14 = Less(in0, 0)
        t15 = Select(t14, t3, 1)
        t16 = RealDiv(t15, t4)
        t17 = Multiply(t9, t16)
        t18 = Less(t0, 0)
        t19 = Select(t18, t3, 1)
        t20 = RealDiv(t19, t4)
        t21 = Multiply(in1, t20)
        out0 = Sub(t17, t21)
        out1 = Sum[axis=[0]](t13)
      return v3, v2
    }
    "
  `);
});

test('what differs by a negative factor is of one magnitude', () => {
  expect(counted(looped((x) => [...both(tf.mul(x, 3)), ...both(tf.neg(tf.mul(3, x)))]))).toEqual({
    ...{ Softplus: 0, Sigmoid: 0 },
    ...{ Exp: 1, Log1p: 1 },
  });
  expect(counted(looped((x) => [tf.sigmoid(tf.mul(x, 3)), tf.sigmoid(tf.mul(x, 2))]))).toMatchObject({ Sigmoid: 2 });
});

test('what has no other to share with stays', () => {
  expect(counted(looped((x, y) => [tf.softplus(x), tf.sigmoid(y)]))).toEqual({
    ...{ Softplus: 1, Sigmoid: 1 },
    ...{ Exp: 0, Log1p: 0 },
  });
});

test('to the bit, for all numbers', () => {
  const tiny = 2 ** -149;
  const special = [
    0,
    1e-8,
    1e-20,
    tiny,
    2 ** -126,
    16.6,
    17.3,
    86.9,
    87,
    87.1,
    88,
    88.8,
    103,
    104,
    1e4,
    3e38,
    Infinity,
  ];
  const random = Array.from({ length: 2000 }, (_, i) => 20 * Math.sin(i * i) ** 3);
  const values = Float32Array.from([...special.flatMap((value) => [value, -value]), Number.NaN, ...random]);
  const run = (fn: Fn): Uint32Array[] => {
    const x = tf.tensor(values);
    const outputs = runOnce(
      traceOf((input) => fn(input!, input!), [float(values.length)]),
      [x],
    );
    const bits = outputs.map((output) => {
      // All of NaN are one.
      const numbers = output.dataSync<'float32'>().map((value) => (Number.isNaN(value) ? Number.NaN : value));
      return new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length).slice();
    });
    tf.dispose([x, ...outputs]);
    return bits;
  };
  const apart: Fn[] = [
    (x) => tf.softplus(x),
    (x) => tf.sigmoid(x),
    (x) => tf.softplus(tf.neg(x)),
    (x) => tf.sigmoid(tf.neg(x)),
  ];
  expect(run(four)).toEqual(apart.flatMap(run));
});
