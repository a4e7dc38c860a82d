// Random programs of integers, on which float32 is exact in whichever order it sums.
import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { setBackend, simplify, sizeOf } from '../../src/index.ts';
import { runOnce, traceLike } from '../traced.ts';

beforeAll(() => setBackend('cpu'));

/** What to do, to which two tensors of those that there are, and how. */
type Step = readonly [kind: number, first: number, second: number, how: number];

const mostElements = 600;
/** Larger numbers are not used any further, so that squares of sums of them are exact. */
const largest = 2 ** 8;

const shapes = [[4, 3], [4, 2], [4, 1, 3], [4, 1, 2], [3, 2], [2, 4, 3], [], [1, 3]]; // biome-ignore format: one line

function valuesFor(seed: number): tf.Tensor[] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 5;
  };
  return shapes.map((shape) =>
    tf.tensor(
      Float32Array.from({ length: sizeOf(shape) }, () => next() - 2),
      shape,
    ),
  );
}

function broadcasts(a: tf.Tensor, b: tf.Tensor): boolean {
  const [x, y] = [[...a.shape].reverse(), [...b.shape].reverse()];
  return x.every((n, i) => n === 1 || y[i] === undefined || y[i] === 1 || y[i] === n);
}

const kinds: readonly ((a: tf.Tensor, b: tf.Tensor, how: number) => tf.Tensor | null)[] = [
  (a, b) => (broadcasts(a, b) ? tf.add(a, b) : null),
  (a, b) => (broadcasts(a, b) ? tf.sub(a, b) : null),
  (a, b) => (broadcasts(a, b) ? tf.mul(a, b) : null),
  (a) => tf.square(a),
  (a) => tf.neg(a),
  (a, _, how) => tf.mul([1, -1, 2, -2, 3, 0][how % 6] as number, a),
  (a, _, how) => tf.add([0, -0, 1][how % 3] as number, a),
  (a, _, how) => tf.mul(how % 2 ? tf.onesLike(a) : tf.fill(a.shape, 2), a),
  (a, _, how) => (a.rank === 0 ? null : tf.sum(a, [...a.shape.keys()].filter((i) => how % a.rank === i || (how >> i) & 1))), // biome-ignore format: one line
  (a) => (a.rank === 0 ? null : tf.sum(a, 0)),
  (a, _, how) => tf.transpose(a, [...a.shape.keys()].map((i) => (how % 2 ? a.rank - 1 - i : (i + how) % a.rank))), // biome-ignore format: one line
  (a) => (a.rank < 2 ? null : tf.transpose(a, [...a.shape.keys()].map((i) => (i < a.rank - 2 ? i : 2 * a.rank - 3 - i)))), // biome-ignore format: one line
  (a, _, how) => tf.reshape(a, [[-1], [1, ...a.shape], [...a.shape, 1], a.size % 4 ? [-1] : [2, -1, 2]][how % 4] as number[]), // biome-ignore format: one line
  (a) => (a.rank < 2 ? null : tf.reshape(a, [-1, ...a.shape.slice(2)])),
  (a, _, how) => (a.rank > 3 ? null : tf.broadcastTo(a, [2 + (how % 2), ...a.shape])),
  (a, b, how) => product(a, b, how),
  (a, b) => (a.rank < 2 || a.rank > 3 || `${a.shape.slice(0, -1)}` !== `${b.shape.slice(0, -1)}` ? null : tf.mul(tf.expandDims(a, -1), tf.expandDims(b, -2))), // biome-ignore format: one line
  (a, b) => (`${a.shape}` === `${b.shape}` ? tf.where(tf.greater(a, 0), b, a) : null),
  (a, _, how) => tf.where(tf.fill(a.shape, how % 2, 'bool'), a, tf.neg(a)),
];

/** The product of two matrices, or of lists of matrices, transposed in the first way that fits. */
function product(a: tf.Tensor, b: tf.Tensor, how: number): tf.Tensor | null {
  if (a.rank < 2 || a.rank !== b.rank || `${a.shape.slice(0, -2)}` !== `${b.shape.slice(0, -2)}`) return null;
  for (let i = 0; i < 4; i++) {
    const [swapA, swapB] = [((how + i) & 1) === 1, ((how + i) & 2) === 2];
    if (a.shape.at(swapA ? -2 : -1) === b.shape.at(swapB ? -1 : -2)) return tf.matMul(a, b, swapA, swapB);
  }
  return null;
}

/** Runs the steps, those left out for which `isUsed` says so, and returns what the last ones computed. */
function run(
  given: readonly tf.Tensor[],
  steps: readonly Step[],
  isUsed: (i: number, x: tf.Tensor) => boolean,
): tf.Tensor[] {
  const pool = [...given];
  steps.forEach(([kind, first, second, how], i) => {
    // Rather of what is new.
    const pick = (n: number): tf.Tensor => pool[Math.max(0, pool.length - 1 - (n % (pool.length + 3)))] as tf.Tensor;
    const made = (kinds[kind % kinds.length] as (typeof kinds)[number])(pick(first), pick(second), how);
    if (made !== null && made.rank <= 5 && made.size <= mostElements && isUsed(i, made)) pool.push(made);
  });
  return pool.slice(-3);
}

test('programs have the values that they have without the passes', () => {
  const step = fc.tuple(fc.nat(200), fc.nat(40), fc.nat(40), fc.nat(60));
  let shorter = 0;
  fc.assert(
    fc.property(fc.integer(), fc.array(step, { minLength: 4, maxLength: 24 }), (seed, steps) => {
      const inputs = valuesFor(seed);
      const used = new Set<number>();
      const isSmall = (x: tf.Tensor): boolean => x.dataSync().every((value) => Math.abs(value) <= largest);
      const expected = run(inputs, steps, (i, x) => {
        if (isSmall(x)) used.add(i);
        return used.has(i);
      });
      const program = traceLike((...symbols) => run(symbols, steps, (i) => used.has(i)), inputs);
      if (simplify(program).equations.length < program.equations.length) shorter++;
      const found = runOnce(program, inputs);
      found.forEach((tensor, i) => {
        const values = Array.from((expected[i] as tf.Tensor).dataSync(), (x) => x + 0);
        expect(Array.from(tensor.dataSync(), (x) => x + 0)).toEqual(values);
      });
      tf.dispose([inputs, found, expected]);
    }),
    { numRuns: 300, seed: 1 },
  );
  expect(shorter).toBeGreaterThan(200);
});
