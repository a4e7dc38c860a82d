/** Kernels that work in the memory of tfjs's wasm device. Pointers are byte offsets. */
export { multiply, multiplyScratch } from './product';
export { firstOutside, gather, gatherEach, scatter, scatterEach } from './gather';
export { extreme, sum } from './reduction';
export { copyRows, copyView, fill } from './view';
export * from './functions';
export { convolveForward, convolveScratch, convolveToFilter, convolveToImage } from './convolution';
export { pool } from './pool';
export { allFinite } from './finite';
