// Packs every public package, installs the tarballs with npm in an empty project, as a user would, and imports every
// entry point with plain Node. The packages must be built.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '..', 'packages');
const project = mkdtempSync(join(tmpdir(), 'posteriors-install-'));
const shell = process.platform === 'win32';

function pack(folder) {
  const cwd = join(packages, folder);
  const { name, exports } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
  const output = execFileSync('pnpm', ['pack', '--json', '--pack-destination', project], { cwd, shell });
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  return { name, tarball: JSON.parse(output).filename, imports: entries.map((entry) => name + entry.slice(1)) };
}

const unbuilt = readdirSync(packages).filter((folder) => !existsSync(join(packages, folder, 'dist')));
if (unbuilt.length > 0) {
  console.error(`Not built: ${unbuilt.join(', ')}. Run pnpm build first.`);
  process.exit(1);
}

try {
  const packed = readdirSync(packages).map(pack);
  const tarballs = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const { devDependencies } = JSON.parse(readFileSync(join(packages, 'backend', 'package.json'), 'utf8'));
  const tfjs = Object.fromEntries(Object.entries(devDependencies).filter(([name]) => name.startsWith('@tensorflow/')));
  const manifest = { private: true, type: 'module', dependencies: { ...tarballs, ...tfjs } };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', install, { cwd: project, shell, stdio: 'inherit' });
  for (const specifier of packed.flatMap(({ imports }) => imports)) {
    const script = `console.log('${specifier}:', Object.keys(await import('${specifier}')).join(' ') || '(no exports)')`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: project, stdio: 'inherit' });
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}
