// What scan refuses, and how it says so.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { scan } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

describe('errors', () => {
  const xs = tf.ones([3, 2]);
  const start = { a: tf.zeros([2]) };
  const identity = (carry: never): never => [carry, []] as never;
  test.each<[string, () => unknown, string]>([
    ['shape', () => scan((c: Tensor) => [tf.sum(c), []], tf.zeros([2]), xs), 'scan: the carry $ is float32[2] and came back as float32[]; an iteration must keep it'],
    ['dtype', () => scan(({ a }: typeof start) => [{ a: tf.cast(a, 'int32') as never }, []], start, xs), 'scan: the carry $.a is float32[2] and came back as int32[2]'],
    ['structure', () => scan(({ a }: typeof start) => [a as never, []], start, xs), 'scan: the carry has structure {a: *} and came back as *'],
    ['pair', () => scan(((c: Tensor) => c) as never, tf.zeros([2]), xs), 'scan: the function must return [carry, y] ([] where there is no y), and returned float32[2]'],
    ['triple', () => scan((() => [1, 2, 3]) as never, tf.zeros([2]), xs), 'returned an array of 3'],
    ['carry', () => scan(identity as never, { a: 1 } as never, xs), 'scan: the carry $.a is not a tensor but number'],
    ['carry back', () => scan((() => [{ a: 1 }, []]) as never, start, xs), 'scan: the carry $.a is not a tensor but number'],
    ['y', () => scan(((c: never) => [c, { y: 'text' }]) as never, start, xs), 'scan: the result y $.y is not a tensor but string'],
    ['lengths', () => scan(identity as never, start, [xs, tf.ones([2])]), 'scan: $[1] of xs has shape [2] and $[0] has shape [3,2]; axis 0 must have the length of the loop'],
    ['length', () => scan(identity as never, start, xs, { length: 4 }), 'scan: $ of xs has shape [3,2] and length is 4'],
    ['scalar', () => scan(identity as never, start, tf.scalar(1)), 'scan: $ of xs has shape []'],
    ['none', () => scan(identity as never, start, null), 'scan: xs has no tensors; give the number of iterations as length'],
    ['fraction', () => scan(identity as never, start, null, { length: 1.5 }), 'scan: length is 1.5 and must be a whole number from 0'],
    ['async', () => scan((async () => [start, []]) as never, start, xs), 'scan: the function is async'],
  ])('%s', (_, run, message) => {
    expectNoLeak(() => tf.tidy(() => void expect(run).toThrow(message)));
  }); // biome-ignore format: a table
});
