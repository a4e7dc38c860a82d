import { type Tensor, Variable } from '@tensorflow/tfjs-core';
import { canonical } from './canonical.ts';
import { onComplex } from './canonical-complex.ts';
import { type KernelParameters, type NamedInputs, theEngine } from './engine.ts';
import { kernelSpec } from './kernels.ts';
import { leftOut } from './left-out.ts';
import { printAval } from './print.ts';
import {
  type Atom,
  type Attributes,
  type Aval,
  type Constant,
  type DataType,
  type Equation,
  type HostValues,
  hostValues,
  newValue,
  type Program,
  sizeOf,
  type Value,
} from './program.ts';
import { guardRandomness } from './purity.ts';
import { ComplexTracer, escaped, Tracer } from './tracer.ts';
import type { RawAttributes } from './translation.ts';

/** What derivatives add to tracing: how `tf.grad` and `tf.customGrad` behave inside of a trace. */
export interface TraceHooks {
  gradients(f: () => Tensor, xs: readonly Tensor[], dy: Tensor | undefined): { value: Tensor; grads: Tensor[] };
  customGradient(parameters: KernelParameters): Tensor;
}

const withoutDerivatives: TraceHooks = {
  gradients() {
    throw new Error(
      'trace: gradients within a traced function need @posteriors/autodiff, whose transforms provide them',
    );
  },
  customGradient() {
    throw new Error(
      'trace: tf.customGrad within a traced function needs @posteriors/autodiff, whose transforms keep it',
    );
  },
};

/** One open trace: the equations recorded so far. */
export class Trace {
  open: boolean = true;
  readonly inputs: Value[];
  readonly equations: Equation[] = [];
  readonly constants: Map<Tensor, Constant<Tensor>> = new Map();
  readonly parent: Trace | null;

  constructor(inputs: readonly Aval[], parent: Trace | null) {
    this.inputs = inputs.map(newValue);
    this.parent = parent;
  }

  /** The tensor that stands for a value of this trace. */
  tensor(atom: Atom): Tensor {
    return new Tracer(this, atom);
  }

  /** The value of this trace that a tensor stands for; a tensor from outside is captured as a constant. */
  atom(tensor: Tensor): Atom {
    if (tensor instanceof Tracer) {
      if (tensor.scope === this || tensor.atom.kind === 'literal') return tensor.atom;
      if (!tensor.scope.open) throw new Error(escaped(tensor));
    } else requireLive(tensor);
    const known = this.constants.get(tensor);
    if (known !== undefined) return known.value;
    const value = newValue(avalOf(tensor));
    this.constants.set(tensor, { value, source: tensor });
    return value;
  }

  /** Records `kernel(inputs)` and returns the tensor of its output. */
  record(kernel: string, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
    const spec = kernelSpec(kernel);
    if (spec === undefined) {
      const reason = leftOut[kernel];
      if (reason !== undefined) throw new Error(`trace: the kernel ${kernel} cannot be traced: ${reason}.`);
      throw new Error(
        `trace: the kernel ${kernel} has no shape rule, so a function that uses it cannot be traced. defineKernel of @posteriors/autodiff adds one.`,
      );
    }
    const atoms = inputs.map((input) => this.atom(input));
    const output = newValue(spec.shape(atoms, attributes));
    this.equations.push({ type: 'kernel', kernel, inputs: atoms, attributes, outputs: [output] });
    return new Tracer(this, output);
  }

  program(outputs: readonly Tensor[]): Program<Tensor> {
    const atoms = outputs.map((output) => this.atom(output));
    return { inputs: this.inputs, constants: [...this.constants.values()], equations: this.equations, outputs: atoms };
  }
}

let current: Trace | null = null;

/** The trace that is open, if any. */
export function currentTrace(): Trace | null {
  return current;
}

/**
 * Runs `fn` once, synchronously, on symbolic tensors of the given shapes and dtypes, and returns what it did as a program. Traces nest; an
 * inner one has the hooks of the outermost. Without hooks, derivatives within `fn` are errors.
 *
 * @throws if `fn` is async, reads the value of a traced tensor, draws hidden random numbers or changes a variable.
 */
export function trace(
  fn: (inputs: Tensor[]) => readonly Tensor[],
  avals: readonly Aval[],
  hooks: TraceHooks = withoutDerivatives,
): Program<Tensor> {
  const opened = new Trace(avals, current);
  const uninstall = current === null ? install(hooks) : undefined;
  const { state } = theEngine();
  const depth = state.scopeStack.length;
  current = opened;
  try {
    const outputs: unknown = fn(opened.inputs.map((value) => opened.tensor(value)));
    if (outputs instanceof Promise) {
      outputs.catch(() => {}); // what it runs into once the trace is closed
      throw new Error(
        'trace: the function is async, but tracing is synchronous. Await what it needs before, and pass that in.',
      );
    }
    return opened.program(outputs as readonly Tensor[]);
  } finally {
    current = opened.parent;
    opened.open = false;
    while (state.scopeStack.length > depth) theEngine().endScope();
    uninstall?.();
  }
}

