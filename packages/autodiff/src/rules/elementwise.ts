/** Elementwise kernels. At kinks the conventions are PyTorch's: zero for abs, relu and the bounds of relu6, a half each for ties. */

import { broadcastShape, record } from '@posteriors/backend';
import {
  add,
  cast,
  cos,
  cosh,
  div,
  equal,
  exp,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  minimum,
  mul,
  neg,
  onesLike,
  pow,
  reciprocal,
  rsqrt,
  scalar,
  sigmoid,
  sign,
  sin,
  sinh,
  square,
  step,
  sub,
  type Tensor,
  where,
  zerosLike as zeros,
} from '@tensorflow/tfjs-core';
import { type BatchRule, type Partial, registerRule } from '../rule.ts';
import { alignBatched, broadcastTo, sumTo } from '../shapes.ts';

/** Operands that broadcast: a batched one keeps its batch in front of the axes of the unbatched result. */
const batchElementwise =
  (kernel: string): BatchRule =>
  (inputs, batched, attributes) => {
    const rank = Math.max(...inputs.map((x, i) => x.rank - (batched[i] ? 1 : 0)));
    const aligned = inputs.map((x, i) => (batched[i] ? alignBatched(x, rank) : x));
    return record(kernel, aligned, attributes);
  };

function zero(names: string): void {
  for (const name of names.split(' ')) registerRule(name, { derivative: 'zero', batch: batchElementwise(name) });
}

function elementwise(name: string, ...partials: (Partial | null)[]): void {
  registerRule(name, { derivative: { partials }, batch: batchElementwise(name) });
}

const float = (condition: Tensor): Tensor => cast(condition, 'float32');
const x = (inputs: readonly Tensor[]): Tensor => inputs[0] as Tensor;

zero('Ceil Floor FloorDiv Round Sign Step IsFinite IsInf IsNan LogicalNot StopGradient');
zero('Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr');

elementwise('Abs', (i) => sign(x(i)));
elementwise('Acos', (i) => neg(rsqrt(sub(1, square(x(i))))));
elementwise('Acosh', (i) => rsqrt(mul(sub(x(i), 1), add(x(i), 1))));
elementwise('Asin', (i) => rsqrt(sub(1, square(x(i)))));
elementwise('Asinh', (i) => rsqrt(add(1, square(x(i)))));
elementwise('Atan', (i) => reciprocal(add(1, square(x(i)))));
elementwise('Atanh', (i) => reciprocal(sub(1, square(x(i)))));
elementwise('Cos', (i) => neg(sin(x(i))));
elementwise('Cosh', (i) => sinh(x(i)));
elementwise('Erf', (i) => mul(exp(neg(square(x(i)))), 2 / Math.sqrt(Math.PI)));
elementwise('Exp', (_, y) => y);
elementwise('Expm1', (i) => exp(x(i)));
elementwise('Log', (i) => reciprocal(x(i)));
elementwise('Log1p', (i) => reciprocal(add(1, x(i))));
elementwise('Reciprocal', (_, y) => neg(square(y)));
elementwise('Rsqrt', (i, y) => div(mul(y, -0.5), x(i)));
elementwise('Sigmoid', (_, y) => mul(y, sub(1, y)));
elementwise('Sin', (i) => cos(x(i)));
elementwise('Sinh', (i) => cosh(x(i)));
elementwise('Softplus', (i) => sigmoid(x(i)));
elementwise('Sqrt', (_, y) => div(0.5, y));
elementwise('Square', (i) => mul(x(i), 2));
elementwise('Tan', (_, y) => add(1, square(y)));
elementwise('Tanh', (_, y) => sub(1, square(y)));

// Activations and clipping.

const seluScale = 1.0507009873554805;
const seluScaleAlpha = 1.7580993408473768;

elementwise('Elu', (i) => where(greater(x(i), 0), onesLike(x(i)), exp(minimum(x(i), 0))));
elementwise('Selu', (i) =>
  where(greater(x(i), 0), mul(onesLike(x(i)), seluScale), mul(exp(minimum(x(i), 0)), seluScaleAlpha)),
);
elementwise('Relu', (i) => step(x(i)));
elementwise('Relu6', (i) => float(logicalAnd(greater(x(i), 0), less(x(i), 6))));
elementwise('LeakyRelu', (i, _, { alpha }) => step(x(i), alpha as number));
elementwise('ClipByValue', (i, _, { clipValueMin, clipValueMax }) =>
  float(logicalAnd(greaterEqual(x(i), clipValueMin as number), lessEqual(x(i), clipValueMax as number))),
);

