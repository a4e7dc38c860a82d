import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build, defaultServerConditions, type Rolldown } from 'vite';
import { expect, test } from 'vitest';

const folder = import.meta.dirname;

test('a bundle with a state in it makes Symbol.dispose where there is none', async () => {
  const entry = join(folder, 'program.ts');
  const program = `
    import { makeState } from '@posteriors/transform';
    const state = makeState({ key: new Uint32Array(2), step: 0 });
    console.log(JSON.stringify([typeof Symbol.dispose, typeof state[Symbol.dispose], 'undefined' in state]));
    state[Symbol.dispose]();`;
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
  // Node has the symbol and does not let go of it: under another name it is missing.
  const code = result!.output[0].code.replaceAll('Symbol.dispose', 'Symbol.absent');
  const printed = execFileSync(process.execPath, ['--input-type=module', '-'], {
    cwd: join(folder, '..'),
    input: code,
    encoding: 'utf8',
  });
  expect(JSON.parse(printed)).toEqual(['symbol', 'function', false]);
});
