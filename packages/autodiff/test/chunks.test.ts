import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { diagGgn, evaluate, ggn, grad, jit, makeProgram, sumOverChunks, unitRows, vmap } from '../src/index.ts';

await setBackend('cpu');

const x = tf.tensor2d(Array.from({ length: 14 }, (_, i) => Math.sin(i)), [7, 2]); // biome-ignore format: one line
const label = tf.range(0, 7, 1);
type Rows = { readonly x: tf.Tensor; readonly label: tf.Tensor; readonly unit: string };
const rows = { x, label, unit: 'm' };

const sums = (chunk: Rows): [{ total: tf.Tensor }, tf.Tensor] => [
  { total: tf.sum(tf.square(chunk.x), 0) },
  tf.mul(tf.sum(chunk.x, 1), chunk.label),
];

describe('sumOverChunks', () => {
  test.each([1, 2, 3, 6, 7, 8])('equals the whole, in chunks of %i of 7', (size) => {
    const lengths = new Set<number>();
    const f = (chunk: Rows): ReturnType<typeof sums> => {
      lengths.add(chunk.x.shape[0] as number);
      expect(chunk.unit).toBe('m');
      return sums(chunk);
    };
    const [expectedSum, expectedRows] = sums(rows);
    for (const run of [() => sumOverChunks(f, rows, size), () => jit(() => sumOverChunks(f, rows, size))()]) {
      const [sum, ys] = run();
      expect(sum.total).toBeAllClose(expectedSum.total);
      expect(ys).toBeAllClose(expectedRows);
    }
    expect(Math.max(...lengths)).toBe(Math.min(size, 7));
  });

  test('is one loop, however many chunks', () => {
    const types = (size: number): string[] =>
      makeProgram((all: tf.Tensor) => sumOverChunks((chunk: tf.Tensor) => [tf.sum(chunk), []], all, size))(
        label,
      ).equations.map((equation) => equation.type);
    expect(types(2).filter((type) => type === 'scan')).toHaveLength(1);
    expect(types(1)).toHaveLength(types(2).length);
    expect(types(7)).not.toContain('scan');
  });

  test('by default holds a bounded number of numbers, and computes all at once where they are few', () => {
    const lengths = (width: number, count: number): number[] => {
      const seen: number[] = [];
      const f = (chunk: tf.Tensor): [tf.Tensor, []] => {
        seen.push(chunk.shape[0] as number);
        return [tf.logSumExp(tf.mul(tf.reshape(chunk, [-1, 1]), tf.range(0, width, 1)), 0), []];
      };
      makeProgram((all: tf.Tensor) => sumOverChunks(f, all))(tf.zeros([count]));
      return seen;
    };
    expect(lengths(3, 5000)).toEqual([5000, 5000]);
    // All and two slices show what one adds.
    // Of each slice the product, the difference to the maximum and what comes of it, two of which at one time.
    const [all, two, first, rest] = lengths(4096, 5000) as [number, number, number, number];
    expect([all, two]).toEqual([5000, 2]);
    expect(rest).toBeGreaterThan(500);
    expect(rest).toBeLessThanOrEqual(512);
    expect((5000 - first) % rest).toBe(0);
  });

  test('by default computes at once what holds nothing of each slice once it is simplified', () => {
    const seen: number[] = [];
    const f = ([x, d]: readonly [tf.Tensor, tf.Tensor]): [tf.Tensor, []] => {
      seen.push(x.shape[0] as number);
      const rows = ({ shape: [n, length] }: tf.Tensor): number[] => [n as number, 1, length as number];
      const outer = tf.matMul(tf.reshape(x, rows(x)), tf.reshape(d, rows(d)), true, false);
      return [tf.sum(tf.square(outer), 0), []];
    };
    const xs = [tf.ones([500, 100]), tf.ones([500, 200])] as const;
    const [sum] = evaluate('test', () => sumOverChunks(f, xs));
    expect(seen).toEqual([500, 500]);
    expect(sum).toBeAllClose(tf.fill([100, 200], 500));
  });

  test('scalar tensors are passed whole', () => {
    const f = ({ x: part, scale }: { readonly x: tf.Tensor; readonly scale: tf.Tensor }): [tf.Tensor, []] => [
      tf.sum(tf.mul(part, scale)),
      [],
    ];
    expect(sumOverChunks(f, { x, scale: tf.scalar(2) }, 3)[0]).toBeAllClose(tf.mul(2, tf.sum(x)));
  });

  test('is differentiated and mapped over', () => {
    const f = (factor: tf.Tensor): tf.Tensor =>
      sumOverChunks((chunk: tf.Tensor): [tf.Tensor, []] => [tf.sum(tf.exp(tf.mul(chunk, factor))), []], x, 3)[0];
    const whole = (factor: tf.Tensor): tf.Tensor => tf.sum(tf.exp(tf.mul(x, factor)));
    const factors = tf.tensor1d([0.5, -1]);
    expect(vmap(grad(f))(factors)).toBeAllClose(vmap(grad(whole))(factors));
  });

  test('refuses what has no axis 0 in common', () => {
    const f = (): [tf.Tensor, []] => [tf.scalar(0), []];
    expect(() => sumOverChunks(f, [x, tf.ones([3])], 2)).toThrow(
      'sumOverChunks: the tensors must have an axis 0 of one length, and have [7,2], [3]',
    );
    for (const none of [[tf.scalar(1)], []]) {
      expect(() => sumOverChunks(f, none, 2)).toThrow('have none: there is no tensor but scalars');
    }
  });
});

