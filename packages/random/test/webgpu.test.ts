// Draws on webgpu against those on cpu. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bits, foldIn, type Key, key, keyTensor, normal, split, uniform } from '../src/index.ts';

const available = await provideWebGPU();
const shape = [37, 5];
const hosts = split(key(2 ** 40 + 3), 3);

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
  });
  afterEach(async () => {
    await setBackend('cpu');
  });

  const draw = async (device: 'cpu' | 'webgpu', sample: (key: Key) => Tensor, key: Key | readonly Uint32Array[]) => {
    await setBackend(device);
    const keys = keyTensor(key);
    const drawn = sample(keys);
    const values = await drawn.data();
    keys.dispose();
    drawn.dispose();
    return values;
  };

  test.each<[string, (key: Key) => Tensor]>([
    ['bits', (key) => bits(key, shape)],
    ['uniform', (key) => uniform(key, shape)],
    ['foldIn', (key) => foldIn(keyTensor(key), 2 ** 32 - 1)],
    ['split', (key) => bits(split(key)[1], [2])],
  ])('%s equals cpu to the bit', async (_, sample) => {
    for (const each of [hosts[0]!, hosts] as const) {
      expect(await draw('webgpu', sample, each)).toEqual(await draw('cpu', sample, each));
    }
  });

  test('normal equals cpu to 1e-5 relative, in the tails too', async () => {
    const sample = (key: Key): Tensor => normal(key, [200_000]);
    const actual = await draw('webgpu', sample, hosts);
    const expected = await draw('cpu', sample, hosts);
    expect(Math.max(...expected.slice(0, 100_000))).toBeGreaterThan(4);
    expect(actual).toBeAllClose(expected, { rtol: 1e-5, atol: 0 });
  });

  test('more numbers than one dimension of workgroups holds', async () => {
    const sample = (key: Key): Tensor => bits(key, [65536 * 64 + 100]);
    const actual = await draw('webgpu', sample, hosts[0]!);
    const expected = await draw('cpu', sample, hosts[0]!);
    expect(Buffer.compare(Buffer.from(actual.buffer), Buffer.from(expected.buffer))).toBe(0);
  });

  test('no elements, and no tensor left behind', async () => {
    await setBackend('webgpu');
    const before = memory().numTensors;
    for (const each of [normal(key(0), [0, 2]), uniform(key(1), [3])]) each.dispose();
    expect(memory().numTensors).toBe(before);
  });
});
