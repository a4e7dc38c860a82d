import { type Aval, avalOf, type Program, trace as traceProgram } from '@posteriors/backend';
import { flatten, type MapLeaves, paths, type Structure, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { requireReal } from './arguments.ts';
import { refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { inputAval } from './jit.ts';

/**
 * The program of a function, as it is recorded: `makeProgram(f)(...args)` traces `f` and runs nothing. `printProgram` prints it.
 *
 * Arguments are as for {@link jit}: tensors, numbers and keys are inputs of the program, of which only shape and dtype matter here.
 */
export function makeProgram<A extends readonly unknown[], Y>(f: (...args: A) => Y): (...args: A) => Program<Tensor> {
  return (...args) => traceFunction('makeProgram', f, args).program;
}

/**
 * Shapes and dtypes of what `f(...args)` returns, as a tree like it with `{shape, dtype}` for each tensor; nothing is run. Arguments are as
 * for {@link jit}.
 */
export function evalShape<A extends readonly unknown[], Y>(f: (...args: A) => Y, ...args: A): MapLeaves<Y, Aval> {
  const { leaves, structure } = traceFunction('evalShape', f, args);
  const avals = leaves.map((leaf) => (leaf instanceof Tensor ? avalOf(leaf) : leaf));
  return unflatten(structure, avals) as MapLeaves<Y, Aval>;
}

interface TracedFunction {
  readonly program: Program<Tensor>;
  /** What the function returned, tensors as they were traced. */
  readonly leaves: readonly unknown[];
  readonly structure: Structure;
}

function traceFunction<A extends readonly unknown[], Y>(name: string, f: (...args: A) => Y, args: A): TracedFunction {
  const { leaves, structure } = flatten<unknown>(args);
  const avals = leaves.map((leaf, i) => inputAval(name, leaf, () => paths(args)[i] as string));
  let returned: { readonly leaves: unknown[]; readonly structure: Structure } | undefined;
  const program = traceProgram(
    (symbols) => {
      const inputs = symbols.values();
      const traced = leaves.map((leaf, i) => (avals[i] === null ? leaf : inputs.next().value));
      const value = refusePromise(name, f(...(unflatten(structure, traced) as unknown as A)));
      returned = flatten<unknown>(value);
      requireReal(name, 'the result', returned.leaves, (i) => paths(value)[i] as string);
      return returned.leaves.filter((leaf) => leaf instanceof Tensor) as Tensor[];
    },
    avals.filter((aval) => aval !== null),
    hooks,
  );
  return { program, ...(returned as unknown as Omit<TracedFunction, 'program'>) };
}
