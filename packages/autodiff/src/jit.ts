import {
  type Aval,
  avalOf,
  type Backend,
  currentBackend,
  currentTrace,
  type Executable,
  newValue,
  type Program,
  printAval,
  type RunInput,
  sameShape,
  trace as traceProgram,
} from '@posteriors/backend';
import { flatten, leavesLike, paths, type Structure, unflatten } from '@posteriors/tree';
import { scalar, Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { requireReal } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { Count, HostComputations, type HostNumbers, markNumber, mattersIfNumber } from './number.ts';
import { noteProgram } from './programs-of.ts';
import { requirePure, type Traced } from './pure.ts';
import { runOnTape } from './tape.ts';

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], Y> {
  (...args: A): Y;
  /** How often the function was traced: once for each structure, shape, dtype and device that it met. */
  readonly traces: number;
  /** Programs kept, the one used last first, as they run on their device; `printProgram` prints them. */
  readonly programs: readonly Executable['program'][];
  /** The same programs as they were traced, before they were simplified and lowered to their device. */
  readonly sources: readonly Program[];
  /** Frees what the compiled programs hold on the device. The function can be called again, and compiles anew. */
  dispose(): void;
}

interface Entry {
  readonly backend: Backend;
  readonly structure: Structure;
  /** What each leaf of the arguments is to the program: an input, or, where null, part of it. */
  readonly avals: readonly (Aval | null)[];
  /** The leaves that are part of the program; undefined where a leaf is an input. */
  readonly statics: readonly unknown[];
  /** Whether a leaf is a number and no scalar tensor, where that makes a difference. */
  readonly areNumbers: readonly (boolean | undefined)[];
  /** Its inputs are what is computed on the host, and the leaves. */
  readonly program: Program<Tensor>;
  readonly computed: readonly (Counted & Pick<HostNumbers, 'compute'>)[];
  readonly executable: Executable;
  /** The leaves that the function returned; {@link result} in the place of a tensor. */
  readonly returned: readonly unknown[];
  readonly output: Structure;
  /** Whether all that is returned are tensors. */
  readonly returnsTensors: boolean;
}

/** What a `Count` is to the program: a leaf of the arguments, and how much more. */
class Counted {
  readonly leaf: number;
  readonly more: number;

  constructor(leaf: number, more: number) {
    this.leaf = leaf;
    this.more = more;
  }
}

/** Retraces of one function after which a warning says what keeps changing. */
const retraceWarning = 8;
/** Executables kept for one function; the least recently used is dropped. */
const cacheSize = 32;

/**
 * Compiles a function: traced once for each structure, shape and dtype of its arguments, then run without the overhead of tfjs's ops.
 *
 * Arguments are trees. Tensors, numbers and keys (`Uint32Array`) are inputs of the program, so that new values never recompile; a number
 * arrives in the function as a float32 scalar, a key as an int32 tensor. Strings, booleans, null and undefined are part of the program.
 * Whatever else the function reads (a number in a closure) is frozen when it is compiled; a tensor in a closure is read at each call. The
 * tensors returned belong to the caller. Inside of another transform the function is traced along.
 *
 * @throws if the function is async, draws hidden random numbers, or gives different programs when traced twice.
 */
