import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { conformance } from '@posteriors/transform/testing';
import { test } from 'vitest';
import { badInput } from '../../transform/test/bad-input.ts';
import { sgld } from '../src/index.ts';

const checks = conformance({
  name: 'sgmcmc.sgld',
  build: (logPosterior, hyper) =>
    sgld.build(logPosterior, { learningRate: 0.05, beta: 0.5, temperature: 0.25, ...hyper }),
  hyper: { learningRate: 0.05, beta: 0.5, temperature: 0.25 },
  draws: 'unless cold',
  devices: ['cpu', 'wasm'],
});
for (const { name, run } of checks) test(name, run);

badInput(
  'sgmcmc.sgld',
  (logPosterior) => sgld.build(logPosterior, { learningRate: 0.05, beta: 0.5, temperature: 0.25 }),
  { companions: false },
);
