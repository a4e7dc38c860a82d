export * as dense from './dense.ts';
export * as diag from './diag.ts';