export function jit<A extends readonly unknown[], Y>(
  f: (...args: A) => Y,
  options: { readonly name?: string } = {},
): Compiled<A, Y> {
  const { name = f.name || 'jit' } = checkOptions('jit', options, ['name']);
  // The entry used last comes first.
  let cache: Entry[] = [];
  let traces = 0;

  /** The entry of these arguments, made if there is none. */
  const lookUp = (args: A): { readonly entry: Entry; readonly leaves: readonly unknown[] } => {
    const backend = currentBackend();
    for (let i = 0; i < cache.length; i++) {
      const entry = cache[i] as Entry;
      const leaves = entry.backend === backend ? leavesLike(entry.structure, args) : null;
      if (leaves === null || !fits(entry, leaves)) continue;
      if (i > 0) cache = [entry, ...cache.filter((other) => other !== entry)];
      return { entry, leaves };
    }
    const { leaves, structure } = flatten<unknown>(args);
    const avals = leaves.map((leaf, i) => inputAval(name, leaf, () => paths(args)[i] as string));
    const entry = compile(name, f, leaves, structure, avals);
    traces++;
    if (traces === retraceWarning + 1) warnOfRetraces(name, paths(args), cache[0]?.avals, avals);
    if (cache.length === cacheSize) cache.pop()?.executable.dispose();
    cache.unshift(entry);
    return { entry, leaves };
  };

  const compiled = (...args: A): Y => {
    if (currentTrace() !== null) {
      const { leaves, structure } = flatten<unknown>(args);
      return inTrace(name, f, leaves, structure);
    }
    const { entry, leaves } = lookUp(args);
    const inputs: RunInput[] = [];
    for (const { leaf, more, compute } of entry.computed) {
      inputs.push(...compute((leaves[leaf] as number) + more));
    }
    for (let i = 0; i < leaves.length; i++) {
      if (entry.avals[i] === null) continue;
      const leaf = leaves[i];
      inputs.push(leaf instanceof Uint32Array ? new Int32Array(leaf) : (leaf as RunInput));
    }
    noteProgram(name, entry.executable);
    const tensors = runOnTape(name, entry.program, entry.executable, inputs);
    return unflatten(entry.output, entry.returnsTensors ? tensors : withTensors(entry, tensors, leaves)) as Y;
  };
  return Object.defineProperties(compiled, {
    traces: { get: () => traces },
    programs: { get: () => cache.map(({ executable }) => executable.program) },
    sources: { get: () => cache.map(({ program }) => program) },
    dispose: {
      value: () => {
        for (const { executable } of cache) executable.dispose();
        cache = [];
      },
    },
  }) as Compiled<A, Y>;
}

/** Marks, among the leaves that a function returns, those that are tensors. */
const result: unique symbol = Symbol('result');

/** The leaves that a call returns. */
function withTensors({ returned }: Entry, tensors: readonly Tensor[], leaves: readonly unknown[]): unknown[] {
  let next = 0;
  return returned.map((leaf) => {
    if (leaf === result) return tensors[next++];
    return leaf instanceof Counted ? (leaves[leaf.leaf] as number) + leaf.more : leaf;
  });
}

function compile<A extends readonly unknown[], Y>(
  name: string,
  f: (...args: A) => Y,
  leaves: readonly unknown[],
  structure: Structure,
  avals: readonly (Aval | null)[],
): Entry {
  const host = new HostComputations();
  let numbers: readonly unknown[] = [];
  const once = (): Traced => {
    let returned: readonly unknown[] = [];
    let output: Structure | undefined;
    const program = traceProgram(
      (symbols) => {
        let next = 0;
        const given = leaves.map((leaf, i) => (avals[i] === null ? leaf : symbols[next++]));
        given.forEach((leaf, i) => {
          if (typeof leaves[i] === 'number') markNumber(leaf as Tensor, leaves[i] as number);
        });
        numbers = given;
        const args = unflatten(structure, given) as unknown as A;
        const value = refusePromise(name, f(...args));
        const flat = flatten<unknown>(value);
        requireReal(name, 'the result', flat.leaves, (i) => paths(value)[i] as string);
        returned = flat.leaves.map((leaf) => {
          if (leaf instanceof Tensor) return result;
          return leaf instanceof Count ? new Counted(given.indexOf(leaf.number), leaf.more) : leaf;
        });
        output = flat.structure;
        return flat.leaves.filter((leaf) => leaf instanceof Tensor) as Tensor[];
      },
      avals.filter((aval) => aval !== null),
      hooks,
    );
    return { program, returned, output: output as Structure };
  };
  try {
    const traced = host.during(once);
    const computed = host.all.map(({ count, compute }) => ({
      leaf: numbers.indexOf(count.number),
      more: count.more,
      compute,
    }));
    requirePure(name, traced, host.during(once));
    const program = withInputs(traced.program, host.scalars);
    const backend = currentBackend();
    return {
      backend,
      structure,
      avals,
      statics: leaves.map((leaf, i) => (avals[i] === null ? leaf : undefined)),
      areNumbers: numbers.map((symbol, i) => (mattersIfNumber(symbol) ? typeof leaves[i] === 'number' : undefined)),
      program,
      computed,
      executable: backend.compile(program),
      returned: traced.returned,
      output: traced.output,
      returnsTensors: traced.returned.every((leaf) => leaf === result),
    };
  } finally {
    for (const scalar of host.scalars) scalar.dispose();
  }
}

