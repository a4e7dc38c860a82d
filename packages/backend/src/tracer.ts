import { type KernelBackend, type Rank, Tensor, type TypedArray } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';
import { printAval } from './print.ts';
import type { Atom, Aval, Literal } from './program.ts';

/** Anything that can be open: a trace, seen from one of its tensors. */
export interface Scope {
  readonly open: boolean;
}

// The class that chained methods are added to: tfjs keeps one for all copies of its core that a bundle or Node may load.
const globals = globalThis as { _tfGlobals?: Map<string, unknown> };
const BaseTensor = (globals._tfGlobals?.get('Tensor') ?? Tensor) as typeof Tensor;

const dataIds = new WeakMap<Tracer, object>();

/** A symbolic tensor: shape and dtype, and the value of the open trace that it stands for. It holds no data. */
export class Tracer extends BaseTensor<Rank> {
  readonly scope: Scope;
  readonly atom: Atom;

  constructor(scope: Scope, atom: Atom) {
    super(atom.shape as [], atom.dtype, {}, theEngine().nextTensorId());
    this.scope = scope;
    this.atom = atom;
  }

  // tfjs calls anything with its methods a tensor; a tracer is known by its prototype.
  static override [Symbol.hasInstance](instance: unknown): boolean {
    return (
      typeof instance === 'object' &&
      instance !== null &&
      Object.prototype.isPrototypeOf.call(Tracer.prototype, instance)
    );
  }

  private hostValues(operation: string): TypedArray {
    if (this.atom.kind === 'literal') return this.atom.values.slice();
    throw new Error(
      this.scope.open
        ? `${operation}: the value of a traced tensor ${printAval(this.atom)} was read, but it is not known while a function is traced. ` +
            'Return it (for instance in aux) and read it outside, or choose with tf.where instead of branching on it.'
        : escaped(this.atom),
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
      `dataToGPU: a traced tensor ${printAval(this.atom)} has no data. Return it and read it outside of the traced function.`,
    );
  }

  override dispose(): void {
    if (dataIds.has(this)) super.dispose();
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
Object.defineProperty(Tracer.prototype, 'dataId', {
  configurable: true,
  set(this: Tracer): void {},
  get(this: Tracer): object {
    const known = dataIds.get(this);
    if (known !== undefined) return known;
    if (this.scope.open) return this.scope;
    if (this.atom.kind !== 'literal') throw new Error(escaped(this.atom));
    const backend = theEngine().backend;
    const dataId = backend.write(this.atom.values.slice(), [...this.atom.shape], this.atom.dtype);
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

export function escaped(aval: Aval): string {
  return (
    `a traced tensor ${printAval(aval)} was used after the function that made it had returned, or in another one. ` +
    'A traced function must hand out its tensors by returning them, not through a variable outside of it.'
  );
}
