/** Numbers that a compiled function is called with. While it is traced they are scalars. */
import { type Aval, type HostValues, sizeOf, theEngine } from '@posteriors/backend';
import { keep, Tensor } from '@tensorflow/tfjs-core';

const numbers = new WeakMap<Tensor, number>();

/** Notes that a scalar of a trace stands for a number of the caller's, which now has this value. */
export function markNumber(scalar: Tensor, value: number): void {
  numbers.set(scalar, value);
}

const asked = new WeakSet<Tensor>();

/** Whether a leaf of arguments is a scalar that stands for a number of the caller's, which no transform maps over. */
export function isNumber(leaf: unknown): leaf is Tensor {
  if (!(leaf instanceof Tensor)) return false;
  asked.add(leaf);
  return numbers.has(leaf);
}

/** Whether a trace asked if a leaf stands for a number, so that it is another one where it does not. */
export function mattersIfNumber(leaf: unknown): boolean {
  return leaf instanceof Tensor && asked.has(leaf);
}

/**
 * A number of the caller's and how much more: what a traced function returns where its caller is to get a number, and not a tensor, as for the
 * step of a state. {@link jit} makes a number of it.
 */
export class Count {
  /** A scalar that stands for a number. */
  readonly number: Tensor;
  readonly more: number;

  constructor(number: Tensor, more: number) {
    this.number = number;
    this.more = more;
  }

  /** @throws always: what it counts is not known. */
  [Symbol.toPrimitive](): never {
    throw new Error(
      'a number of the caller, such as the step of a state, is not known while a function is compiled: compute with it outside of the compiled function',
    );
  }
}

/** Numbers that are computed on the host before each run of a program, one or an array for each of the tensors that stand for them. */
export interface HostNumbers {
  readonly count: Count;
  readonly compute: (value: number) => readonly (number | HostValues)[];
  readonly scalars: readonly Tensor[];
}

/** What a function that is being compiled computes on the host; each trace asks in the same order. */
export class HostComputations {
  readonly all: HostNumbers[] = [];
  private asked = 0;

  get scalars(): readonly Tensor[] {
    return this.all.flatMap(({ scalars }) => scalars);
  }

  /** Runs a trace. */
  during<T>(trace: () => T): T {
    const outer = open;
    open = this;
    this.asked = 0;
    try {
      return trace();
    } finally {
      open = outer;
    }
  }

  ask(count: Count, length: number, compute: HostNumbers['compute'], like: Aval): readonly Tensor[] {
    const known = this.all[this.asked++];
    if (known !== undefined) return known.scalars;
    const scalars = Array.from({ length }, () => capturedTensor(like));
    this.all.push({ count, compute, scalars });
    return scalars;
  }
}

let open: HostComputations | undefined;

/** What a count is in the call that a function is traced for. */
export function numberNow({ number, more }: Count): number {
  return (numbers.get(number) as number) + more;
}

/**
 * Scalars for `length` numbers that are computed on the host from a number of the caller's: schedules of hyper-parameters, say; or tensors `like`
 * others, for as many arrays. {@link jit} computes them anew at each call. To be called while a function that jit compiles is traced,
 * which alone makes a {@link Count}.
 */
export function hostNumbers(
  count: Count,
  length: number,
  compute: (value: number) => readonly (number | HostValues)[],
  like: Aval = { shape: [], dtype: 'float32' },
): readonly Tensor[] {
  return (open as HostComputations).ask(count, length, compute, like);
}

/** A tensor that a trace captures, as it does those from outside. */
function capturedTensor({ shape, dtype }: Aval): Tensor {
  const engine = theEngine();
  const info = { shape: [...shape], dtype };
  const values = dtype === 'float32' ? new Float32Array(sizeOf(shape)) : new Int32Array(sizeOf(shape));
  const dataId = engine.backend.write(values, info.shape, info.dtype);
  return keep(engine.makeTensorFromTensorInfo({ dataId, ...info }, engine.backend));
}
