// tfjs's binary is found by pages, in headless Chromium.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { evaluateInChromium, hasChromium } from '@posteriors/testing';
import { build, defaultClientConditions, type Rolldown } from 'vite';
import { describe, expect, test } from 'vitest';

/** The bundler, which tsx brings along. */
const esbuild = createRequire(createRequire(import.meta.url).resolve('tsx'))('esbuild') as {
  build(options: object): Promise<{ readonly outputFiles: readonly { readonly text: string }[] }>;
};

const folder = import.meta.dirname;
const name = 'tfjs-backend-wasm-simd.wasm';
const tfjs = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
const binary = readFileSync(join(tfjs, name));

/** Runs a program on wasm; `warnings` are what the page was told. */
const program = `
  import '@posteriors/backend/wasm';
  import { currentBackend, setBackend, trace } from '@posteriors/backend';
  import { square } from '@tensorflow/tfjs-core';

  const warnings = [];
  console.warn = (...what) => void warnings.push(what.join(' '));
  export default async function run() {
    await setBackend('wasm');
    const executable = currentBackend().compile(trace(([x]) => [square(x)], [{ shape: [3], dtype: 'float32' }]));
    return { device: currentBackend().name, values: [...executable.run([Float32Array.of(1, 2, 3)])[0].dataSync()], warnings };
  }
`;
const worker = `
  import run from './program.js';
  run().then(postMessage, (error) => postMessage(String(error)));
`;
const page = `
  export default () => new Promise((resolve) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
  });
`;
const sources: { readonly [name: string]: string } = { 'program.js': program, 'worker.js': worker, 'page.js': page };
const conditions = ['@posteriors/source'];

async function withVite(entry: string): Promise<Map<string, string | Uint8Array>> {
  const plugin = {
    name: 'sources',
    enforce: 'pre' as const,
    resolveId: (id: string) => {
      const source = id.split('/').at(-1) as string;
      return source in sources ? join(folder, source) : null;
    },
    load: (id: string) => sources[id.startsWith(folder) ? (id.split('/').at(-1) as string) : ''] ?? null,
  };
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    root: folder,
    plugins: [plugin],
    worker: { format: 'es', plugins: () => [plugin] },
    resolve: { conditions: [...conditions, ...defaultClientConditions] },
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      rolldownOptions: {
        input: join(folder, entry),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: 'entry.js' },
      },
    },
  })) as Rolldown.RolldownOutput;
  return new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]));
}

async function withEsbuild(code: string, external: readonly string[] = []): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: code, resolveDir: folder, loader: 'js' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions,
    external: [...external],
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

const run = `import('/entry.js').then((module) => module.default())`;
const found = { device: 'wasm', values: [1, 4, 9], warnings: [] };

describe.skipIf(!hasChromium)('the binary is found', () => {
  test('by a build of Vite', { timeout: 60_000 }, async () => {
    const files = await withVite('program.js');
    expect([...files.keys()].filter((file) => file.endsWith('.wasm'))).toHaveLength(1);
    expect(await evaluateInChromium(files, run)).toEqual(found);
  });

  test('by a worker in a build of Vite', { timeout: 60_000 }, async () => {
    expect(await evaluateInChromium(await withVite('page.js'), run)).toEqual(found);
  });

  test('by a bundle of esbuild beside which it lies', { timeout: 60_000 }, async () => {
    const files = new Map<string, string | Uint8Array>([
      ['/entry.js', await withEsbuild(program)],
      [`/${name}`, binary],
    ]);
    expect(await evaluateInChromium(files, run)).toEqual(found);
  });

  test('by a bundle of esbuild alone, at jsDelivr, with a warning that says how to serve it', {
    timeout: 60_000,
  }, async () => {
    const remote = `https://cdn.jsdelivr.net/npm/@tensorflow/tfjs-backend-wasm@4.22.0/dist/${name}`;
    const files = new Map<string, string | Uint8Array>([
      ['/entry.js', await withEsbuild(program)],
      [remote, binary],
    ]);
    const warning = expect.stringMatching(
      /is not beside the page and is loaded from https:.*copy it there from node_modules/,
    );
    expect(await evaluateInChromium(files, run)).toEqual({ ...found, warnings: [warning] });
  });

  test('where setWasmPaths of TensorFlow.js says', { timeout: 60_000 }, async () => {
    const told = `import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'; setWasmPaths('/elsewhere/'); ${program}`;
    const files = new Map<string, string | Uint8Array>([
      ['/entry.js', await withEsbuild(told)],
      [`/elsewhere/${name}`, binary],
    ]);
    expect(await evaluateInChromium(files, run)).toEqual(found);
  });

  test('through an import map', { timeout: 60_000 }, async () => {
    const imports = {
      '@tensorflow/tfjs-core': '/modules/core.js',
      '@tensorflow/tfjs-backend-wasm': '/modules/wasm/dist/index.js',
    };
    const names = Object.keys(imports);
    const html = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;
    const files = new Map<string, string | Uint8Array>([
      ['/', html],
      ['/entry.js', await withEsbuild(program, names)],
      [imports['@tensorflow/tfjs-core'], await withEsbuild(`export * from '@tensorflow/tfjs-core';`)],
      [
        imports['@tensorflow/tfjs-backend-wasm'],
        await withEsbuild(`export * from '@tensorflow/tfjs-backend-wasm';`, ['@tensorflow/tfjs-core']),
      ],
      [`/modules/wasm/dist/${name}`, binary],
    ]);
    expect(await evaluateInChromium(files, run)).toEqual(found);
  });
});