/** Records `kernel` in the open trace. Inputs are in the order of the kernel's specification. */
export function record(kernel: string, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
  return openTrace().record(kernel, inputs, attributes);
}

function openTrace(): Trace {
  if (current === null) throw new Error('no trace is open');
  return current;
}

/** A constant of the open trace, with values known now. */
export function constant(values: HostValues, shape: readonly number[], dtype: DataType): Tensor {
  return openTrace().tensor({ kind: 'literal', shape, dtype, values });
}

/** Shape and dtype of a tensor that a program can hold. */
export function avalOf(tensor: Tensor): Aval {
  const { dtype } = tensor;
  if (dtype === 'complex64') {
    throw new Error(
      `trace: a tensor ${printAval(tensor)} cannot be an argument or a result of a program, which holds real numbers: ` +
        'pass tf.real(x) and tf.imag(x) in or out, and join them with tf.complex',
    );
  }
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new Error(`trace: a tensor of dtype ${dtype} cannot enter a program; float32, int32 and bool can`);
  }
  return { shape: tensor.shape, dtype };
}

/** @throws if a tensor from outside was disposed. */
export function requireLive(tensor: Tensor): void {
  if (!tensor.isDisposed) return;
  throw new Error(
    `a disposed tensor ${printAval(tensor)} is used. Dispose it after its last use, or clone it where it is handed out.`,
  );
}

// tfjs's own uses of customGrad: their forward pass is ordinary code, whose derivative is the right one.
const tfjsCustomGradients = new Set([
  'logSoftmax__op',
  'logSigmoid__op',
  'softmaxCrossEntropyWithLogits__op',
  'softmaxCrossEntropy__op',
  'fusedMatMul__op',
  'fusedConv2d__op',
  'fusedDepthwiseConv2d__op',
]);

/** Another tensor of the same value. What a kernel that does nothing returns is disposed apart from its input, which may be the caller's. */
function fresh(tensor: Tensor): Tensor {
  const trace = openTrace();
  return tensor instanceof ComplexTracer ? tensor : trace.tensor(trace.atom(tensor));
}

/** Puts recording in the place of the engine's entry points; the function returned puts them back. */
function install(hooks: TraceHooks): () => void {
  const engine = theEngine();
  const endGuard = guardRandomness(() => /^(.*)__op$/.exec(engine.state.activeScope?.name ?? '')?.[1]);
  const { makeTensor, disposeTensor } = engine;
  engine.state.gradientDepth++;

  const overrides: Partial<typeof engine> = {
    isTapeOn: () => false,
    runKernel(name: string, inputs: NamedInputs, attributes: object = {}): Tensor | Tensor[] {
      const raw = attributes as RawAttributes;
      const translate = onComplex(name, inputs, raw) ?? canonical(name);
      if (translate !== undefined) {
        const result = translate(inputs, raw);
        return Array.isArray(result) ? result.map(fresh) : fresh(result);
      }
      const names = kernelSpec(name)?.inputNames;
      const ordered =
        Array.isArray(inputs) || names === undefined
          ? Object.values(inputs)
          : names.map((key) => (inputs as { [name: string]: Tensor })[key]);
      return record(name, ordered as Tensor[], attributes as Attributes);
    },
    runKernelFunc(parameters: KernelParameters): Tensor {
      const scope = engine.state.activeScope?.name;
      if (scope !== undefined && tfjsCustomGradients.has(scope)) return parameters.forwardFunc(null, () => {});
      return hooks.customGradient(parameters);
    },
    gradients(f, xs, dy) {
      const { value, grads } = hooks.gradients(f, xs, dy);
      return { value, grads: grads.map(fresh) };
    },
    makeTensor(values, shape, dtype = 'float32', backend): Tensor {
      if (dtype === 'string' || dtype === 'complex64') return makeTensor.call(engine, values, shape, dtype, backend);
      const copy = hostValues(dtype as DataType, sizeOf(shape));
      copy.set(values as ArrayLike<number>);
      return constant(copy, shape, dtype as DataType);
    },
    makeVariable() {
      throw new Error('a tf.Variable cannot be made while a function is traced: make it outside and pass it in');
    },
    disposeTensor(tensor: Tensor): void {
      if (!(tensor instanceof Tracer)) disposeTensor.call(engine, tensor);
    },
    disposeVariable(variable: Tensor): void {
      throw new Error(
        `the variable ${(variable as Variable).name} cannot be disposed while a function is traced: dispose it outside`,
      );
    },
  };
  Object.assign(engine, overrides);
  const { assign } = Variable.prototype;
  Variable.prototype.assign = function (this: Variable): never {
    throw new Error(
      `the variable ${this.name} cannot be assigned while a function is traced: return the new value and assign it outside`,
    );
  };

  return () => {
    for (const name of Object.keys(overrides)) delete engine[name as keyof typeof engine];
    Variable.prototype.assign = assign;
    engine.state.gradientDepth--;
    endGuard();
  };
}
