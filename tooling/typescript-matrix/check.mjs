// Checks the type tests of all packages, and with them the sources, by every supported version of TypeScript.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = import.meta.dirname;
const { devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

for (const name of Object.keys(devDependencies).filter((dependency) => dependency.startsWith('typescript-'))) {
  const compiler = join(folder, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'));
  const path = join(compiler, bin.tsc ?? bin.tsc6);
  const { stdout: version } = spawnSync(process.execPath, [path, '--version'], { encoding: 'utf8' });
  const { status } = spawnSync(process.execPath, [path, '--project', folder], { stdio: 'inherit' });
  console.log(`${status === 0 ? 'passed' : 'failed'}: type tests with TypeScript ${version.trim()}`);
  if (status !== 0) process.exitCode = 1;
}
