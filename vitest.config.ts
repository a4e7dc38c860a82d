import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Every core: vitest leaves one free, which is half of a small machine.
    maxWorkers: '100%',
    projects: ['packages/*', 'apps/*', 'tooling/*/vitest.config.ts'],
    onConsoleLog: (log) => !log.includes('Hi, looks like you are running TensorFlow.js in Node.js'),
    reporters: ['default', './tooling/testing/src/closing-line.ts'],
  },
});
