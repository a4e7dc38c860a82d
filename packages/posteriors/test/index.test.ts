import * as autodiff from '@posteriors/autodiff';
import * as distributions from '@posteriors/distributions';
import * as linalg from '@posteriors/linalg';
import * as metrics from '@posteriors/metrics';
import * as optim from '@posteriors/optim';
import * as random from '@posteriors/random';
import * as sgmcmc from '@posteriors/sgmcmc';
import * as transform from '@posteriors/transform';
import * as tree from '@posteriors/tree';
import * as vi from '@posteriors/vi';
import { describe, expect, test } from 'vitest';
import * as posteriors from '../src/index.ts';

const all: { readonly [name: string]: unknown } = posteriors;

test('everything is exported, and nothing else', () => {
  const functions = [
    'assignModelParameters bernoulliLogProb categoricalLogProb cg cgAsync checkpoint customJvp customVjp defineKernel diagGgn',
    'diagNormalLogProb diagNormalSample empiricalFisher evalShape fvp ggn ggnvp grad hessian hvp jacfwd jacrev jit jvp linearize',
    'makeProgram modelParameters modelStatistics modelToFunction perSamplify printProgram run sampleChain scan setBackend setMemoryBudget',
    'stopGradient valueAndGrad vjp vmap withAux',
  ].flatMap((names) => names.split(' '));
  const namespaces = ['distributions', 'linalg', 'metrics', 'optim', 'random', 'sgmcmc', 'tree', 'vi'];
  expect(Object.keys(posteriors).sort()).toEqual([...functions, ...namespaces].sort());
  for (const name of functions) expect(all[name], name).toBeTypeOf('function');
});

test('functions are those of their packages', () => {
  const packages: { readonly [name: string]: unknown } = { ...autodiff, ...transform, ...distributions };
  for (const name of Object.keys(posteriors).filter((name) => name in packages)) {
    expect(all[name], name).toBe(packages[name]);
  }
});

test.each(Object.entries({ distributions, linalg, metrics, optim, random, sgmcmc, tree, vi }))(
  '%s is its package',
  (name, own) => {
    expect({ ...(all[name] as object) }).toEqual({ ...own });
  },
);

describe('algorithms', () => {
  test.each([
    ['vi.diag', posteriors.vi.diag, ['build', 'init', 'nelbo', 'sample', 'update']],
    ['sgmcmc.sghmc', posteriors.sgmcmc.sghmc, ['build', 'init', 'update']],
  ])('%s', (_, algorithm, names) => {
    expect(Object.keys(algorithm).sort()).toEqual(names);
  });
});
