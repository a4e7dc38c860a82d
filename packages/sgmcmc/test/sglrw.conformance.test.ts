import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { conformance } from '@posteriors/transform/testing';
import { test } from 'vitest';
import { badInput } from '../../transform/test/bad-input.ts';
import { sglrw } from '../src/index.ts';

const checks = conformance({
  name: 'sgmcmc.sglrw',
  build: (logPosterior, hyper) => sglrw.build(logPosterior, { learningRate: 0.05, temperature: 0.25, ...hyper }),
  hyper: { learningRate: 0.05 },
  draws: 'always',
  devices: ['cpu', 'wasm'],
});
for (const { name, run } of checks) test(name, run);

badInput('sgmcmc.sglrw', (logPosterior) => sglrw.build(logPosterior, { learningRate: 0.05, temperature: 0.25 }), {
  companions: false,
});
