import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/** The code of each block that opens with ```ts and its line in the text. */
function examples(text: string): { code: string; line: number }[] {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => ({
    code: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}

function packageFolder(file: string): string {
  const folder = dirname(file);
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(folder);
}

/**
 * Makes a test of each ```ts block in the README of the package that the calling test file belongs to. A block runs as a
 * module of that package: it imports packages by name, and what it throws fails the test.
 *
 * @param url the caller's `import.meta.url`
 * @param options `readme`, another file, relative to the package; `given`, a line of code that defines what the examples
 *   take for granted; `joined`, whether the blocks continue each other and run as one
 */
export function readmeExamples(
  url: string,
  options: { readonly readme?: string; readonly given?: string; readonly joined?: boolean } = {},
): void {
  const folder = packageFolder(fileURLToPath(url));
  const readme = join(folder, options.readme ?? 'README.md');
  const blocks = examples(readFileSync(readme, 'utf8'));
  const all = { code: blocks.map(({ code }) => code).join('\n'), line: blocks[0]?.line ?? 0 };
  const found = options.joined && blocks.length > 0 ? [all] : blocks;
  if (found.length === 0) throw new Error(`readmeExamples: ${readme} has no \`\`\`ts block`);
  const scratch = join(folder, 'test', '.readme');
  for (const { code, line } of found) {
    test(`README.md, line ${line}`, async () => {
      const file = join(scratch, `line-${line}.ts`);
      mkdirSync(scratch, { recursive: true });
      writeFileSync(file, options.given === undefined ? code : `${options.given}\n${code}`);
      try {
        await import(/* @vite-ignore */ file);
      } finally {
        rmSync(file);
      }
    });
  }
}
