/** Complex tensors within a trace: pairs of real ones, of which alone programs know. */
import { type Tensor, Variable } from '@tensorflow/tfjs-core';
import { printAval } from './print.ts';
import type { Literal } from './program.ts';
import { currentTrace, requireLive, type Trace } from './trace.ts';
import { ComplexTracer, type Tracer } from './tracer.ts';
import { broadcastTo, cast, scalar } from './translation.ts';

/** A complex number for each element of two float32 tensors of one shape. */
export interface Parts {
  readonly real: Tensor;
  readonly imag: Tensor;
}

export function isComplex(x: Tensor | undefined | null): boolean {
  return x?.dtype === 'complex64';
}

/** The complex tensor of these parts. */
export function complex({ real, imag }: Parts): Tensor {
  const trace = currentTrace() as Trace;
  const own = (part: Tensor): Tracer => trace.tensor(trace.atom(cast(part, 'float32'))) as Tracer;
  return new ComplexTracer(trace, own(real), own(imag));
}

/** The parts of a tensor, which has no imaginary one if it is real. */
export function partsOf(x: Tensor): Parts {
  if (x instanceof ComplexTracer) return x;
  if (isComplex(x)) return captured(x);
  return { real: cast(x, 'float32'), imag: broadcastTo(scalar(0), x.shape) };
}

const capturedParts = new WeakMap<Trace, Map<Tensor, readonly Literal[]>>();

/** The parts of a complex tensor from outside as literals: its values are read once a trace, and nothing is made on its device. */
function captured(x: Tensor): Parts {
  requireLive(x);
  if (x instanceof Variable) {
    throw new Error(
      `the variable ${x.name} is ${printAval(x)}, and a variable of complex numbers cannot be used while a function is traced: ` +
        'keep its real and its imaginary part in two variables, and join them with tf.complex.',
    );
  }
  const trace = currentTrace() as Trace;
  const known = capturedParts.get(trace) ?? new Map<Tensor, readonly Literal[]>();
  capturedParts.set(trace, known);
  const literals = known.get(x) ?? read(x);
  known.set(x, literals);
  const [real, imag] = literals.map((literal) => trace.tensor(literal)) as [Tensor, Tensor];
  return { real, imag };
}

function read(x: Tensor): Literal[] {
  let values: Float32Array;
  try {
    values = x.dataSync() as Float32Array;
  } catch (cause) {
    throw new Error(
      `a tensor ${printAval(x)} from outside of the traced function could not be read at once from its device: make its real and its ` +
        'imaginary part outside, and join them with tf.complex inside.',
      { cause },
    );
  }
  return [0, 1].map((part) => ({
    kind: 'literal',
    dtype: 'float32',
    shape: x.shape,
    values: Float32Array.from({ length: x.size }, (_, i) => values[2 * i + part] as number),
  }));
}
