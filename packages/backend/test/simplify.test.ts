import '../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Equation,
  newValue,
  type Program,
  printProgram,
  record,
  removeDeadCode,
  setBackend,
  simplify,
} from '../src/index.ts';
import { absorbBroadcasts } from '../src/simplify/broadcasts.ts';
import { shareCommonSubexpressions } from '../src/simplify/common-subexpressions.ts';
import { removeIdentities } from '../src/simplify/identities.ts';
import { bool, float, runOnce, traceOf } from './traced.ts';

beforeAll(() => setBackend('cpu'));

test('dead code: equations, and constants that only they need', () => {
  const [used, unused] = [tf.scalar(2), tf.scalar(3)];
  const program = traceOf(
    (x, y) => {
      const dead = tf.exp(tf.mul(y!, unused));
      tf.add(dead, x!);
      return tf.mul(tf.neg(x!), used);
    },
    [float(2), float(2)],
  );
  expect(program.equations).toHaveLength(5);
  expect(printProgram(removeDeadCode(program))).toMatchInlineSnapshot(`
    "program(v0: float32[2], v1: float32[2]) {
      constant v2: float32[]
      v3: float32[2] = Neg(v0)
      v4: float32[2] = Multiply(v3, v2)
      return v4
    }"
  `);
});

describe('common subexpressions', () => {
  const count = (program: Program): number => removeDeadCode(shareCommonSubexpressions(program)).equations.length;

  test('equal equations run once, and what follows from them', () => {
    const program = traceOf((x) => tf.mul(tf.exp(tf.add(x!, 1)), tf.exp(tf.add(x!, 1))), [float(2)]);
    expect(printProgram(removeDeadCode(shareCommonSubexpressions(program)))).toMatchInlineSnapshot(`
      "program(v0: float32[2]) {
        v1: float32[2] = Add(v0, 1)
        v2: float32[2] = Exp(v1)
        v3: float32[2] = Multiply(v2, v2)
        return v3
      }"
    `);
  });

  test('scalar literals are compared by value, with the sign of zero and dtype', () => {
    const sums = (a: number, b: number): Program => traceOf((x) => [tf.mul(x!, a), tf.mul(x!, b)], [float(2)]);
    expect(count(sums(0.5, 0.5))).toBe(1);
    expect(count(sums(0.5, 0.25))).toBe(2);
    expect(count(sums(0, -0))).toBe(2);
    expect(count(sums(-0, -0))).toBe(1);
    expect(count(sums(Number.NaN, Number.NaN))).toBe(1);
    const casts = traceOf(() => [record('Neg', [tf.scalar(1)]), record('Neg', [tf.scalar(1, 'int32')])], []);
    expect(count(casts)).toBe(2);
  });

  test('literals of other shapes differ, and longer ones unless they are the same', () => {
    expect(count(traceOf((x) => [tf.add(x!, tf.scalar(1)), tf.add(x!, tf.tensor1d([1]))], [float(1)]))).toBe(2);
    expect(count(traceOf((x) => [tf.add(x!, tf.tensor1d([1, 2])), tf.add(x!, tf.tensor1d([1, 3]))], [float(2)]))).toBe(
      2,
    );
    const same = traceOf(
      (x) => {
        const c = tf.tensor1d([1, 2]);
        const d = tf.tensor1d([3, 4]);
        return [tf.add(x!, c), tf.add(x!, d), tf.add(x!, c), tf.add(x!, d)];
      },
      [float(2)],
    );
    expect(count(same)).toBe(2);
  });

  test('attributes and the order of operands matter', () => {
    expect(count(traceOf((x) => [tf.sum(x!, 0), tf.sum(x!, 1), tf.sum(x!, -1)], [float(2, 2)]))).toBe(2);
    expect(count(traceOf((x, y) => [tf.sub(x!, y!), tf.sub(y!, x!)], [float(2), float(2)]))).toBe(2);
  });

  test('attributes that are not finite are told apart', () => {
    const clip =
      (low: number, high: number): ((x: tf.Tensor) => tf.Tensor) =>
      (x) =>
        tf.clipByValue(x, low, high);
    const both = traceOf((x) => [clip(-Infinity, 1)(x!), clip(-1, 1)(x!), clip(-1, Infinity)(x!)], [float(2)]);
    expect(count(both)).toBe(3);
    const pads = traceOf(
      (x) => [Infinity, -Infinity, Number.NaN, 0, -0].map((value) => tf.pad(x!, [[1, 0]], value)),
      [float(2)],
    );
    expect(count(pads)).toBe(5);
  });
});

