import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test('the benchmarks run functions as they are written, without types and with nothing around them', async () => {
  const loader = new URL('../../../tooling/plain-types.mjs', import.meta.url).href;
  const script = `import(${JSON.stringify(fileOf('../src/tensors.ts'))}).then((m) => console.log(String(m.readTensors)))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', loader, '--eval', script]);
  expect(stdout.replaceAll(/\s+/g, ' ').trim()).toBe(
    'async function readTensors(tensors) { ' +
      'const entries = Object.entries(tensors).map(async ([name, tensor]) => [name, Float64Array.from(await tensor.data())]); ' +
      'return Object.fromEntries(await Promise.all(entries)); }',
  );
});
