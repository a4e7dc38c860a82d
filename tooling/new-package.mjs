// Makes a package of the monorepo: node tooling/new-package.mjs NAME "What it is for." [SIBLING ...]
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [name, description, ...siblings] = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
const folder = join(root, 'packages', name ?? '');
const tree = join(root, 'packages', 'tree');

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (!name || !description) fail('Usage: node tooling/new-package.mjs NAME "What it is for." [SIBLING ...]');
if (!/^[a-z][a-z0-9-]*$/.test(name)) fail(`A package name is lower case, as in "sgmcmc": ${name}`);
if (existsSync(folder)) fail(`There is a package of this name: ${folder}`);
for (const sibling of siblings) {
  if (!existsSync(join(root, 'packages', sibling))) fail(`There is no package ${sibling} to depend on`);
}

const {
  dependencies: _,
  devDependencies,
  peerDependencies,
  ...manifest
} = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
const dependencies = Object.fromEntries(siblings.sort().map((sibling) => [`@posteriors/${sibling}`, 'workspace:^']));

mkdirSync(join(folder, 'src'), { recursive: true });
mkdirSync(join(folder, 'test'));
const write = (path, text) => writeFileSync(join(folder, path), text);
const json = { ...manifest, name: `@posteriors/${name}`, version: '0.0.0', description };
write('package.json', `${JSON.stringify({ ...json, dependencies, devDependencies, peerDependencies }, null, 2)}\n`);
for (const file of ['LICENSE', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts']) {
  copyFileSync(join(tree, file), join(folder, file));
}
write('README.md', `# @posteriors/${name}\n\n${description}\n`);
write('src/index.ts', 'export {};\n');
write(
  'test/readme.test.ts',
  "import { readmeExamples } from '@posteriors/testing';\n\nreadmeExamples(import.meta.url);\n",
);
console.log(`Made packages/${name}. Next: pnpm install, an example in its README, and a line in packages/posteriors.`);