// Two operands.

/** 1 where the first operand is chosen, 0 where the other is, a half at ties. */
const chosen = (better: (a: Tensor, b: Tensor) => Tensor, a: Tensor, b: Tensor): Tensor =>
  add(float(better(a, b)), mul(float(equal(a, b)), 0.5));

elementwise(
  'Maximum',
  ([a, b]) => chosen(greater, a!, b!),
  ([a, b]) => chosen(less, a!, b!),
);
elementwise(
  'Minimum',
  ([a, b]) => chosen(less, a!, b!),
  ([a, b]) => chosen(greater, a!, b!),
);
elementwise('Mod', 1, ([a, b]) => neg(floor(div(a!, b!))));
elementwise(
  'Atan2',
  ([a, b]) => div(b!, add(square(a!), square(b!))),
  ([a, b]) => neg(div(a!, add(square(a!), square(b!)))),
);
elementwise('Pow', powBase, powExponent);

/** b a^(b-1), and 0 where b is 0, whatever a is. */
function powBase([a, b]: readonly Tensor[]): Tensor {
  const shape = broadcastShape(a!.shape, b!.shape);
  const isZero = broadcastTo(equal(b!, 0), shape);
  const exponent = where(isZero, broadcastTo(scalar(1), shape), broadcastTo(b!, shape));
  const slope = mul(b!, pow(a!, sub(exponent, 1)));
  return where(isZero, zeros(slope), slope);
}

/** a^b log a, and 0 where a is 0 and b is not negative. */
function powExponent([a, b]: readonly Tensor[], y: Tensor): Tensor {
  const flat = logicalAnd(equal(broadcastTo(a!, y.shape), 0), greaterEqual(broadcastTo(b!, y.shape), 0));
  const base = where(flat, broadcastTo(scalar(1), y.shape), broadcastTo(a!, y.shape));
  return where(flat, zeros(y), mul(pow(base, b!), log(base)));
}

// Kernels that occur in derivatives, and are linear there.

const linearSum = (signs: readonly [1, 1 | -1]) => ({
  partials: signs,
  transpose: (index: number, cotangent: Tensor, inputs: readonly Tensor[]): Tensor =>
    sumTo(signs[index] === 1 ? cotangent : neg(cotangent), inputs[index]!.shape),
});

registerRule('Add', { derivative: linearSum([1, 1]), batch: batchElementwise('Add') });
registerRule('Sub', { derivative: linearSum([1, -1]), batch: batchElementwise('Sub') });
registerRule('Neg', { derivative: { transpose: (_, cotangent) => neg(cotangent) }, batch: batchElementwise('Neg') });
registerRule('Identity', {
  derivative: { transpose: (_, cotangent) => cotangent },
  batch: batchElementwise('Identity'),
});
registerRule('Multiply', {
  derivative: {
    multilinear: true,
    transpose: (index, cotangent, inputs) => sumTo(mul(cotangent, inputs[1 - index]!), inputs[index]!.shape),
  },
  batch: batchElementwise('Multiply'),
});
registerRule('RealDiv', {
  derivative: {
    jvp([ta, tb], [, b], y) {
      if (tb === null || tb === undefined) return div(ta!, b!);
      const change = mul(y, tb);
      return div(ta === null || ta === undefined ? neg(change) : sub(ta, change), b!);
    },
    transpose: (index, cotangent, [a, b]) => (index === 0 ? sumTo(div(cotangent, b!), a!.shape) : null),
  },
  batch: batchElementwise('RealDiv'),
});
registerRule('Select', {
  derivative: {
    transpose(index, cotangent, [condition]) {
      if (index === 0) return null;
      const nothing = zeros(cotangent);
      return index === 1 ? where(condition!, cotangent, nothing) : where(condition!, nothing, cotangent);
    },
  },
  batch(inputs, batched, attributes, size) {
    return record(
      'Select',
      inputs.map((input, i) => (batched[i] ? input : broadcastTo(input, [size, ...input.shape]))),
      attributes,
    );
  },
});
registerRule('Cast', {
  derivative: { transpose: (_, cotangent, [input]) => (input!.dtype === 'float32' ? cotangent : null) },
  batch: batchElementwise('Cast'),
});
