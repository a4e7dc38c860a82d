/** Factors and solutions in float64, of float32 matrices. Pointers are byte offsets into the memory of the device. */
export { cholesky, pivotOf } from './cholesky';
export { choleskyInverse, inverseBytes } from './inverse';
export { triangles } from './triangles';
export { scratchBytes, triangularSolve } from './triangular';
