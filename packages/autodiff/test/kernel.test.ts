import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { defineKernel, grad, jit, jvp, ruleNames, vmap } from '../src/index.ts';

type Tensor = tf.Tensor;

// x^n + x^(n - 1), elementwise, on cpu alone.
const powers = defineKernel({
  name: 'TestPowers',
  shape: ([x]) => x!,
  derivative: {
    partials: [
      ([x], _, { n }) =>
        tf.add(
          tf.mul(n as number, tf.pow(x!, (n as number) - 1)),
          tf.mul((n as number) - 1, tf.pow(x!, (n as number) - 2)),
        ),
    ],
  },
  batch: ([x], _, attributes) => powers([x!], attributes),
  run: {
    cpu({ inputs, attrs, backend }) {
      const x = (inputs as { [position: string]: tf.TensorInfo })['0']!;
      const { n } = attrs as { n: number };
      const device = backend as tf.KernelBackend & { data: { get(id: object): { values: Float32Array } } };
      const values = device.data.get(x.dataId).values.map((v) => v ** n + v ** (n - 1));
      return { dataId: device.write(values, x.shape, 'float32'), shape: x.shape, dtype: 'float32' };
    },
  },
});

describe('defineKernel', () => {
  let x: Tensor;
  beforeAll(async () => {
    await setBackend('cpu');
    x = tf.tensor2d([
      [1, 2],
      [0.5, -1],
    ]);
  });

  test('runs by itself and in programs', () => {
    expect(powers([x], { n: 2 })).toBeAllClose(tf.add(tf.square(x), x));
    expect(jit((v: Tensor) => powers([v], { n: 2 }))(x)).toBeAllClose(tf.add(tf.square(x), x));
    expect(ruleNames()).toContain('TestPowers');
  });

  test('has derivatives and batches', () => {
    const f = (v: Tensor): Tensor => powers([v], { n: 3 });
    const slope = tf.add(tf.mul(3, tf.square(x)), tf.mul(2, x));
    expect(grad((v: Tensor) => tf.sum(f(v)))(x)).toBeAllClose(slope);
    expect(jvp(f, [x], [tf.onesLike(x)])[1]).toBeAllClose(slope);
    expect(vmap(grad((v: Tensor) => tf.sum(f(v))))(x)).toBeAllClose(slope);
  });

  test('runs on cpu, with one warning, where the device does not have it', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    await setBackend('wasm');
    const compiled = jit((v: Tensor) => tf.neg(powers([tf.neg(v)], { n: 2 })));
    for (let i = 0; i < 2; i++) expect(compiled(x)).toBeAllClose(tf.sub(x, tf.square(x)));
    expect(warn.mock.calls).toEqual([
      [
        'the device wasm has no kernel TestPowers: it runs on cpu, to which and from which its tensors are copied each time.',
      ],
    ]);
    warn.mockRestore();
    await setBackend('cpu');
  });
});
