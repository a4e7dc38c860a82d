import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import * as optim from '@posteriors/optim';
import { conformance } from '@posteriors/transform/testing';
import { test } from 'vitest';
import { badInput } from '../../transform/test/bad-input.ts';
import { dense } from '../src/index.ts';

const optimizer = optim.adam({ learningRate: (step) => 0.05 / (step + 1) });

const checks = conformance({
  name: 'vi.dense',
  build: (logPosterior, hyper) => dense.build(logPosterior, optimizer, { temperature: 0.25, initL: 0.4, ...hyper }),
  hyper: { temperature: 0.25 },
  devices: ['cpu', 'wasm'],
});
for (const { name, run } of checks) test(name, run);

badInput('vi.dense', (logPosterior) => dense.build(logPosterior, optimizer, { temperature: 0.25, initL: 0.4 }));
