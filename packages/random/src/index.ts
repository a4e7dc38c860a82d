export { foldIn, type Key, key, keyTensor, randomKey, split } from './key.ts';
export { permutation } from './permutation.ts';
export { bernoulli, bits, categorical, normal, uniform } from './sample.ts';
