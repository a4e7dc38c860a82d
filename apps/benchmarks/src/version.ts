import { createRequire } from 'node:module';

const manifest = createRequire(import.meta.url)('posteriors/package.json') as { readonly version: string };

/** The version of posteriors. */
export const version: string = manifest.version;
