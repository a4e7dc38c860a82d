// What `npm start`, `npm test` and the like run on a machine that has only Node and npm: install from the
// lockfile when the installed packages are missing or stale, then run the task.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = ['--conditions=@posteriors/source', '--import', 'tsx'];
/** TypeScript as the packages ship it, which is what is to be timed. */
const plain = ['--conditions=@posteriors/source', '--import', './tooling/plain-types.mjs'];
const vitest = ['node_modules/vitest/vitest.mjs', 'run'];
const tasks = {
  start: { args: [...source, 'apps/quickstart/src/main.ts'] },
  picture: { args: [...source, 'apps/quickstart/src/picture.ts'] },
  'double-well': { args: [...source, 'apps/double-well/src/main.ts'] },
  football: { args: [...source, 'apps/football/src/main.ts'] },
  bench: { args: [...plain, 'apps/benchmarks/src/main.ts'] },
  'bench:page': { args: [...source, 'apps/benchmarks/src/page/main.ts'] },
  kernels: { args: [...source, 'tooling/kernel-table.mjs'] },
  assembly: { args: ['tooling/assembly/build.mjs'] },
  test: { args: vitest },
  'test:long': { args: [...vitest, '--passWithNoTests'], env: { TEST_SUITE: 'long' } },
};

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node 20.19 or newer is needed, this is Node ${process.versions.node}: see https://nodejs.org`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Installs from the lockfile unless the last install was from this very lockfile. */
function install() {
  const stamp = join(root, 'node_modules', '.installed-lockfile');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('Installing packages from the lockfile ...');
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const options = { cwd: root, shell: process.platform === 'win32' };
  const present = spawnSync('pnpm', ['--version'], { ...options, encoding: 'utf8' });
  const pnpm = packageManager === `pnpm@${present.stdout?.trim()}` ? ['pnpm'] : ['npx', '--yes', packageManager];
  const [command, ...rest] = [...pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'];
  const { status } = spawnSync(command, rest, { ...options, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`The install failed: ${[command, ...rest].join(' ')}`);
  writeFileSync(stamp, wanted);
}

/** Runs node with the arguments in the terminal of this process, and ends as it ends. */
function run(args, env) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  process.on('SIGINT', () => {}); // the terminal sends it to the child too, which cleans up
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const [name, ...rest] = process.argv.slice(2);
const args = rest[0] === '--' ? rest.slice(1) : rest; // pnpm passes the dashes on, npm does not
const task = tasks[name];
if (!task) fail(`No task named ${name}: the tasks are ${Object.keys(tasks).join(', ')}`);
requireNode();
install();
run([...task.args, ...args], task.env);
