// What a bundler keeps: all that a program needs, and no algorithm that it does not.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build, defaultServerConditions, type Rolldown } from 'vite';
import { describe, expect, test } from 'vitest';

const folder = import.meta.dirname;
const root = join(folder, '..', '..');

/** The code of a program for Node, with all but TensorFlow.js in it, and which files of which packages it holds. */
async function bundle(program: string): Promise<{ code: string; files: string[]; packages: string[] }> {
  const entry = join(folder, 'program.ts');
  const [result] = (await build({
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'program',
        enforce: 'pre',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? program : null),
      },
    ],
    resolve: { conditions: ['@posteriors/source', ...defaultServerConditions] },
    build: {
      write: false,
      minify: false,
      target: 'node20',
      lib: { entry, formats: ['es'] },
      rolldownOptions: { external: /^@tensorflow\// },
    },
  })) as Rolldown.RolldownOutput[];
  const [chunk] = result!.output;
  const files = Object.entries(chunk.modules)
    .filter(([id, { renderedLength }]) => id.startsWith(root) && id !== entry && renderedLength > 0)
    .map(([id]) => id.slice(root.length + 1));
  return { code: chunk.code, files, packages: [...new Set(files.map((file) => file.split('/')[0] as string))].sort() };
}

/** What a program prints as JSON. */
function run(code: string): unknown {
  const cwd = join(folder, '..');
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-'], { cwd, input: code, encoding: 'utf8' }),
  );
}

test('a program with derivatives and vi.diag runs', async () => {
  const { code, packages } = await bundle(`
    import '@posteriors/backend/cpu';
    import { mul, neg, scalar, sub, sum, square } from '@tensorflow/tfjs-core';
    import { grad, optim, vi, vmap, withAux } from '../src/index.ts';

    const cubed = (x) => mul(x, mul(x, x));
    const third = vmap(grad(grad(grad(cubed))))(mul([1, 2], 1));
    const transform = vi.diag.build(
      (params, data) => withAux(neg(sum(square(sub(params.mean, data)))), []),
      optim.adam({ learningRate: 0.1 }),
      { initLogSds: -1 },
    );
    const state = transform.init({ mean: scalar(0) }, { seed: 0 });
    for (let i = 0; i < 300; i++) transform.update(state, scalar(2), { inplace: true });
    const [mean, logSd] = [state.params.mean, state.logSdDiag.mean].map((leaf) => leaf.dataSync()[0]);
    console.log(JSON.stringify({ third: [...third.dataSync()], mean, logSd }));
  `);
  expect(packages).not.toContain('sgmcmc');
  expect(packages).not.toContain('metrics');
  const { third, mean, logSd } = run(code) as { third: number[]; mean: number; logSd: number };
  expect(third).toEqual([6, 6]);
  expect(Math.abs(mean - 2)).toBeLessThan(0.3);
  expect(Math.abs(logSd - Math.log(Math.sqrt(0.5)))).toBeLessThan(0.3);
});

test('a program with sghmc runs', async () => {
  const { code, packages } = await bundle(`
    import '@posteriors/backend/wasm';
    import { neg, setBackend, scalar, square } from '@tensorflow/tfjs-core';
    import { sgmcmc } from '../src/index.ts';

    await setBackend('wasm');
    const transform = sgmcmc.sghmc.build((params) => [neg(square(params)), []], { learningRate: 0.1 });
    const [state] = transform.update(transform.init(scalar(1), { seed: 0 }), scalar(0));
    console.log(JSON.stringify({ finite: Number.isFinite(state.momenta.dataSync()[0]), step: state.step }));
  `);
  for (const other of ['vi', 'optim', 'metrics']) expect(packages).not.toContain(other);
  expect(run(code)).toEqual({ finite: true, step: 1 });
});

describe('an import leaves out what it does not need', () => {
  test('sghmc from its package: no other algorithm, no optimiser', async () => {
    const { files, packages } = await bundle(`export { sghmc } from '@posteriors/sgmcmc';`);
    expect(files).toContain('autodiff/src/rules/elementwise.ts');
    expect(packages).toEqual(['autodiff', 'backend', 'distributions', 'random', 'sgmcmc', 'transform', 'tree']);
  });

  test('diag from its package: no sampler, and of the optimisers only what one is and how updates are applied', async () => {
    const { files } = await bundle(`export { diag } from '@posteriors/vi';`);
    expect(files.filter((file) => /^(sgmcmc|metrics|posteriors)/.test(file))).toEqual([]);
    expect(files.filter((file) => file.startsWith('optim'))).toEqual([
      'optim/src/apply-updates.ts',
      'optim/src/base.ts',
    ]);
  });

  test.each(['metrics', 'tree'])('%s from the umbrella: no other package', async (name) => {
    const { packages } = await bundle(`export { ${name} } from '../src/index.ts';`);
    expect(packages).toEqual([name]);
  });

  test('a derivative from the umbrella: no algorithm and no random number', async () => {
    const { files, packages } = await bundle(`export { grad } from '../src/index.ts';`);
    expect(files).toContain('autodiff/src/rules/reductions.ts');
    expect(packages).toEqual(['autodiff', 'backend', 'tree']);
  });
});
