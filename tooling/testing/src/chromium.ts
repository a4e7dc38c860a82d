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

/**
 * Calls the default export of a module in a page of headless Chromium, with WebGPU on the software adapter, and answers
 * what it resolves to (plain data). What it throws is thrown here, and so is what the page logs as an error.
 *
 * @param entry path of the module; it may import packages by name
 */
export async function runInChromium(entry: string): Promise<unknown> {
  const [files, { chromium }] = await Promise.all([bundle(entry), import('playwright-core')]);
  const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    // WebGPU exists on secure origins only, and localhost is one; nothing listens there.
    await page.route('http://localhost/**', (route) => {
      const code = files.get(new URL(route.request().url()).pathname);
      return route.fulfill({ contentType: code ? 'text/javascript' : 'text/html', body: code ?? '<!doctype html>' });
    });
    await page.goto('http://localhost/');
    const result: unknown = await page.evaluate(`import('/entry.js').then((module) => module.default())`);
    if (errors.length > 0) throw new Error(`runInChromium: ${errors.join('\n')}`);
    return result;
  } finally {
    await browser.close();
  }
}
