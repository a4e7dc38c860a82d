import { fileURLToPath } from 'node:url';
import { hasChromium, runInChromium } from '@posteriors/testing';
import { describe, expect, test } from 'vitest';

const page = (name: string) => fileURLToPath(new URL(`./pages/${name}.ts`, import.meta.url));

describe.skipIf(!hasChromium)('headless Chromium', () => {
  test('tfjs computes on WebGPU', async () => {
    expect(await runInChromium(page('add'))).toEqual({ backend: true, sum: [2, 3] });
  });

  test('what the page throws is thrown', async () => {
    await expect(runInChromium(page('fail'))).rejects.toThrow('RangeError: from the page');
  });
});
