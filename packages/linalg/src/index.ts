export { cholesky } from './cholesky.ts';
export { diagonal } from './diagonal.ts';
export { type Eigh, eigh } from './eigh.ts';
export { choleskyInverse, choleskyLogDeterminant, choleskySolve, logDeterminant } from './positive-definite.ts';
export { type Qr, qr } from './qr.ts';
export { type Svd, svd } from './svd.ts';
export { type TriangularSolveOptions, triangularSolve } from './triangular.ts';
