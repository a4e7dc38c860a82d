/** Functions of four float32 numbers, or of two times four. */
export { cos, sin, tan } from './circular';
export { acos, asin, atan, atan2 } from './circular-inverse';
export { erf } from './erf';
export { cosh, exp, expm1, sigmoid, sinh, tanh } from './exponential';
export { acosh, asinh, atanh, log, log1p, softplus } from './logarithm';
export { pow } from './power';
export { mod } from './remainder';
