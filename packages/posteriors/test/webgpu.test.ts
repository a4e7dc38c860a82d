// The updates of the quick start on webgpu. Skipped where there is no adapter, or no Chromium.
import { fileURLToPath } from 'node:url';
import { hasChromium, provideWebGPU, runInChromium } from '@posteriors/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { algorithmNames, compareUpdates, type Observed } from './mnist-update.ts';

const available = await provideWebGPU();

function expectGood(observed: Observed): void {
  for (const [path, difference] of Object.entries(observed.differences)) expect(difference, path).toBeLessThan(1e-4);
  expect(observed.readbacks).toBe(0);
  expect(observed.elsewhere).toEqual([]);
  expect(observed.equations).toBeGreaterThan(50);
  expect(observed.dispatches).toBeGreaterThanOrEqual(observed.equations);
  expect(observed.tensors).toBe(observed.leaves);
  expect(observed.buffers).toBe(observed.leaves);
  expect(observed.left).toBe(0);
}

const name = 'one update of %s equals cpu, with no readback and nothing run elsewhere';

describe.skipIf(!available)('webgpu in Node', () => {
  test.each(algorithmNames)(name, async (algorithm) => expectGood(await compareUpdates(algorithm)));
});

describe.skipIf(!hasChromium)('webgpu in headless Chromium', () => {
  let observed: { [algorithm: string]: Observed } = {};
  beforeAll(async () => {
    const page = fileURLToPath(new URL('./pages/update.ts', import.meta.url));
    observed = (await runInChromium(page)) as typeof observed;
  }, 60_000);

  test.each(algorithmNames)(name, (algorithm) => expectGood(observed[algorithm] as Observed));
});
