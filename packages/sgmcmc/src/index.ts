export * as baoa from './baoa.ts';
export * as sghmc from './sghmc.ts';
export * as sgld from './sgld.ts';
export * as sglrw from './sglrw.ts';
export * as sgnht from './sgnht.ts';
