// Writes the table of kernels, packages/autodiff/KERNELS.md, from the code: npm run kernels
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelTable } from '../packages/autodiff/test/kernel-table.ts';

writeFileSync(join(import.meta.dirname, '..', 'packages', 'autodiff', 'KERNELS.md'), kernelTable());
