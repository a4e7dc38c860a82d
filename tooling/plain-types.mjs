// `node --import ./tooling/plain-types.mjs` runs TypeScript as the packages ship it: compiled file by file with the settings that `pnpm build`
// has. What runs TypeScript by itself may put calls around every function, to keep its name: microseconds in a call that users never pay.
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import ts from 'typescript';

// Node runs `load` in a thread of its own, in which this module is loaded again.
if (isMainThread) register(import.meta.url);

const base = join(dirname(dirname(fileURLToPath(import.meta.url))), 'tsconfig.base.json');
const { compilerOptions } = ts.parseConfigFileTextToJson(base, ts.sys.readFile(base)).config;
const { target, verbatimModuleSyntax } = compilerOptions;

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  const options = { target, verbatimModuleSyntax, module: 'ESNext' };
  const { outputText } = ts.transpileModule(source, {
    fileName: url,
    compilerOptions: ts.convertCompilerOptionsFromJson(options).options,
  });
  return { format: 'module', source: outputText, shortCircuit: true };
}
