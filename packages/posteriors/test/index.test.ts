import * as autodiff from '@posteriors/autodiff';
import * as distributions from '@posteriors/distributions';
import * as ekf from '@posteriors/ekf';
import * as laplace from '@posteriors/laplace';
import * as linalg from '@posteriors/linalg';
import * as metrics from '@posteriors/metrics';
import * as optim from '@posteriors/optim';
import * as predictive from '@posteriors/predictive';
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
    'LFromFlat LToFlat chains cumulativeMeanAndCov gaussianLogProb linearizedForwardDiag poissonLogProb',
    'assignModelParameters bernoulliLogProb categoricalLogProb cg cgAsync check checkpoint customJvp customVjp defineKernel diagGgn',
    'diagNormalLogProb diagNormalSample empiricalFisher evalShape fvp ggn ggnvp grad hessian hvp jacfwd jacrev jit jvp linearize',
    'makeProgram modelParameters modelStatistics modelToFunction perSamplify printProgram programsOf run sampleChain scan setBackend setMemoryBudget',
    'splitStates stackStates stopGradient valueAndGrad vjp vmap withAux',
  ].flatMap((names) => names.split(' '));
  const namespaces = [
    'distributions',
    'ekf',
    'laplace',
    'linalg',
    'metrics',
    'optim',
    'predictive',
    'random',
    'sgmcmc',
    'tree',
    'vi',
  ];
  expect(Object.keys(posteriors).sort()).toEqual([...functions, ...namespaces].sort());
  for (const name of functions) expect(all[name], name).toBeTypeOf('function');
});

test('functions are those of their packages', () => {
  const packages: { readonly [name: string]: unknown } = { ...autodiff, ...transform, ...distributions, ...predictive };
  // `scan` is of two packages, by its first argument.
  for (const name of Object.keys(posteriors).filter((name) => name in packages && name !== 'scan')) {
    expect(all[name], name).toBe(packages[name]);
  }
});

test.each(
  Object.entries({ distributions, ekf, laplace, linalg, metrics, optim, predictive, random, sgmcmc, tree, vi }),
)('%s is its package', (name, own) => {
  expect({ ...(all[name] as object) }).toEqual({ ...own });
});

describe('algorithms', () => {
  const gaussian = ['build', 'init', 'sample', 'update'];
  const variational = ['build', 'init', 'nelbo', 'sample', 'update'];
  const sampler = ['build', 'init', 'update'];
  test.each([
    ['vi', posteriors.vi, { dense: variational, diag: variational }],
    ['sgmcmc', posteriors.sgmcmc, { baoa: sampler, sghmc: sampler, sgld: sampler, sglrw: sampler, sgnht: sampler }],
    ['ekf', posteriors.ekf, { denseFisher: gaussian, denseGgn: gaussian, diagFisher: gaussian, diagGgn: gaussian }],
    [
      'laplace',
      posteriors.laplace,
      { denseFisher: gaussian, denseGgn: gaussian, denseHessian: gaussian, diagFisher: gaussian, diagGgn: gaussian },
    ],
  ])('%s', (_, family, algorithms) => {
    const names = Object.entries(family).map(([name, algorithm]) => [name, Object.keys(algorithm).sort()]);
    expect(Object.fromEntries(names)).toEqual(algorithms);
  });
});
