import { existsSync } from 'node:fs';
import type { Rolldown } from 'vite';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Whether there is a Chromium to run in: Debian's, or the one that the variable CHROMIUM names. */
export const hasChromium: boolean = existsSync(executablePath);

/** The module and all it imports as files for a browser, by URL path. */
async function bundle(entry: string): Promise<Map<string, string>> {
  const { build, defaultClientConditions } = await import('vite');
  const outputs = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@posteriors/source', ...defaultClientConditions] },
    build: { write: false, minify: false, target: 'es2022', lib: { entry, formats: ['es'], fileName: 'entry' } },
  });
  const { output } = (outputs as Rolldown.RolldownOutput[])[0] as Rolldown.RolldownOutput;
  const chunks = output.filter((file): file is Rolldown.OutputChunk => file.type === 'chunk');
  return new Map(chunks.map((chunk) => [`/${chunk.fileName}`, chunk.code]));
}

/** Kinds of files by the end of their names. */
const types: { readonly [end: string]: string } = { js: 'text/javascript', wasm: 'application/wasm' };

/**
 * What an expression is in a page of headless Chromium, with WebGPU on the software adapter: plain data, awaited. What it throws is thrown
 * here, and so is what the page logs as an error.
 *
 * @param files - what the page can load, by URL, or by path on its own server, where all other paths are an empty page
 */
export async function evaluateInChromium(
  files: ReadonlyMap<string, string | Uint8Array>,
  expression: string,
): Promise<unknown> {
  const { chromium } = await import('playwright-core');
  const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    // WebGPU exists on secure origins only, and localhost is one; nothing listens there.
    await page.route('**/*', (route) => {
      const { href, origin, pathname } = new URL(route.request().url());
      const isOwn = origin === 'http://localhost';
      const file = files.get(isOwn ? pathname : href);
      if (file === undefined) {
        return isOwn ? route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }) : route.abort();
      }
      const contentType = types[pathname.split('.').at(-1) as string] ?? 'text/html';
      const headers = { 'access-control-allow-origin': '*' };
      return route.fulfill({ contentType, headers, body: typeof file === 'string' ? file : Buffer.from(file) });
    });
    await page.goto('http://localhost/');
    const result: unknown = await page.evaluate(expression);
    if (errors.length > 0) throw new Error(`evaluateInChromium: ${errors.join('\n')}`);
    return result;
  } finally {
    await browser.close();
  }
}

/**
 * Calls the default export of a module in a page of headless Chromium, as {@link evaluateInChromium} does, and answers what it resolves to.
 *
 * @param entry path of the module; it may import packages by name
 */
export async function runInChromium(entry: string): Promise<unknown> {
  return evaluateInChromium(await bundle(entry), `import('/entry.js').then((module) => module.default())`);
}
