import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mayMakeFunctions } from '../../backend/src/routines-on-cpu.ts';
import { ruleNames } from '../src/index.ts';
import { kernelTable } from './kernel-table.ts';

// Where no functions may be made of their source, cpu has no loops.
test.runIf(mayMakeFunctions())('KERNELS.md is what the code says: npm run kernels', () => {
  expect(readFileSync(new URL('../KERNELS.md', import.meta.url), 'utf8')).toBe(kernelTable());
});

test('every rule is in the table', () => {
  const rows = kernelTable().match(/(?<=^\| `)\w+(?=` \|.*\|.*\|.*\|)/gm);
  expect(rows).toEqual(ruleNames());
});
