/** Elementwise kernels as JavaScript expressions of numbers, each rounded as the device's memory would. A bool is 0 or 1. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes, DataType, KernelEquation } from './program.ts';

/** The expression for expressions of the operands. */
type NumberKernel = (operands: readonly string[], attributes: Attributes, loop: LoopNames) => string;

/** What a loop knows of its expressions. */
export interface LoopNames {
  /** A name for the value of an expression, not rounded: it is computed once, however many kernels use it. */
  readonly part: (expression: string) => string;
  /** An operand with the same magnitude, and the same one for those that equations say differ in the sign alone. */
  readonly magnitude: (operand: string) => string;
}

/** How a kernel works on operands of these dtypes; undefined if it is left to the device. */
export function numberKernel({ kernel, inputs, attributes }: KernelEquation): NumberKernel | undefined {
  const [dtype] = inputs.map((input) => input.dtype);
  if (kernel === 'Select') return ([condition, a, b]) => `(${condition} ? ${a} : ${b})`;
  if (kernel === 'Cast') return casts[dtype as DataType][attributes['dtype'] as DataType];
  if (!inputs.every((input) => input.dtype === dtype)) return undefined;
  return kernels[dtype as DataType][kernel];
}

/** A number as JavaScript writes it, with the sign of zero. */
export function number(value: number): string {
  return Object.is(value, -0) ? '(-0)' : value < 0 ? `(${value})` : String(value);
}

const float =
  (kernel: NumberKernel): NumberKernel =>
  (operands, attributes, loop) =>
    `fround(${kernel(operands, attributes, loop)})`;
/** exp(-|x|), which softplus and sigmoid of x and of -x have in common. */
const exponential = (x: string, { part, magnitude }: LoopNames): string => part(`Math.exp(-Math.abs(${magnitude(x)}))`);
const float32 = (value: number): string => number(Math.fround(value));
const binary =
  (operator: string): NumberKernel =>
  ([a, b]) =>
    `${a} ${operator} ${b}`;
const truth =
  (operator: string): NumberKernel =>
  ([a, b]) =>
    `(${a} ${operator} ${b} ? 1 : 0)`;
const math =
  (name: string): NumberKernel =>
  (operands) =>
    `Math.${name}(${operands.join(', ')})`;
const same: NumberKernel = ([x]) => x as string;

/** Beyond int32, its bounds; of NaN, 0. */
const truncated: NumberKernel = ([x]) =>
  `(${x} >= 2147483647 ? 2147483647 : ${x} <= -2147483648 ? -2147483648 : ${x} | 0)`;

const casts: { readonly [from in DataType]: { readonly [to in DataType]: NumberKernel } } = {
  float32: { float32: same, int32: truncated, bool: ([x]) => `(${x} !== 0 ? 1 : 0)` },
  int32: { float32: float(same), int32: same, bool: ([x]) => `(${x} !== 0 ? 1 : 0)` },
  bool: { float32: same, int32: same, bool: same },
};

const comparisons = {
  Equal: truth('==='),
  NotEqual: truth('!=='),
  Greater: truth('>'),
  GreaterEqual: truth('>='),
  Less: truth('<'),
  LessEqual: truth('<='),
};

const kernels: { readonly [dtype in DataType]: { readonly [kernel: string]: NumberKernel | undefined } } = {
  float32: {
    ...comparisons,
    Add: float(binary('+')),
    Sub: float(binary('-')),
    Multiply: float(binary('*')),
    RealDiv: float(binary('/')),
    FloorDiv: ([a, b]) => `Math.floor(fround(${a} / ${b}))`,
    Mod: float(([a, b]) => `mod(${a}, ${b})`),
    Maximum: math('max'),
    Minimum: math('min'),
    Pow: float(math('pow')),
    Atan2: float(math('atan2')),
    Abs: math('abs'),
    Neg: ([x]) => `(-${x})`,
    Square: float(([x]) => `${x} * ${x}`),
    Reciprocal: float(([x]) => `1 / ${x}`),
    Rsqrt: float(([x]) => `1 / fround(Math.sqrt(${x}))`),
    Ceil: math('ceil'),
    Floor: math('floor'),
    Relu: ([x]) => `Math.max(${x}, 0)`,
    Relu6: ([x]) => `Math.min(Math.max(${x}, 0), 6)`,
    ClipByValue: ([x], { clipValueMin, clipValueMax }) =>
      `Math.min(Math.max(${x}, ${float32(clipValueMin as number)}), ${float32(clipValueMax as number)})`,
    Sign: ([x]) => `(${x} > 0 ? 1 : ${x} < 0 ? -1 : 0)`,
    Step: ([x], { alpha }) => `(${x} !== ${x} ? ${x} : ${x} > 0 ? 1 : ${float32(alpha as number)})`,
    LeakyRelu: ([x], { alpha }) => `(${x} < 0 ? fround(${float32(alpha as number)} * ${x}) : ${x})`,
    Elu: ([x]) => `(${x} >= 0 ? ${x} : fround(Math.expm1(${x})))`,
    Selu: float(
      ([x]) =>
        `${x} >= 0 ? ${float32(backend_util.SELU_SCALE)} * ${x} : ${float32(backend_util.SELU_SCALEALPHA)} * fround(Math.expm1(${x}))`,
    ),
    Sigmoid: float(([x], _, loop) => {
      const power = exponential(x!, loop);
      return `(${x} < 0 ? ${power} : 1) / ${loop.part(`1 + ${power}`)}`;
    }),
    Softplus: float(([x], _, loop) => `Math.max(${x}, 0) + ${loop.part(`Math.log1p(${exponential(x!, loop)})`)}`),
    IsNan: ([x]) => `(${x} !== ${x} ? 1 : 0)`,
    IsInf: ([x]) => `(Math.abs(${x}) === Infinity ? 1 : 0)`,
    IsFinite: ([x]) => `(Math.abs(${x}) < Infinity ? 1 : 0)`,
    ...Object.fromEntries(
      'Acos Acosh Asin Asinh Atan Atanh Cos Cosh Exp Expm1 Log Log1p Sin Sinh Sqrt Tan Tanh'
        .split(' ')
        .map((kernel) => [kernel, float(math(kernel.toLowerCase()))]),
    ),
  },
  int32: {
    ...comparisons,
    Add: ([a, b]) => `(${a} + ${b} | 0)`,
    Sub: ([a, b]) => `(${a} - ${b} | 0)`,
    Multiply: math('imul'),
    Maximum: math('max'),
    Minimum: math('min'),
    Abs: ([x]) => `(Math.abs(${x}) | 0)`,
    Neg: ([x]) => `(-${x} | 0)`,
    Square: ([x]) => `Math.imul(${x}, ${x})`,
  },
  bool: {
    Equal: truth('==='),
    NotEqual: truth('!=='),
    LogicalAnd: ([a, b]) => `(${a} & ${b})`,
    LogicalOr: ([a, b]) => `(${a} | ${b})`,
    LogicalNot: ([x]) => `(1 - ${x})`,
  },
};
