import type { Attributes, DataType } from '@posteriors/backend';
import { broadcast, broadcastShape, type NdArray, sameShape, showShape } from './array.ts';
import { numberOf, stringOf } from './attributes.ts';
import { erf } from './erf.ts';
import { type Kernel, type Kernels, ofOne, ofThree, ofTwo, productOf } from './kernel.ts';

const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

export const elementwise: Kernels = {
  Abs: unary(Math.abs),
  Acos: unary(Math.acos),
  Acosh: unary(Math.acosh),
  Asin: unary(Math.asin),
  Asinh: unary(Math.asinh),
  Atan: unary(Math.atan),
  Atanh: unary(Math.atanh),
  Ceil: unary(Math.ceil),
  Cos: unary(Math.cos),
  Cosh: unary(Math.cosh),
  Elu: unary((x) => (x >= 0 ? x : Math.expm1(x))),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Expm1: unary(Math.expm1),
  Floor: unary(Math.floor),
  Log: unary(Math.log),
  Log1p: unary(Math.log1p),
  Neg: unary((x) => -x),
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => Math.max(x, 0)),
  Relu6: unary((x) => Math.min(Math.max(x, 0), 6)),
  Round: unary(roundHalfToEven),
  Rsqrt: unary((x) => 1 / Math.sqrt(x)),
  Selu: unary((x) => seluScale * (x >= 0 ? x : seluAlpha * Math.expm1(x))),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Sign: unary(Math.sign),
  Sin: unary(Math.sin),
  Sinh: unary(Math.sinh),
  Softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Sqrt: unary(Math.sqrt),
  Square: ofOne((x, _, dtype) => map(x, (value) => productOf(dtype)(value, value))),
  Tan: unary(Math.tan),
  Tanh: unary(Math.tanh),

  LeakyRelu: ofOne((x, attributes) => {
    const alpha = numberOf(attributes, 'alpha');
    return map(x, (value) => (value >= 0 ? value : alpha * value));
  }),
  Step: ofOne((x, attributes) => {
    const alpha = numberOf(attributes, 'alpha');
    return map(x, (value) => (Number.isNaN(value) ? value : value > 0 ? 1 : alpha));
  }),
  ClipByValue: ofOne((x, attributes) => {
    const low = numberOf(attributes, 'clipValueMin');
    const high = numberOf(attributes, 'clipValueMax');
    return map(x, (value) => Math.min(Math.max(value, low), high));
  }),
  Cast: ofOne((x, attributes) => map(x, conversionTo(attributes))),
  Identity: ofOne((x) => x),
  StopGradient: ofOne((x) => x),
  Barrier: ofOne((x) => x),

  IsFinite: unary((x) => Number(Number.isFinite(x))),
  IsInf: unary((x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY)),
  IsNan: unary((x) => Number(Number.isNaN(x))),
  LogicalNot: unary((x) => Number(x === 0)),

  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Multiply: ofTwo((a, b, _, dtype) => zip(a, b, productOf(dtype))),
  RealDiv: binary((a, b) => a / b),
  FloorDiv: binary((a, b) => Math.floor(a / b)),
  Mod: binary(flooredRemainder),
  Maximum: binary(Math.max),
  Minimum: binary(Math.min),
  BitwiseAnd: binary((a, b) => a & b),
  Pow: binary(Math.pow),
  Atan2: binary(Math.atan2),
  Equal: binary((a, b) => Number(a === b)),
  NotEqual: binary((a, b) => Number(a !== b)),
  Greater: binary((a, b) => Number(a > b)),
  GreaterEqual: binary((a, b) => Number(a >= b)),
  Less: binary((a, b) => Number(a < b)),
  LessEqual: binary((a, b) => Number(a <= b)),
  LogicalAnd: binary((a, b) => Number(a !== 0 && b !== 0)),
  LogicalOr: binary((a, b) => Number(a !== 0 || b !== 0)),

  Select: ofThree((condition, a, b) => {
    if (!sameShape(condition.shape, a.shape) || !sameShape(condition.shape, b.shape)) {
      const shapes = [condition, a, b].map((x) => showShape(x.shape)).join(', ');
      throw new Error(`takes three inputs of one shape, but they have ${shapes}; broadcast them first`);
    }
    return { shape: a.shape, values: a.values.map((value, i) => (condition.values[i] !== 0 ? value : b.values[i]!)) };
  }),
};

function unary(f: (x: number) => number): Kernel {
  return ofOne((x) => map(x, f));
}

function binary(f: (a: number, b: number) => number): Kernel {
  return ofTwo((a, b) => zip(a, b, f));
}

function map(x: NdArray, f: (value: number) => number): NdArray {
  return { shape: x.shape, values: x.values.map((value) => f(value)) };
}

function zip(a: NdArray, b: NdArray, f: (a: number, b: number) => number): NdArray {
  const shape = broadcastShape(a.shape, b.shape);
  const right = broadcast(b, shape).values;
  return { shape, values: broadcast(a, shape).values.map((value, i) => f(value, right[i]!)) };
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** The remainder with the sign of the divisor. */
function flooredRemainder(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

function conversionTo(attributes: Attributes): (value: number) => number {
  const conversions: { readonly [dtype in DataType]: (value: number) => number } = {
    float32: (value) => value,
    int32: Math.trunc,
    bool: (value) => Number(value !== 0),
  };
  const dtype = stringOf(attributes, 'dtype');
  if (!Object.hasOwn(conversions, dtype))
    throw new Error(`attribute 'dtype' is '${dtype}'; it must be float32, int32 or bool`);
  return conversions[dtype as DataType];
}
