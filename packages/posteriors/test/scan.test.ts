// A loop of updates in one call gives the numbers of the updates, for one chain and for many, of every algorithm.
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  chains,
  jit,
  laplace,
  optim,
  random,
  scan,
  setBackend,
  stackStates,
  tree,
  vi,
  vmap,
  withAux,
} from '../src/index.ts';
import { differenceOf, families, makeBatches, makeParams, type State, valuesOf } from './families.ts';

const collect = ({ params }: State): State['params'] => params;

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device).then(() => undefined));

  test.each(Object.entries(families))('%s: scan gives the numbers of updates, and leaves nothing', async (_, transform) => {
    const [params, batches] = [makeParams(1), makeBatches(7)];
    const states = [transform.init(params, { seed: 3 })];
    for (const batch of batches) states.push(transform.update(states.at(-1)!, batch, { aux: false })[0]);

    const [next, draws] = scan(transform, states[0]!, batches, { collect, thin: 3 });
    expect(next.step).toBe(7);
    expect(differenceOf(await valuesOf(next), await valuesOf(states[7]!))).toBeLessThan(1e-6);
    for (const [i, draw] of tree.unstack(draws).entries())
      expect(differenceOf(await valuesOf(draw), await valuesOf(states[3 * (i + 1)]!.params))).toBeLessThan(1e-6);

    const [half] = scan(transform, states[0]!, batches.slice(0, 4));
    const [rest] = scan(transform, half, batches.slice(4));
    expect(differenceOf(await valuesOf(rest), await valuesOf(states[7]!))).toBeLessThan(1e-6);
    expectNoLeak(() => {
      const [again, kept] = scan(transform, states[0]!, batches, { collect, thin: 3 });
      again.dispose();
      tf.dispose(kept);
    });
  }); // biome-ignore format: one line
});

describe('many chains on wasm', () => {
  beforeAll(() => setBackend('wasm').then(() => undefined));

  test.each(Object.entries(families))('%s: they have the numbers of each alone', async (_, transform) => {
    const [starts, [batch]] = [[1, 2, 3].map(makeParams), makeBatches(1)];
    const keys = random.split(random.key(8), 3);
    const alone = starts.map((params, i) => scan(transform, transform.init(params, { key: keys[i]! }), 4, { batch: batch! })[0]); // biome-ignore format: one line
    const many = chains(transform);
    const wanted = await valuesOf(stackStates(alone));
    const [looped] = scan(many, many.init(tree.stack(starts), { seed: 8 }), 4, { batch: batch! });
    expect(differenceOf(await valuesOf(looped), wanted)).toBeLessThan(1e-5);
    const state = many.init(tree.stack(starts), { seed: 8 });
    for (let i = 0; i < 4; i++) many.update(state, batch!, { inplace: true, aux: false });
    expect(differenceOf(await valuesOf(state), wanted)).toBeLessThan(1e-5);
  });
});

describe('states of many chains', () => {
  beforeAll(() => setBackend('cpu').then(() => undefined));
  const logPosterior = (theta: tf.Tensor, x: tf.Tensor) =>
    withAux(tf.mul(-0.5, tf.sum(tf.square(tf.sub(theta, x)))), []);

  test('are sampled by vmap, each with its key', () => {
    const [starts, keys] = [tf.tensor2d([[0, 1], [2, 3]]), random.keyTensor(random.split(random.key(1), 2))]; // biome-ignore format: a matrix
    const x = tf.tensor1d([1, -1]);
    const fit = chains(vi.diag.build(logPosterior, optim.adam({ learningRate: 0.1 }), { initLogSds: -1 }));
    const [fitted] = scan(fit, fit.init(starts, { seed: 0 }), 5, { batch: x });
    const approximation = chains(laplace.diagFisher.build(logPosterior, { initPrecDiag: 2 }));
    const [grown] = scan(approximation, approximation.init(starts, { seed: 0 }), 3, { batch: tf.expandDims(x) });
    const draws = [
      vmap((state: typeof fitted, key: tf.Tensor) => vi.diag.sample(state, { key, sampleShape: [4] }))(fitted, keys),
      jit(vmap((state: typeof grown, key: tf.Tensor) => laplace.diagFisher.sample(state, { key, sampleShape: [4] })))(grown, keys),
    ]; // biome-ignore format: a table
    const key = (i: number): Uint32Array => random.split(random.key(1), 2)[i] as Uint32Array;
    for (const i of [0, 1]) {
      const row = (tensor: tf.Tensor): tf.Tensor => tf.squeeze(tf.slice(tensor, [i], [1]), [0]);
      const one = { params: row(fitted.params), logSdDiag: row(fitted.logSdDiag) };
      const other = { params: row(grown.params), precDiag: row(grown.precDiag) };
      expect(row(draws[0]!)).toBeAllClose(vi.diag.sample(one, { key: key(i), sampleShape: [4] }));
      expect(row(draws[1]!)).toBeAllClose(laplace.diagFisher.sample(other, { key: key(i), sampleShape: [4] }));
    }
  });
});

test('scan of a function is the loop of tensors', async () => {
  await setBackend('cpu');
  const [total, partial] = scan((sum, x) => [tf.add(sum, x), sum], tf.tensor(0), tf.tensor1d([1, 2, 3]) as tf.Tensor);
  expect(total).toBeAllClose(6);
  expect(partial).toBeAllClose([0, 1, 3]);
  expect(() => scan({} as never, {} as never, 3)).toThrow('scan: ');
});
