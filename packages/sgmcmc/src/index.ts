export * as sghmc from './sghmc.ts';
