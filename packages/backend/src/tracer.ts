import { backend_util, type KernelBackend, type Rank, Tensor, type TypedArray } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';
import { printAval } from './print.ts';
import type { Atom, Literal } from './program.ts';

/** Anything that can be open: a trace, seen from one of its tensors. */
export interface Scope {
  readonly open: boolean;
}

// The class that chained methods are added to: tfjs keeps one for all copies of its core that a bundle or Node may load.
const globals = globalThis as { _tfGlobals?: Map<string, unknown> };
const BaseTensor = (globals._tfGlobals?.get('Tensor') ?? Tensor) as typeof Tensor;

/** A symbolic tensor: shape and dtype, and what it stands for in the open trace. It holds no data. */
abstract class Symbolic extends BaseTensor<Rank> {
  readonly scope: Scope;

  constructor(scope: Scope, shape: readonly number[], dtype: keyof DataTypes) {
    super(shape as [], dtype, {}, theEngine().nextTensorId());
    this.scope = scope;
  }

  /** The values, if they are known while the function is traced. */
  protected abstract knownValues(): TypedArray | undefined;

  private hostValues(operation: string): TypedArray {
    const values = this.knownValues();
    if (values !== undefined) return values;
    throw new Error(
      this.scope.open
        ? `${operation}: the value of a traced tensor ${printAval(this)} was read, but it is not known while a function is traced. ` +
            'Return it (for instance in aux) and read it outside, or choose with tf.where instead of branching on it.'
        : escaped(this),
    );
  }

  override dataSync<D extends keyof DataTypes = 'float32'>(): DataTypes[D] {
    return this.hostValues('dataSync') as DataTypes[D];
  }

  override data<D extends keyof DataTypes = 'float32'>(): Promise<DataTypes[D]> {
    return Promise.resolve(this.hostValues('data') as DataTypes[D]);
  }

  override bytes(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hostValues('bytes').buffer));
  }

  override dataToGPU(): never {
    throw new Error(
      `dataToGPU: a traced tensor ${printAval(this)} has no data. Return it and read it outside of the traced function.`,
    );
  }

  override dispose(): void {
    if (dataIds.has(this)) super.dispose();
  }
}

const dataIds = new WeakMap<Symbolic, object>();

// tfjs calls anything with its methods a tensor; these are known by their prototype.
function isMade(instance: unknown, prototype: object): boolean {
  return typeof instance === 'object' && instance !== null && Object.prototype.isPrototypeOf.call(prototype, instance);
}

/** A traced tensor of real numbers: a value of a program. */
export class Tracer extends Symbolic {
  readonly atom: Atom;

  constructor(scope: Scope, atom: Atom) {
    super(scope, atom.shape, atom.dtype);
    this.atom = atom;
  }

  static override [Symbol.hasInstance](instance: unknown): boolean {
    return isMade(instance, Tracer.prototype);
  }

  protected override knownValues(): TypedArray | undefined {
    return this.atom.kind === 'literal' ? this.atom.values.slice() : undefined;
  }
}

/** A traced tensor of complex numbers: a program holds two of real ones in its place. */
export class ComplexTracer extends Symbolic {
  readonly real: Tracer;
  readonly imag: Tracer;

  constructor(scope: Scope, real: Tracer, imag: Tracer) {
    super(scope, real.shape, 'complex64');
    this.real = real;
    this.imag = imag;
  }

  static override [Symbol.hasInstance](instance: unknown): boolean {
    return isMade(instance, ComplexTracer.prototype);
  }

  protected override knownValues(): TypedArray | undefined {
    const [real, imag] = [this.real, this.imag].map((part) => literalOf(part)?.values as Float32Array | undefined);
    return real && imag && backend_util.mergeRealAndImagArrays(real, imag);
  }
}

type DataTypes = {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
  complex64: Float32Array;
  string: string[];
};

// A literal that outlives its trace becomes a real tensor when its data is first asked for; any other traced tensor has no data by then.
Object.defineProperty(Symbolic.prototype, 'dataId', {
  configurable: true,
  set(this: Symbolic): void {},
  get(this: Symbolic): object {
    const known = dataIds.get(this);
    if (known !== undefined) return known;
    if (this.scope.open) return this.scope;
    const literal = literalOf(this);
    if (literal === undefined) throw new Error(escaped(this));
    const backend = theEngine().backend;
    const dataId = backend.write(literal.values.slice(), [...literal.shape], literal.dtype);
    dataIds.set(this, dataId);
    trackOutsideOfOps(this, backend);
    return dataId;
  },
});

/** Hands the tensor to the user's tidy, if there is one: the scope of the op that reads it first would dispose it. */
function trackOutsideOfOps(tensor: Tensor, backend: KernelBackend): void {
  const engine = theEngine();
  const { state } = engine;
  const { activeScope } = state;
  state.activeScope = state.scopeStack.findLast(({ name }) => !name.endsWith('__op')) ?? null;
  engine.trackTensor(tensor, backend);
  state.activeScope = activeScope;
}

/** The literal of a traced constant, if that is what the tensor is. */
export function literalOf(tensor: Tensor): Literal | undefined {
  return tensor instanceof Tracer && tensor.atom.kind === 'literal' ? tensor.atom : undefined;
}

export function escaped(aval: Pick<Tensor, 'shape' | 'dtype'>): string {
  return (
    `a traced tensor ${printAval(aval)} was used after the function that made it had returned, or in another one. ` +
    'A traced function must hand out its tensors by returning them, not through a variable outside of it.'
  );
}
