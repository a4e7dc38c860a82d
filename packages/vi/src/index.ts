export * as diag from './diag.ts';
