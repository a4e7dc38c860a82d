// Memory of 50,000 updates: neither tensors nor the memory of wasm grow.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { valueAndGrad } from '@posteriors/autodiff';
import { setBackend, theEngine } from '@posteriors/backend';
import { normal } from '@posteriors/random';
import type { TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { initState, type StateBase, stepper } from '../src/index.ts';

const updates = 50_000;

interface Walk<P> extends StateBase {
  readonly params: P;
  readonly value: tf.Tensor;
  dispose(): void;
}

/** Steps of gradient ascent with noise in the first of the parameters. */
function walk<P extends { readonly [name: string]: tf.Tensor }>(logProb: (params: P, batch: tf.Tensor) => tf.Tensor) {
  const gradient = valueAndGrad(logProb);
  const step = stepper<Pick<Walk<P>, 'params' | 'value'>, tf.Tensor, { rate: tf.Tensor }, { norm: tf.Tensor }>(
    'walk',
    ({ params }, batch, { rate }, { key }) => {
      const [value, slope] = gradient(params, batch);
      const moved = Object.entries(params).map(([name, leaf], i) => {
        const next = tf.add(leaf, tf.mul(rate, slope[name] as tf.Tensor));
        return [name, i === 0 ? tf.add(next, tf.mul(0.01, normal(key, leaf.shape))) : next];
      });
      return [{ params: Object.fromEntries(moved) as P, value }, { norm: tf.sum(tf.square(value)) }];
    },
    { value: 'value' },
  );
  return {
    init: (params: P): Walk<P> =>
      initState('walk', params as TensorTree, { seed: 0 }, () => ({ value: tf.scalar(0) })) as unknown as Walk<P>,
    update: (state: Walk<P>, batch: tf.Tensor, inplace: boolean) =>
      step(state, batch, () => ({ rate: 0.01 }), { inplace }),
  };
}

/** Four minima, as small as a model can be. */
const well = () => ({
  transform: walk(({ x }: { x: tf.Tensor }, batch) =>
    tf.sum(tf.sub(tf.square(x), tf.mul(batch, tf.square(tf.square(x))))),
  ),
  params: { x: tf.zeros([2]) },
  batch: tf.tensor1d([0.1, 0.1]),
});

/** A network of two layers for 8 examples. */
const network = () => ({
  transform: walk(({ a, b, w, v }: { a: tf.Tensor; b: tf.Tensor; w: tf.Tensor; v: tf.Tensor }, batch) => {
    const hidden = tf.tanh(tf.add(tf.matMul(batch, w), a));
    return tf.neg(tf.mean(tf.square(tf.sub(tf.add(tf.matMul(hidden, v), b), 1))));
  }),
  params: { w: tf.ones([5, 7]), a: tf.zeros([7]), v: tf.ones([7, 3]), b: tf.zeros([3]) },
  batch: tf.reshape(tf.linspace(-1, 1, 40), [8, 5]) as tf.Tensor,
});

const models: {
  readonly [name: string]: () => { transform: ReturnType<typeof walk>; params: object; batch: tf.Tensor };
} = { well, network } as never;

const cases = (['cpu', 'wasm'] as const).flatMap((device) =>
  Object.keys(models).flatMap((model) => [false, true].map((inplace) => ({ device, model, inplace }))),
);

/** Bytes of the memory of wasm, which never shrinks; 0 on another device. */
function wasmBytes(): number {
  const device = theEngine().backend as { wasm?: { asm: { memory: WebAssembly.Memory } } };
  return device.wasm?.asm.memory.buffer.byteLength ?? 0;
}

describe.each(cases)('$model on $device, in place: $inplace', ({ device, model, inplace }) => {
  test(`${updates} updates leave memory as it was`, { timeout: 600_000 }, async () => {
    await setBackend(device);
    const { transform, params, batch } = (models[model] as (typeof models)[string])();
    let state = transform.init(params as never);
    const advance = (n: number): void => {
      for (let i = 0; i < n; i++) {
        const [next, aux] = transform.update(state, batch, inplace);
        if (next !== state) state.dispose();
        tf.dispose(aux);
        state = next;
      }
    };
    const counts = (): object => {
      const { numTensors, numDataBuffers, numBytes } = tf.memory();
      return { numTensors, numDataBuffers, numBytes, onDevice: tf.backend().numDataIds(), wasmBytes: wasmBytes() };
    };
    advance(100);
    const before = counts();
    for (let i = 0; i < 5; i++) {
      advance(updates / 5);
      expect(counts()).toEqual(before);
    }
    expect(state.step).toBe(updates + 100);
    state.dispose();
  });
});
