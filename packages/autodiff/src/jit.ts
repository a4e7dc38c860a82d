import {
  type Aval,
  avalOf,
  type Backend,
  currentBackend,
  currentTrace,
  type Executable,
  type Program,
  printAval,
  type RunInput,
  sameShape,
  trace as traceProgram,
} from '@posteriors/backend';
import { flatten, hasStructure, paths, type Structure, unflatten } from '@posteriors/tree';
import { scalar, Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { requireReal } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { requirePure, type Traced } from './pure.ts';
import { runOnTape } from './tape.ts';

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], Y> {
  (...args: A): Y;
  /** How often the function was traced: once for each structure, shape, dtype and device that it met. */
  readonly traces: number;
  /** Programs made so far, as they run. */
  readonly programs: readonly Program[];
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
  readonly program: Program<Tensor>;
  readonly executable: Executable;
  readonly returned: readonly unknown[];
  readonly output: Structure;
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

  const compiled = (...args: A): Y => {
    const { leaves, structure } = flatten<unknown>(args);
    if (currentTrace() !== null) return inTrace(name, f, leaves, structure);
    const avals = leaves.map((leaf, i) => inputAval(name, leaf, () => paths(args)[i] as string));
    const backend = currentBackend();
    let entry = cache.find((candidate) => fits(candidate, backend, args, leaves, avals));
    if (entry === undefined) {
      entry = compile(name, f, leaves, structure, avals);
      traces++;
      if (traces === retraceWarning + 1) warnOfRetraces(name, paths(args), cache[0]?.avals, avals);
      if (cache.length === cacheSize) cache.pop()?.executable.dispose();
      cache.unshift(entry);
    } else if (cache[0] !== entry) {
      cache = [entry, ...cache.filter((other) => other !== entry)];
    }
    const inputs: RunInput[] = [];
    leaves.forEach((leaf, i) => {
      if (avals[i] !== null) inputs.push(leaf instanceof Uint32Array ? new Int32Array(leaf) : (leaf as RunInput));
    });
    const tensors = runOnTape(name, entry.program, entry.executable, inputs);
    let next = 0;
    return unflatten(
      entry.output,
      entry.returned.map((leaf) => (leaf === result ? tensors[next++] : leaf)),
    ) as Y;
  };
  return Object.defineProperties(compiled, {
    traces: { get: () => traces },
    programs: { get: () => cache.map(({ executable }) => executable.program) },
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

function compile<A extends readonly unknown[], Y>(
  name: string,
  f: (...args: A) => Y,
  leaves: readonly unknown[],
  structure: Structure,
  avals: readonly (Aval | null)[],
): Entry {
  const once = (): Traced => {
    let returned: readonly unknown[] = [];
    let output: Structure | undefined;
    const program = traceProgram(
      (symbols) => {
        let next = 0;
        const args = unflatten(
          structure,
          leaves.map((leaf, i) => (avals[i] === null ? leaf : symbols[next++])),
        ) as unknown as A;
        const value = refusePromise(name, f(...args));
        const flat = flatten<unknown>(value);
        requireReal(name, 'the result', flat.leaves, (i) => paths(value)[i] as string);
        returned = flat.leaves.map((leaf) => (leaf instanceof Tensor ? result : leaf));
        output = flat.structure;
        return flat.leaves.filter((leaf) => leaf instanceof Tensor) as Tensor[];
      },
      avals.filter((aval) => aval !== null),
      hooks,
    );
    return { program, returned, output: output as Structure };
  };
  const traced = once();
  requirePure(name, traced, once());
  const backend = currentBackend();
  return {
    backend,
    structure,
    avals,
    statics: leaves.map((leaf, i) => (avals[i] === null ? leaf : undefined)),
    program: traced.program,
    executable: backend.compile(traced.program),
    returned: traced.returned,
    output: traced.output,
  };
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

/** Whether a program was made for arguments like these. */
function fits(
  entry: Entry,
  backend: Backend,
  args: unknown,
  leaves: readonly unknown[],
  avals: readonly (Aval | null)[],
): boolean {
  if (entry.backend !== backend || entry.avals.length !== avals.length) return false;
  for (let i = 0; i < avals.length; i++) {
    const [expected, given] = [entry.avals[i] as Aval | null, avals[i] as Aval | null];
    if (expected === null || given === null) {
      if (expected !== given || entry.statics[i] !== leaves[i]) return false;
    } else if (expected.dtype !== given.dtype || !sameShape(expected.shape, given.shape)) {
      return false;
    }
  }
  return hasStructure(args, entry.structure);
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