test.each([
  ['a size that is no whole number', 2.5, [], 'sumOverChunks: the size is 2.5, and must be a whole number of slices'],
  ['no size', 0, [], 'sumOverChunks: the size is 0'],
  ['a negative size', -1, [], 'sumOverChunks: the size is -1'],
  ['NaN', Number.NaN, [], 'sumOverChunks: the size is NaN'],
  ['rows of another length', 3, { sum: tf.ones([2]) }, 'of length 1, and $.sum is float32[2]; return what is summed'],
  ['rows without an axis', 7, { all: [tf.scalar(1)] }, 'of length 7, and $.all[0] is float32[]'],
] as const)('sumOverChunks refuses %s', (_, size, ys, message) => {
  expect(() => sumOverChunks((chunk: tf.Tensor) => [tf.sum(chunk), ys], x, size)).toThrow(message);
});

test('unitRows are rows of the unit matrix', () => {
  expect(unitRows(tf.tensor1d([2, 0], 'int32'), 3)).toBeAllClose([[0, 0, 1], [1, 0, 0]]); // biome-ignore format: a matrix
  expect(unitRows(tf.tensor1d([2, 4], 'int32'), 2, 3)).toBeAllClose([[0, 0], [0, 1]]); // biome-ignore format: a matrix
});

test('diagGgn of more numbers than it holds at once equals that of a few', () => {
  const count = 2 ** 21;
  const inputs = tf.tensor1d([1, -2, 0.5, 3, 1.5]);
  // Each output is a number times the mean of all parameters, so that all elements of the diagonal are equal.
  const forward = (theta: tf.Tensor): tf.Tensor => tf.mul(inputs, tf.mul(tf.sum(theta), 1 / count));
  const loss = (z: tf.Tensor): tf.Tensor => tf.add(tf.sum(tf.exp(z)), tf.prod(z));
  const diagonal = diagGgn(forward, loss)(tf.ones([count]));
  const one = ggn((theta: tf.Tensor) => tf.mul(inputs, theta), loss)(tf.scalar(1));
  const expected = (one.arraySync() as number[][])[0]?.[0] as number;
  expect(tf.mul(tf.max(diagonal), count ** 2)).toBeAllClose(expected, { rtol: 1e-4 });
  expect(tf.mul(tf.min(diagonal), count ** 2)).toBeAllClose(expected, { rtol: 1e-4 });
});
