/** Elementwise kernels in WebAssembly, for four elements at a time. A bool is a mask: all bits of its lane. */
import { backend_util } from '@tensorflow/tfjs-core';
import { type Code, get, op, set, splat, zero } from './assembler.ts';
import type { Attributes, DataType, KernelEquation } from './program.ts';

interface Context {
  readonly attributes: Attributes;
  /** A local that is free. */
  readonly scratch: number;
  /** Calls a function of so many vectors, which are on the stack. */
  call(name: string, parameters: number): Code;
}

/** Leaves the value of the kernel on the stack; the operands are code that leaves theirs. */
type VectorKernel = (operands: readonly Code[], context: Context) => Code;

/** How a kernel works on operands of these dtypes; undefined if it cannot. */
export function vectorKernel({ kernel, inputs, attributes }: KernelEquation): VectorKernel | undefined {
  const [dtype] = inputs.map((input) => input.dtype);
  if (kernel === 'Select') return select;
  if (kernel === 'Cast') return casts[dtype as DataType][attributes['dtype'] as DataType];
  if (!inputs.every((input) => input.dtype === dtype)) return undefined;
  return kernels[dtype as DataType][kernel];
}

const number = (value: number): Code => splat(Float32Array.of(value));
const integer = (value: number): Code => splat(Int32Array.of(value));

/** `code` finds the operands on the stack. */
const stack =
  (...code: Code[]): VectorKernel =>
  (operands) => [...operands.flat(), ...code.flat()];
const calling =
  (name: string): VectorKernel =>
  (operands, { call }) => [...operands.flat(), ...call(name, operands.length)];

const select: VectorKernel = ([condition, a, b]) => [...a!, ...b!, ...condition!, ...op.choose];
/** Where a mask that is on the stack is set, 1. */
const one = (value: Code): VectorKernel => stack(value, op.and);

const casts: { readonly [from in DataType]: { readonly [to in DataType]: VectorKernel } } = {
  float32: { float32: stack(), int32: stack(op.float.truncate), bool: stack(zero, op.float.notEqual) },
  int32: { float32: stack(op.integer.toFloat), int32: stack(), bool: stack(zero, op.integer.notEqual) },
  bool: { float32: one(number(1)), int32: one(integer(1)), bool: stack() },
};

const { float, integer: int } = op;
const positive = (x: Code): Code => [...x, ...zero, ...float.greater];

const kernels: { readonly [dtype in DataType]: { readonly [kernel: string]: VectorKernel | undefined } } = {
  float32: {
    Add: stack(float.add),
    Sub: stack(float.sub),
    Multiply: stack(float.mul),
    RealDiv: stack(float.div),
    FloorDiv: stack(float.div, float.floor),
    Maximum: stack(float.max),
    Minimum: stack(float.min),
    Equal: stack(float.equal),
    NotEqual: stack(float.notEqual),
    Greater: stack(float.greater),
    GreaterEqual: stack(float.greaterEqual),
    Less: stack(float.less),
    LessEqual: stack(float.lessEqual),
    Abs: stack(float.abs),
    Neg: stack(float.neg),
    Sqrt: stack(float.sqrt),
    Ceil: stack(float.ceil),
    Floor: stack(float.floor),
    Round: stack(float.nearest),
    Square: ([x]) => [...x!, ...x!, ...float.mul],
    Reciprocal: ([x]) => [...number(1), ...x!, ...float.div],
    Rsqrt: ([x]) => [...number(1), ...x!, ...float.sqrt, ...float.div],
    Relu: stack(zero, float.max),
    Relu6: stack(zero, float.max, number(6), float.min),
    ClipByValue: ([x], { attributes: { clipValueMin, clipValueMax } }) => [
      ...x!,
      ...number(clipValueMin as number),
      ...float.max,
      ...number(clipValueMax as number),
      ...float.min,
    ],
    Sign: ([x]) => [
      ...positive(x!),
      ...number(1),
      ...op.and,
      ...x!,
      ...zero,
      ...float.less,
      ...number(-1),
      ...op.and,
      ...op.or,
    ],
    // NaN stays NaN.
    Step: ([x], { attributes: { alpha }, scratch }) => [
      ...number(1),
      ...number(alpha as number),
      ...positive(x!),
      ...op.choose,
      ...set(scratch),
      ...get(scratch),
      ...x!,
      ...x!,
      ...x!,
      ...float.equal,
      ...op.choose,
    ],
    LeakyRelu: ([x], { attributes: { alpha } }) => [
      ...number(alpha as number),
      ...x!,
      ...float.mul,
      ...x!,
      ...x!,
      ...zero,
      ...float.less,
      ...op.choose,
    ],
    Elu: ([x], { call }) => [...x!, ...x!, ...call('expm1', 1), ...x!, ...zero, ...float.greaterEqual, ...op.choose],
    Selu: ([x], { call }) => [
      ...number(backend_util.SELU_SCALE),
      ...x!,
      ...float.mul,
      ...number(backend_util.SELU_SCALEALPHA),
      ...x!,
      ...call('expm1', 1),
      ...float.mul,
      ...x!,
      ...zero,
      ...float.greaterEqual,
      ...op.choose,
    ],
    IsNan: ([x]) => [...x!, ...x!, ...float.notEqual],
    IsInf: stack(float.abs, number(Number.POSITIVE_INFINITY), float.equal),
    IsFinite: stack(float.abs, number(Number.POSITIVE_INFINITY), float.less),
    ...Object.fromEntries(
      (
        'Acos Acosh Asin Asinh Atan Atanh Cos Cosh Erf Exp Expm1 Log Log1p Sigmoid Sin Sinh Softplus Tan Tanh ' +
        'Atan2 Mod Pow'
      )
        .split(' ')
        .map((kernel) => [kernel, calling(kernel.toLowerCase())]),
    ),
  },
  int32: {
    Add: stack(int.add),
    Sub: stack(int.sub),
    Multiply: stack(int.mul),
    Maximum: stack(int.max),
    Minimum: stack(int.min),
    Equal: stack(int.equal),
    NotEqual: stack(int.notEqual),
    Greater: stack(int.greater),
    GreaterEqual: stack(int.greaterEqual),
    Less: stack(int.less),
    LessEqual: stack(int.lessEqual),
    Abs: stack(int.abs),
    Neg: stack(int.neg),
    Square: ([x]) => [...x!, ...x!, ...int.mul],
  },
  bool: {
    Equal: stack(op.xor, op.not),
    NotEqual: stack(op.xor),
    LogicalAnd: stack(op.and),
    LogicalOr: stack(op.or),
    LogicalNot: stack(op.not),
  },
};
