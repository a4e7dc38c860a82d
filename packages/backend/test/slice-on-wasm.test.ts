// Slices that read the memory of wasm in place.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { currentBackend, setBackend, theEngine } from '../src/index.ts';
import { traceOf } from './traced.ts';

beforeAll(() => setBackend('wasm'));

describe.each(['float32', 'int32', 'bool'] as const)('of %s', (dtype) => {
  test.each<[shape: number[], begin: number[], size: number[]]>([
    [[7], [2], [3]],
    [
      [5, 3],
      [1, 0],
      [3, 3],
    ],
    [
      [5, 3],
      [0, 1],
      [5, 2],
    ],
    [
      [2, 3, 4],
      [1, 1, 0],
      [1, 2, 4],
    ],
    [
      [2, 3, 4],
      [0, 1, 1],
      [2, 1, 2],
    ],
    [
      [2, 3, 4, 2],
      [0, 1, 2, 0],
      [2, 2, 1, 2],
    ],
    [
      [2, 2, 3, 2, 3],
      [1, 0, 1, 0, 1],
      [1, 2, 2, 2, 1],
    ],
  ])('[%s] from [%s], [%s]', (shape, begin, size) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: count }, (_, i) => (dtype === 'bool' ? (i * 7) % 3 === 0 : i - 5));
    const x = tf.tensor(values as number[], shape, dtype);
    const executable = currentBackend().compile(traceOf((a) => tf.slice(a!, begin, size), [{ shape, dtype }]));
    const buffers = theEngine().backend.numDataIds();
    expectNoLeak(() => {
      const [result] = executable.run([x]);
      const expected = tf.slice(x, begin, size);
      expect(result!.shape).toEqual(size);
      expect(result!.dataSync()).toEqual(expected.dataSync());
      tf.dispose([result!, expected]);
    });
    expect(theEngine().backend.numDataIds()).toBe(buffers);
    executable.dispose();
    x.dispose();
  });
});

test('the memory may grow while a slice is made', () => {
  const x = tf.range(0, 3_000_000);
  const executable = currentBackend().compile(traceOf((a) => tf.slice(a!, [1], [2_999_998]), [x as never]));
  const kept = Array.from({ length: 6 }, () => executable.run([x])[0]!);
  for (const each of kept) expect([...each.dataSync().slice(-2)]).toEqual([2_999_997, 2_999_998]);
  tf.dispose([x, ...kept]);
  executable.dispose();
});
