/** Where the WebAssembly of tfjs's wasm device is, which tfjs by itself looks for beside the page. */
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { env } from '@tensorflow/tfjs-core';

/** The binary with SIMD, which the kernels of this project need as well. */
const file = 'tfjs-backend-wasm-simd.wasm';

type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

/**
 * Lets tfjs have its binary from where a bundler has put it, or from beside the module of tfjs to which an import map leads. Where neither is known,
 * it is looked for beside the page, and then at jsDelivr, with a warning. In Node tfjs finds it by itself.
 */
export function locateWasm(): void {
  if ((globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node !== undefined) return;
  const { platform } = env();
  const fetchAny: Fetch = platform.fetch.bind(platform);
  platform.fetch = (path, init) => (path === file ? fetchBinary(fetchAny, init) : fetchAny(path, init));
  // The file without a folder, read by `platform.fetch`, unless the user says later where it is.
  setWasmPaths('', true);
}

async function fetchBinary(fetchAny: Fetch, init?: RequestInit): Promise<Response> {
  const place = bundled() ?? mapped();
  if (place !== undefined) return fetchAny(place, init);
  const response = await fetchAny(file, init).catch(() => undefined);
  // Some servers answer with a page whatever is asked for.
  if (response?.ok && !response.headers.get('content-type')?.startsWith('text/html')) return response;
  const remote = `https://cdn.jsdelivr.net/npm/@tensorflow/tfjs-backend-wasm@${version_wasm}/dist/${file}`;
  console.warn(
    `@posteriors/backend/wasm: ${file} is not beside the page and is loaded from ${remote}. To serve it yourself, copy it there from ` +
      'node_modules/@tensorflow/tfjs-backend-wasm/dist, or name its folder with setWasmPaths of @tensorflow/tfjs-backend-wasm.',
  );
  return fetchAny(remote, init);
}

/** What a bundler made of the path; undefined if it did not know the expression, and left it as it is. */
function bundled(): string | undefined {
  try {
    const { href } = new URL('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm', import.meta.url);
    const path = ['@tensorflow', 'tfjs-backend-wasm', 'dist', file].join('/');
    return href === new URL(path, import.meta.url).href ? undefined : href;
  } catch {
    // A script that is no module has no URL.
    return undefined;
  }
}

/** The binary beside the module that an import map names. */
function mapped(): string | undefined {
  try {
    return new URL(file, import.meta.resolve('@tensorflow/tfjs-backend-wasm')).href;
  } catch {
    return undefined;
  }
}
