// Compiles `assembly/index.ts` of a package, AssemblyScript, to WebAssembly that works in the memory of another module, and writes it into
// `src/kernels.wasm.ts`, so that nothing has to be found at run time. `node build.mjs [PACKAGE_FOLDER ...]`, by default all that have one.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The folders of the packages with kernels in WebAssembly. */
export function packagesWithAssembly() {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'assembly', 'index.ts')));
}

/** The text of `src/kernels.wasm.ts` of a package. */
export async function compiled(folder) {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      ...['assembly/index.ts', '--baseDir', folder, '--outFile', 'kernels.wasm'],
      ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert'],
      ...['--runtime', 'stub', '--importMemory', '--enable', 'simd', '--uncheckedBehavior', 'always'],
    ],
    { writeFile: (name, contents) => files.set(name, contents) },
  );
  if (error) throw new Error(`${folder}/assembly: ${stderr}`);
  const binary = files.get('kernels.wasm');
  requireNoData(folder, binary);
  const lines = Buffer.from(binary)
    .toString('base64')
    .match(/.{1,136}/g);
  return `/** \`assembly/index.ts\` compiled by tooling/assembly: WebAssembly in base64. */\nexport const binary: string = \`\n${lines.join('\n')}\n\`;\n`;
}

/** Data of the module's own would be written over what lies in the memory that it is given. */
function requireNoData(folder, binary) {
  const dataSection = 11;
  for (let at = 8; at < binary.length; ) {
    const section = binary[at++];
    let size = 0;
    for (let shift = 0, byte = 128; byte & 128; shift += 7) {
      byte = binary[at++];
      size |= (byte & 127) << shift;
    }
    if (section === dataSection)
      throw new Error(`${folder}/assembly needs static data, which it must not: no arrays, no strings`);
    at += size;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2).map((folder) => resolve(folder));
  for (const folder of given.length > 0 ? given : packagesWithAssembly()) {
    writeFileSync(join(folder, 'src', 'kernels.wasm.ts'), await compiled(folder));
  }
}
