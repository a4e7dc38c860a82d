/** Functions of real numbers in WGSL. */
import { backend_util } from '@tensorflow/tfjs-core';
import { registerShader } from './shader.ts';

/** What each kernel makes of x, with the functions below. */
const values = {
  Sin: 'sineOfTurned(x, 0)',
  Cos: 'sineOfTurned(x, 1)',
  Tan: 'sineOfTurned(x, 0) / sineOfTurned(x, 1)',
  Exp: 'expOf(x)',
  Expm1: 'expm1Of(x)',
  Sigmoid: '1.0 / (1.0 + expOf(-x))',
  Log: 'logOf(x)',
  Log1p: 'log1pOf(x)',
  Softplus: 'max(x, 0.0) + log1pOf(expOf(-abs(x)))',
  Elu: 'select(expm1Of(x), x, x >= 0.0)',
  Selu: `select(${backend_util.SELU_SCALEALPHA} * expm1Of(x), ${backend_util.SELU_SCALE} * x, x >= 0.0)`,
  Relu6: 'select(clamp(x, 0.0, 6.0), x, isnan(x))',
  Sinh: 'sinhOf(x)',
  Cosh: 'coshOf(x)',
  Tanh: 'tanhOf(x)',
  Asinh: 'asinhOf(x)',
  Acosh: 'acoshOf(x)',
  Atanh: '0.5 * sign(x) * log1pOf(2.0 * abs(x) / (1.0 - abs(x)))',
} as const;

/** The kernels that tfjs's webgpu device has with less precision than float32 has. */
export function isImprecise(kernel: string): boolean {
  return kernel in values;
}

/**
 * Gives tfjs's webgpu device `AccurateSin` and its like, to a few units in the last place: sines for arguments up to about 10^4 by magnitude, all
 * others for all. WGSL only promises 2^-11 of its own sine, between -pi and pi, and 2^-21 of the logarithm around 1; and what tfjs computes
 * as a difference of exponentials, or the logarithm of a sum, has no digits left near zero. Some drivers' exponential of NaN and logarithm of
 * zero are finite.
 */
export function registerElementary(): void {
  for (const [kernel, value] of Object.entries(values)) {
    const statements = `let x = x[index];\n    result[index] = ${value};`;
    registerShader(`Accurate${kernel}`, { reads: ['x'], dtype: 'float32', functions, statements });
  }
}

// pi / 2 in three parts, of which the first two have few digits: their products with the number of quarter turns are exact.
const first = Math.round((Math.PI / 2) * 2 ** 7) / 2 ** 7;
const second = Math.round((Math.PI / 2 - first) * 2 ** 21) / 2 ** 21;
const third = Math.PI / 2 - first - second;

/** The sum of `coefficients[i] z^i`, by Horner's rule. */
const polynomial = (coefficients: readonly number[]): string =>
  coefficients.reduceRight((sum, c) => (sum === '' ? `(${c})` : `(${c} + z * ${sum})`), '');

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
const coefficients = (count: number, of: (i: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => of(i));

// sineOfTurned(x, turns) is the sine of x and so many quarter turns, by Taylor's series between -pi / 4 and pi / 4. log(1 + x) is twice the
// inverse hyperbolic tangent of x / (2 + x).
const functions = `
fn sineOfTurned(x : f32, turns : i32) -> f32 {
  let quarters = round(x * ${2 / Math.PI});
  let y = ((x - quarters * ${first}) - quarters * ${second}) - quarters * ${third};
  let z = y * y;
  let sine = y + y * z * ${polynomial(coefficients(4, (i) => (i % 2 === 0 ? -1 : 1) / factorial(2 * i + 3)))};
  let cosine = 1.0 + z * ${polynomial(coefficients(5, (i) => (i % 2 === 0 ? -1 : 1) / factorial(2 * i + 2)))};
  let quadrant = (i32(quarters) + turns) & 3;
  let unsigned = select(sine, cosine, (quadrant & 1) == 1);
  return select(unsigned, -unsigned, quadrant >= 2);
}
fn farLogOf(x : f32) -> f32 {
  if (x > 0.0 && !isinf(x)) {
    return log(x);
  }
  if (x == 0.0) {
    return -uniforms.INFINITY;
  }
  return select(uniforms.NAN, x, x > 0.0);
}
fn log1pOf(x : f32) -> f32 {
  if (abs(x) < 0.5) {
    let y = x / (2.0 + x);
    let z = y * y;
    return 2.0 * y * ${polynomial(coefficients(8, (i) => 1 / (2 * i + 1)))};
  }
  return farLogOf(1.0 + x);
}
fn logOf(x : f32) -> f32 {
  if (x > 0.5 && x < 1.5) {
    return log1pOf(x - 1.0);
  }
  return farLogOf(x);
}
fn expOf(x : f32) -> f32 {
  if (isnan(x)) {
    return x;
  }
  return exp(x);
}
fn expm1Of(x : f32) -> f32 {
  if (abs(x) < 0.5) {
    let z = x;
    return x * ${polynomial(coefficients(9, (i) => 1 / factorial(i + 1)))};
  }
  return expOf(x) - 1.0;
}
// From here on the other exponential of a hyperbolic function is below float32's precision.
const farFromZero = 20.0;
// exp(x) / 2, also where exp(x) is infinite and that is not.
fn halfExpOf(x : f32) -> f32 {
  let root = expOf(0.5 * x);
  return 0.5 * root * root;
}
fn sinhOf(x : f32) -> f32 {
  if (abs(x) < 0.5) {
    let grown = expm1Of(x);
    return 0.5 * (grown + grown / (grown + 1.0));
  }
  if (abs(x) > farFromZero) {
    return sign(x) * halfExpOf(abs(x));
  }
  return 0.5 * (expOf(x) - expOf(-x));
}
fn coshOf(x : f32) -> f32 {
  if (abs(x) > farFromZero) {
    return halfExpOf(abs(x));
  }
  return 0.5 * (expOf(x) + expOf(-x));
}
fn tanhOf(x : f32) -> f32 {
  if (abs(x) < 0.25) {
    let grown = expm1Of(2.0 * x);
    return grown / (grown + 2.0);
  }
  let shrunk = expOf(-2.0 * abs(x));
  return sign(x) * (1.0 - shrunk) / (1.0 + shrunk);
}
fn asinhOf(x : f32) -> f32 {
  let y = abs(x);
  if (y > 1e4) {
    return sign(x) * (logOf(y) + ${Math.LN2});
  }
  return sign(x) * log1pOf(y + y * y / (1.0 + sqrt(y * y + 1.0)));
}
fn acoshOf(x : f32) -> f32 {
  if (x > 1e4) {
    return logOf(x) + ${Math.LN2};
  }
  let y = x - 1.0;
  if (y >= 0.0) {
    return log1pOf(y + sqrt(y * (y + 2.0)));
  }
  return uniforms.NAN;
}
`;
