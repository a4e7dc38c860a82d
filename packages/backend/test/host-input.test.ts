// Numbers and keys from the host: on wasm they are written to the same place by each run.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { type Aval, currentBackend, type Executable, setBackend, trace } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';

const number: Aval = { shape: [], dtype: 'float32' };
const key: Aval = { shape: [2], dtype: 'int32' };

const compile = (f: (inputs: readonly tf.Tensor[]) => tf.Tensor[], avals: readonly Aval[]): Executable =>
  currentBackend().compile(trace(f, avals));

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));
  const kept = device === 'wasm' ? 2 : 0;

  test('each run sees its own values, and only the first makes room', () => {
    const start = tf.backend().numDataIds();
    const executable = compile(([x, k]) => [tf.mul(x!, 2), tf.add(k!, k!)], [number, key]);
    const before = tf.backend().numDataIds();
    for (let i = 0; i < 5; i++) {
      expectNoLeak(() => {
        const outputs = executable.run([i, Int32Array.of(i, -i)]);
        expect(outputs.map((t) => [...t.dataSync()])).toEqual([[2 * i], [2 * i, 0 - 2 * i]]);
        tf.dispose(outputs);
      });
      expect(tf.backend().numDataIds()).toBe(before + kept);
    }
    executable.dispose();
    expect(tf.backend().numDataIds()).toBe(start);
  });

  test('results that share the data of an input keep their values', () => {
    const executable = compile(
      ([x, k]) => [x!, tf.reshape(x!, [1, 1]), k!, tf.slice(k!, [0], [1]), tf.reshape(tf.slice(k!, [0], [2]), [2, 1])],
      [number, key],
    );
    expectNoLeak(() => {
      const first = executable.run([1, Int32Array.of(2, 3)]);
      const second = executable.run([10, Int32Array.of(20, 30)]);
      expect(first.map((t) => [...t.dataSync()])).toEqual([[1], [1], [2, 3], [2], [2, 3]]);
      expect(second.map((t) => [...t.dataSync()])).toEqual([[10], [10], [20, 30], [20], [20, 30]]);
      tf.dispose([first, second]);
    });
    executable.dispose();
  });

  test('tensors and numbers take turns, also after the memory has grown', () => {
    const executable = compile(([x]) => [tf.add(x!, 1)], [number]);
    const one = tf.scalar(100);
    const big: tf.Tensor[] = [];
    const outputs = [1, one, 2, 3, one, 4].map((input, i) => {
      if (i === 3) big.push(tf.zeros([2 ** 24]));
      const [output] = executable.run([input]);
      return output!.dataSync()[0];
    });
    expect(outputs).toEqual([2, 101, 3, 4, 101, 5]);
    tf.dispose([one, big]);
    executable.dispose();
  });

  test('a number that is the filter of a convolution', () => {
    const image: Aval = { shape: [1, 2, 2, 1], dtype: 'float32' };
    const executable = compile(
      ([x, w]) => [tf.conv2d(x as tf.Tensor4D, tf.reshape(w!, [1, 1, 1, 1]) as tf.Tensor4D, 1, 'valid')],
      [image, number],
    );
    for (const w of [1, 2, 3]) {
      const [output] = executable.run([Float32Array.of(1, 2, 3, 4), w]);
      expect([...output!.dataSync()]).toEqual([w, 2 * w, 3 * w, 4 * w]);
    }
    executable.dispose();
  });

  test('as many values as the shape has', () => {
    const executable = compile(([k]) => [tf.add(k!, k!)], [key]);
    for (let i = 0; i < 2; i++) {
      expect(() => executable.run([Int32Array.of(1, 2, 3)])).toThrow('takes int32[2] and was given 3 values');
      executable.run([Int32Array.of(1, 2)])[0]!.dispose();
    }
    executable.dispose();
  });
});
