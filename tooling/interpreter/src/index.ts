export type { NdArray } from './array.ts';
export { type Constants, interpret } from './interpret.ts';
export { richardson } from './richardson.ts';
