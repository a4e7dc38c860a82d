// The vitest configuration of every package: tests run on sources, type tests beside them.
// With TEST_SUITE=long it runs test/*.long.ts instead.
import { existsSync } from 'node:fs';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const long = process.env.TEST_SUITE === 'long';

// Debian's chromium brings a Vulkan loader and a software driver: WebGPU in Node runs on them.
const chromium = '/usr/lib/chromium';
const softwareVulkan: Record<string, string> =
  process.env.VK_ICD_FILENAMES === undefined && existsSync(`${chromium}/vk_swiftshader_icd.json`)
    ? {
        VK_ICD_FILENAMES: `${chromium}/vk_swiftshader_icd.json`,
        LD_LIBRARY_PATH: [process.env.LD_LIBRARY_PATH, chromium].filter(Boolean).join(':'),
      }
    : {};

export default defineConfig({
  resolve: { conditions: ['@posteriors/source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['@posteriors/source', ...defaultServerConditions] } },
  test: {
    include: [long ? 'test/**/*.long.ts' : 'test/**/*.test.ts'],
    testTimeout: long ? 600_000 : 120_000,
    env: softwareVulkan,
    typecheck: {
      enabled: !long,
      include: ['test/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
      ignoreSourceErrors: true,
    },
  },
});
