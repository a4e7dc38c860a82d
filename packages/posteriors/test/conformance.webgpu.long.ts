// Algorithms that draw below a temperature, always and never keep the protocol on WebGPU, as all do on cpu and wasm in their own tests.
import '@posteriors/backend/cpu';
import type { Disposer } from '@posteriors/autodiff';
import { provideWebGPU } from '@posteriors/testing';
import type { StateBase } from '@posteriors/transform';
import { type ConformanceOptions, conformance } from '@posteriors/transform/testing';
import type { TensorTree } from '@posteriors/tree';
import { describe, test } from 'vitest';
import { laplace, optim, sgmcmc, vi } from '../src/index.ts';

const available = await provideWebGPU();
if (available) await import('@posteriors/backend/webgpu');

type State = StateBase & Disposer & { readonly params: TensorTree };
const subjects: { readonly [name: string]: Omit<ConformanceOptions<State>, 'name'> } = {
  'sgmcmc.baoa': {
    build: (logPosterior, hyper) => sgmcmc.baoa.build(logPosterior, { learningRate: 0.1, ...hyper }),
    draws: 'unless cold',
  },
  'vi.diag': {
    build: (logPosterior, hyper) => vi.diag.build(logPosterior, optim.adam(), { initLogSds: -1, ...hyper }),
  },
  'laplace.diagFisher': { build: (logPosterior) => laplace.diagFisher.build(logPosterior), draws: 'never' },
};

describe.skipIf(!available)('webgpu', () => {
  for (const [name, subject] of Object.entries(subjects)) {
    const checks = conformance({ name, devices: ['webgpu'], tolerance: 1e-4, ...subject });
    for (const check of checks) test(check.name, check.run);
  }
});
