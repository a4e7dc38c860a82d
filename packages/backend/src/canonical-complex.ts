/** tfjs's kernels on complex numbers, as kernels on their real and imaginary parts, and Fourier transforms. */
import {
  abs,
  add,
  div,
  greater,
  logicalAnd,
  maximum,
  mul,
  neg,
  onesLike,
  square,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { complex, isComplex, type Parts, partsOf } from './complex.ts';
import { type NamedInputs, theEngine } from './engine.ts';
import { printAval } from './print.ts';
import { type DataType, sizeOf } from './program.ts';
import { record } from './trace.ts';
import {
  cast,
  named,
  type RawAttributes,
  reshape,
  rootOrZero,
  slice,
  type Translation,
  type Translations,
} from './translation.ts';

/** Kernels that are about complex numbers. A real tensor is one without an imaginary part. */
export const complexTranslations: Translations = {
  Complex: named('real imag', ([real, imag]) => complex({ real: real!, imag: imag! })),
  Real: named('input', ([x]) => partsOf(x!).real),
  Imag: named('input', ([x]) => partsOf(x!).imag),
  // The derivative is 0 at 0, as that of `abs`.
  ComplexAbs: named('x', ([x]) => {
    const parts = partsOf(x!);
    const scale = scaleOf(parts);
    return mul(scale, rootOrZero(squaredAbs(dividedBy(parts, scale))));
  }),
  FFT: named('input', ([x]) => complex(transform('FFT', x!, -1))),
  IFFT: named('input', ([x]) => {
    const { real, imag } = transform('IFFT', x!, 1);
    const scale = 1 / (x!.shape.at(-1) as number);
    return complex({ real: mul(real, scale), imag: mul(imag, scale) });
  }),
};

/**
 * The translation of a kernel with a complex input or result that is not about complex numbers as such; none if all is real.
 *
 * @throws if the kernel works on real numbers alone.
 */
export function onComplex(kernel: string, inputs: NamedInputs, attributes: RawAttributes): Translation | undefined {
  const given = Object.values(inputs).find(isComplex) as Tensor | undefined;
  if ((given === undefined && attributes['dtype'] !== 'complex64') || kernel in complexTranslations) return undefined;
  const translation = ofPairs[kernel];
  if (translation !== undefined) return translation;
  throw new Error(
    `trace: the kernel ${kernel} works on real numbers, and ${given === undefined ? 'complex64 was asked for' : `was given ${printAval(given)}`}. ` +
      'Write what it does with tf.real(x) and tf.imag(x), and join the parts of the result with tf.complex.',
  );
}

const run = (kernel: string, inputs: NamedInputs, attributes: RawAttributes): Tensor | Tensor[] =>
  theEngine().runKernel(kernel, inputs, attributes);

/** The translation of a kernel that does the same to real and to imaginary parts of these inputs, or of a list. */
function partwise(kernel: string, operands: readonly string[] | undefined): Translation {
  return (inputs, attributes) => {
    const parts = Object.entries(inputs).map(([name, x]): [string, Parts] =>
      operands === undefined || operands.includes(name) ? [name, partsOf(x as Tensor)] : [name, { real: x!, imag: x! }],
    );
    const [real, imag] = (['real', 'imag'] as const).map((which) => {
      const chosen = parts.map(([name, each]) => [name, each[which]] as const);
      return run(kernel, Array.isArray(inputs) ? chosen.map(([, x]) => x) : Object.fromEntries(chosen), attributes);
    });
    return Array.isArray(real)
      ? real.map((part, i) => complex({ real: part, imag: (imag as Tensor[])[i] as Tensor }))
      : complex({ real: real as Tensor, imag: imag as Tensor });
  };
}

const ofPairs: { [kernel: string]: Translation } = {
  Cast: named('x', ([x], { dtype }) =>
    dtype === 'complex64' ? complex(partsOf(x!)) : cast(partsOf(x!).real, dtype as DataType),
  ),
  Fill: (inputs, attributes) => complex(partsOf(run('Fill', inputs, { ...attributes, dtype: 'float32' }) as Tensor)),
  OnesLike: named('x', ([x]) => complex(partsOf(run('OnesLike', { x: partsOf(x!).real }, {}) as Tensor))),
  PadV2: named('x', ([x], attributes) => {
    const { real, imag } = partsOf(x!);
    return complex({
      real: run('PadV2', { x: real }, attributes) as Tensor,
      imag: run('PadV2', { x: imag }, { ...attributes, constantValue: 0 }) as Tensor,
    });
  }),
  Multiply: named('a b', ([a, b]) => complex(product(partsOf(a!), partsOf(b!), mul))),
  BatchMatMul: named('a b', ([a, b], attributes) =>
    complex(product(partsOf(a!), partsOf(b!), (x, y) => run('BatchMatMul', { a: x, b: y }, attributes) as Tensor)),
  ),
  Square: named('x', ([x]) => complex(product(partsOf(x!), partsOf(x!), mul))),
  RealDiv: named('a b', ([a, b]) => {
    const parts = partsOf(b!);
    const scale = scaleOf(parts);
    const { real, imag } = dividedBy(parts, scale);
    const dividend = product(partsOf(a!), { real, imag: neg(imag) }, mul);
    return complex(dividedBy(dividedBy(dividend, squaredAbs({ real, imag })), scale));
  }),
};

// Linear in the parts, each of which they treat alone: by the names of the inputs that have parts.
const ofEachPart: { readonly [operands: string]: string } = {
  x: 'GatherV2 Identity Mean Neg Reshape Reverse Slice SplitV StridedSlice Sum Tile Transpose ZerosLike',
  input: 'ExpandDims',
  value: 'Unpack',
  'a b': 'Add Sub',
  't e': 'Select',
};
for (const [operands, kernels] of Object.entries(ofEachPart))
  for (const kernel of kernels.split(' ')) ofPairs[kernel] = partwise(kernel, operands.split(' '));
for (const kernel of ['AddN', 'Concat', 'Pack']) ofPairs[kernel] = partwise(kernel, undefined);

function product(a: Parts, b: Parts, times: (x: Tensor, y: Tensor) => Tensor): Parts {
  return {
    real: sub(times(a.real, b.real), times(a.imag, b.imag)),
    imag: add(times(a.real, b.imag), times(a.imag, b.real)),
  };
}

function dividedBy({ real, imag }: Parts, divisor: Tensor): Parts {
  return { real: div(real, divisor), imag: div(imag, divisor) };
}

/**
 * The larger part of each number by magnitude, by which it is divided before it is squared, so that the square neither overflows nor vanishes; 1
 * where it is 0 or not finite. What is multiplied by it again has the same derivatives whatever it is: it has none itself.
 */
function scaleOf({ real, imag }: Parts): Tensor {
  const largest = record('StopGradient', [maximum(abs(real), abs(imag))]);
  const isUsable = logicalAnd(greater(largest, 0), record('IsFinite', [largest]));
  return where(isUsable, largest, onesLike(largest));
}

function squaredAbs({ real, imag }: Parts): Tensor {
  return add(square(real), square(imag));
}

/** `sum_j x_j exp(sign 2 pi i j k / n)` along the last axis. */
function transform(name: string, x: Tensor, sign: -1 | 1): Parts {
  const n = x.shape.at(-1);
  if (n === undefined)
    throw new Error(`${name}: a scalar has no axis to transform; give it one with tf.reshape(x, [1])`);
  const rows = sizeOf(x.shape.slice(0, -1));
  const parts = partsOf(x);
  const stacked = [parts.real, parts.imag].map((part) => reshape(part, [rows, 1, n]));
  const transformed = record('FourierTransform', [record('Concat', stacked, { axis: 1 })], { sign });
  const [real, imag] = [0, 1].map((part) => reshape(slice(transformed, [0, part, 0], [rows, 1, n]), x.shape));
  return { real: real as Tensor, imag: imag as Tensor };
}
