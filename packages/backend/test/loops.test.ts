import '../src/wasm.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { fuse } from '../src/fuse.ts';
import { printProgram, setBackend, simplify } from '../src/index.ts';
import { loopDevice } from '../src/loops.ts';
import { float, runOnce, traceLike, traceOf } from './traced.ts';

beforeAll(() => setBackend('wasm'));

const looped = (fn: Parameters<typeof traceOf>[0], avals: Parameters<typeof traceOf>[1]): string =>
  `\n${printProgram(fuse(simplify(traceOf(fn, avals)), loopDevice('wasm')!.computes))}\n`;

test('a chain, with an operand that is repeated and a sum', () => {
  const program = looped(
    (x, y) => {
      const z = tf.exp(tf.sub(tf.square(x!), y!));
      return [z, tf.sum(z), tf.sum(z, 1)];
    },
    [float(3, 5), float(5)],
  );
  expect(program).toMatchInlineSnapshot(`
    "
    program(v0: float32[3,5], v1: float32[5]) {
      v2: float32[3,5], v3: float32[], v4: float32[3] = loop[shape=[3,5]](v0, v1)
        t0 = Square(in0)
        t1 = Sub(t0, in1)
        out0 = Exp(t1)
        out1 = Sum[axis=[0,1]](out0)
        out2 = Sum[axis=[1]](out0)
      return v2, v3, v4
    }
    "
  `);
});

test('what waits for a product that waits for a loop is a loop of its own', () => {
  const program = looped(
    (x, w) => {
      const z = tf.tanh(x!);
      return tf.add(tf.matMul(z as tf.Tensor2D, w as tf.Tensor2D), tf.neg(z));
    },
    [float(3, 3), float(3, 3)],
  );
  expect(program).toMatchInlineSnapshot(`
    "
    program(v0: float32[3,3], v1: float32[3,3]) {
      v2: float32[3,3] = loop[shape=[3,3]](v0)
        out0 = Tanh(in0)
      v3: float32[3,3] = BatchMatMul[transposeA=false transposeB=false](v2, v1)
      v4: float32[3,3] = loop[shape=[3,3]](v3, v2)
        out0 = Sub(in0, in1)
      return v4
    }
    "
  `);
});

test('what reads a sum, or a maximum, waits for the end of the loop', () => {
  expect(looped((x) => tf.sub(x!, tf.max(tf.abs(x!), 1, true)), [float(3, 5)])).toMatchInlineSnapshot(`
    "
    program(v0: float32[3,5]) {
      v1: float32[3] = loop[shape=[3,5]](v0)
        t0 = Abs(in0)
        out0 = Max[axis=[1]](t0)
      v2: float32[3,5] = loop[shape=[3,5]](v0, v1)
        out0 = Sub(in0, in1)
      return v2
    }
    "
  `);
});

test('two loops become one where a third statement reads both', () => {
  const program = looped(
    (x, y, a) => {
      const scaled = tf.mul(x!, a!);
      const shifted = tf.add(y!, tf.matMul(y as tf.Tensor2D, y as tf.Tensor2D));
      return tf.sub(scaled, shifted);
    },
    [float(3, 3), float(3, 3), float()],
  );
  expect(program).toMatchInlineSnapshot(`
    "
    program(v0: float32[3,3], v1: float32[3,3], v2: float32[]) {
      v3: float32[3,3] = BatchMatMul[transposeA=false transposeB=false](v1, v1)
      v4: float32[3,3] = loop[shape=[3,3]](v0, v2, v1, v3)
        t0 = Multiply(in0, in1)
        t1 = Add(in2, in3)
        out0 = Sub(t0, t1)
      return v4
    }
    "
  `);
});

test('scalars that wait for nothing do not wait with those that do', () => {
  const program = looped(
    (x, a) => {
      const norm = tf.sqrt(tf.sum(tf.square(x!)));
      const rate = tf.mul(a!, 0.5);
      return [norm, tf.mul(x!, rate)];
    },
    [float(4), float()],
  );
  expect(program).toMatchInlineSnapshot(`
    "
    program(v0: float32[4], v1: float32[]) {
      v2: float32[] = loop[shape=[]](v1)
        out0 = Multiply(in0, 0.5)
      v3: float32[], v4: float32[4] = loop[shape=[4]](v0, v2)
        t0 = Square(in0)
        out0 = Sum[axis=[0]](t0)
        out1 = Multiply(in0, in1)
      v5: float32[] = loop[shape=[]](v3)
        out0 = Sqrt(in0)
      return v5, v4
    }
    "
  `);
});

test('reshapes that only add axes of length 1, and broadcasts, are no copies', () => {
  const program = looped((x, y) => tf.mul(x!, tf.broadcastTo(tf.reshape(y!, [3, 1]), [3, 5])), [float(3, 5), float(3)]);
  expect(program).toMatchInlineSnapshot(`
    "
    program(v0: float32[3,5], v1: float32[3]) {
      v2: float32[3,5] = loop[shape=[3,5]](v0, v1)
        out0 = Multiply(in0, in1)
      return v2
    }
    "
  `);
});

test('sums over axes that are not the last, and empty tensors, are no loops', () => {
  expect(looped((x) => tf.sum(x!, 0), [float(3, 5)])).toMatchInlineSnapshot(`
    "
    program(v0: float32[3,5]) {
      v1: float32[5] = Sum[axis=[0]](v0)
      return v1
    }
    "
  `);
  expect(looped((x) => tf.neg(x!), [float(0, 5)])).toMatchInlineSnapshot(`
    "
    program(v0: float32[0,5]) {
      v1: float32[0,5] = Neg(v0)
      return v1
    }
    "
  `);
});

test('sums and maxima over axes, of which some have length 1, before one that is kept', () => {
  for (const [shape, axis] of [
    [
      [1, 3, 4],
      [0, 1],
    ],
    [
      [2, 1, 4, 3],
      [1, 2],
    ],
    [
      [1, 3, 4, 5],
      [0, 2],
    ],
    [
      [3, 1, 4],
      [0, 1],
    ],
    [[4, 1], [1]],
  ] as const) {
    const f = (x: tf.Tensor): tf.Tensor[] => [tf.max(x, [...axis]), tf.min(x, [...axis]), tf.sum(x, [...axis])];
    const x = tf.sin(
      tf.reshape(
        tf.range(
          0,
          shape.reduce<number>((size, n) => size * n, 1),
        ),
        [...shape],
      ),
    );
    runOnce(
      traceLike((y) => f(y!), [x]),
      [x],
    ).forEach((result, i) => {
      expect(result).toBeAllClose(f(x)[i]);
    });
  }
});
