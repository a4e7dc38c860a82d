import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { compiled, packagesWithAssembly } from '../build.mjs';

test.each(packagesWithAssembly().map((folder) => [basename(folder), folder]))(
  'the binary of %s is what its source compiles to (npm run assembly)',
  async (_, folder) => {
    expect(readFileSync(join(folder, 'src', 'kernels.wasm.ts'), 'utf8')).toBe(await compiled(folder));
  },
);