test('identities: stop-gradient, and values with a derivative of their own', () => {
  const [x, y, r] = [newValue(float(2)), newValue(float(2)), newValue(float(2))];
  const derivative: Program = { inputs: [], constants: [], equations: [], outputs: [] };
  const equations: Equation[] = [
    { type: 'kernel', kernel: 'Exp', inputs: [x], attributes: {}, outputs: [y] },
    {
      type: 'call',
      name: 'mine',
      direction: 'forward',
      derivative,
      arguments: 1,
      closures: 0,
      inputs: [y, x],
      outputs: [r],
    },
  ];
  expect(
    printProgram(removeIdentities({ inputs: [x], constants: [], equations, outputs: [r] })),
  ).toMatchInlineSnapshot(`
    "program(v0: float32[2]) {
      v1: float32[2] = Exp(v0)
      return v1
    }"
  `);
  const stopped = traceOf(
    (x) => [record('StopGradient', [record('StopGradient', [x!])]), record('Identity', [x!])],
    [float(2)],
  );
  expect(removeIdentities(stopped)).toMatchObject({ equations: [], outputs: [stopped.inputs[0], stopped.inputs[0]] });
});

describe('broadcasts', () => {
  const absorbed = (program: Program): string => printProgram(removeDeadCode(absorbBroadcasts(program)));

  test('of one operand, of the other, of both', () => {
    const program = traceOf(
      (x, y) => {
        const [wide, high] = [tf.broadcastTo(x!, [3, 4]), record('BroadcastTo', [y!], { shape: [3, 4] })];
        return [tf.add(wide, high), record('Greater', [wide, tf.zeros([3, 4])]), tf.sub(tf.ones([3, 4]), high)];
      },
      [float(4), float(3, 1)],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[4], v1: float32[3,1]) {
        v2: float32[1,4] = Reshape[shape=[1,4]](v0)
        v3: float32[3,4] = Add(v2, v1)
        v4: bool[3,4] = Greater(v2, literal float32[3,4])
        v5: float32[3,4] = Sub(literal float32[3,4], v1)
        return v3, v4, v5
      }"
    `);
  });

  test('stay where the result needs them', () => {
    const program = traceOf(
      (x) => {
        const wide = record('BroadcastTo', [x!], { shape: [3, 4] });
        return [tf.sum(wide, 0), record('Concat', [wide, wide], { axis: 0 })];
      },
      [float(4)],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[4]) {
        v1: float32[3,4] = BroadcastTo[shape=[3,4]](v0)
        v2: float32[4] = Sum[axis=[0]](v1)
        v3: float32[6,4] = Concat[axis=0](v1, v1)
        return v2, v3
      }"
    `);
  });

  test('what is the same along an axis is computed once', () => {
    const program = traceOf(
      (x) => {
        const wide = record('BroadcastTo', [x!], { shape: [3, 4] });
        return tf.mul(tf.exp(wide), wide);
      },
      [float(4)],
    );
    expect(absorbed(program)).toMatchInlineSnapshot(`
      "program(v0: float32[4]) {
        v1: float32[4] = Exp(v0)
        v2: float32[4] = Multiply(v1, v0)
        v3: float32[3,4] = BroadcastTo[shape=[3,4]](v2)
        return v3
      }"
    `);
  });

  test('of nothing', () => {
    const program = traceOf(
      (x) => {
        const none = record('BroadcastTo', [x!], { shape: [0, 1] });
        return [tf.exp(none), tf.add(none, none)];
      },
      [float(1, 1)],
    );
    const outputs = runOnce(program, [tf.ones([1, 1])]);
    expect(outputs.map(({ shape }) => shape)).toEqual([[0, 1], [0, 1]]); // biome-ignore format: one line
  });
});

test('simplify leaves outputs that are inputs, constants, literals and duplicates', () => {
  const c = tf.scalar(5);
  const program = traceOf(
    (x, b) => {
      const y = tf.exp(x!);
      return [x!, c, tf.scalar(2), y, tf.exp(x!), record('StopGradient', [x!]), b!];
    },
    [float(2), bool()],
  );
  const simple = simplify(program);
  expect(printProgram(simple)).toMatchInlineSnapshot(`
    "program(v0: float32[2], v1: bool[]) {
      constant v2: float32[]
      v3: float32[2] = Exp(v0)
      return v0, v2, 2, v3, v3, v0, v1
    }"
  `);
  const [x, b] = [tf.tensor1d([0, 1]), tf.scalar(true, 'bool')];
  const outputs = runOnce(simple, [x, b]);
  expect(outputs.map((tensor) => tensor.dataSync().length)).toEqual([2, 1, 1, 2, 2, 2, 1]);
  expect(outputs[4]).toBeAllClose([1, Math.E]);
  expect(new Set(outputs.map(({ id }) => id)).size).toBe(outputs.length);
  tf.dispose([...outputs, x, b, c]);
});

test('simplifying twice changes nothing more', () => {
  const program = traceOf(
    (x) => {
      const p = tf.softmax(tf.mul(x!, 2));
      return [
        tf.logSoftmax(x!),
        tf.sum(tf.mul(p, tf.logSoftmax(x!)), -1),
        tf.mean(tf.square(tf.sub(p, tf.mean(p, -1, true)))),
      ];
    },
    [float(3, 4)],
  );
  const once = simplify(program);
  expect(printProgram(simplify(once))).toBe(printProgram(once));
});
