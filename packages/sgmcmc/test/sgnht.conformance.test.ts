import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { conformance } from '@posteriors/transform/testing';
import { test } from 'vitest';
import { badInput } from '../../transform/test/bad-input.ts';
import { sgnht } from '../src/index.ts';

const checks = conformance({
  name: 'sgmcmc.sgnht',
  build: (logPosterior, hyper) =>
    sgnht.build(logPosterior, { learningRate: 0.1, alpha: 0.7, sigma: 1.5, temperature: 0.25, xi: 0.5, ...hyper }),
  hyper: { learningRate: 0.1, alpha: 0.7, beta: 0.5, sigma: 1.5, temperature: 0.25 },
  draws: 'unless cold',
  devices: ['cpu', 'wasm'],
});
for (const { name, run } of checks) test(name, run);

badInput('sgmcmc.sgnht', (logPosterior) =>
  sgnht.build(logPosterior, { learningRate: 0.1, alpha: 0.7, sigma: 1.5, temperature: 0.25, xi: 0.5 }),
);