/** The program with these captured tensors as its first inputs. */
function withInputs(program: Program<Tensor>, scalars: readonly Tensor[]): Program<Tensor> {
  if (scalars.length === 0) return program;
  const values = scalars.map(
    (scalar) => program.constants.find(({ source }) => source === scalar)?.value ?? newValue(avalOf(scalar)),
  );
  const constants = program.constants.filter(({ source }) => !scalars.includes(source));
  return { ...program, inputs: [...values, ...program.inputs], constants };
}

function inTrace<A extends readonly unknown[], Y>(
  name: string,
  f: (...args: A) => Y,
  leaves: readonly unknown[],
  structure: Structure,
): Y {
  const symbols = leaves.map((leaf) =>
    typeof leaf === 'number'
      ? scalar(leaf)
      : leaf instanceof Uint32Array
        ? tensor1d(new Int32Array(leaf), 'int32')
        : leaf,
  );
  return evaluate(name, () => f(...(unflatten(structure, symbols) as unknown as A)));
}

/** What a leaf is to the program; null if it is part of it. */
export function inputAval(name: string, leaf: unknown, path: () => string): Aval | null {
  if (leaf instanceof Tensor) {
    if (leaf.isDisposed)
      throw new Error(`${name}: the argument ${path()} is a disposed tensor ${printAval(leaf as never)}`);
    requireReal(name, 'the argument', [leaf], path);
    return avalOf(leaf);
  }
  if (typeof leaf === 'number') return scalarAval;
  if (leaf instanceof Uint32Array) return { shape: [leaf.length], dtype: 'int32' };
  if (typeof leaf === 'string' || typeof leaf === 'boolean' || leaf === undefined) return null;
  throw new Error(
    `${name}: the argument ${path()} is ${typeof leaf === 'object' ? `a ${leaf?.constructor?.name}` : `a ${typeof leaf}`}, which a compiled function cannot take`,
  );
}

const scalarAval: Aval = { shape: [], dtype: 'float32' };

/** Whether a program was made for leaves like these. A disposed tensor fits none. */
function fits({ avals, statics, areNumbers }: Entry, leaves: readonly unknown[]): boolean {
  for (let i = 0; i < avals.length; i++) {
    const [aval, leaf] = [avals[i] as Aval | null, leaves[i]];
    if (aval === null) {
      if (statics[i] !== leaf) return false;
    } else if (areNumbers[i] !== undefined && areNumbers[i] !== (typeof leaf === 'number')) {
      return false;
    } else if (leaf instanceof Tensor) {
      if (leaf.dtype !== aval.dtype || !sameShape(leaf.shape, aval.shape) || leaf.isDisposed) return false;
    } else if (typeof leaf === 'number') {
      if (aval.dtype !== 'float32' || aval.shape.length !== 0) return false;
    } else if (!(leaf instanceof Uint32Array && aval.dtype === 'int32' && sameShape([leaf.length], aval.shape))) {
      return false;
    }
  }
  return true;
}

function warnOfRetraces(
  name: string,
  names: readonly string[],
  previous: readonly (Aval | null)[] | undefined,
  avals: readonly (Aval | null)[],
): void {
  const changes = avals.flatMap((aval, i) => {
    const before = previous?.[i];
    if (!aval || !before || printAval(aval) === printAval(before)) return [];
    return [`${names[i]} was ${printAval(before)} and is ${printAval(aval)}`];
  });
  console.warn(
    `${name} was traced ${retraceWarning + 1} times; each new structure, shape or dtype compiles anew. ` +
      `${changes.length === 0 ? 'The structure or a static argument changed.' : `Last time ${changes.join(', ')}.`} Pad batches to one shape.`,
  );
}
