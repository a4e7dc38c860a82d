/** Running code that must be traced, wherever it is called. */

import { currentBackend, currentTrace, trace as traceProgram } from '@posteriors/backend';
import { flatten, paths, type Structure, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { requireReal } from './arguments.ts';
import { hooks } from './hooks.ts';
import { runOnTape } from './tape.ts';

/**
 * Runs `fn`, which returns a tree: recorded in the open trace, or, where none is open, traced and run at once. The tensors returned belong
 * to the caller.
 */
export function evaluate<T>(name: string, fn: () => T): T {
  if (currentTrace() !== null) return refusePromise(name, fn());
  let leaves: unknown[] = [];
  let structure: Structure | undefined;
  const program = traceProgram(
    () => {
      const returned = refusePromise(name, fn());
      const flat = flatten(returned);
      leaves = [...flat.leaves];
      requireReal(name, 'the result', leaves, (i) => paths(returned)[i] as string);
      structure = flat.structure;
      return leaves.filter((leaf) => leaf instanceof Tensor) as Tensor[];
    },
    [],
    hooks,
  );
  const executable = currentBackend().compile(program);
  try {
    const tensors = runOnTape(name, program, executable, []);
    let next = 0;
    return unflatten(
      structure as Structure,
      leaves.map((leaf) => (leaf instanceof Tensor ? tensors[next++] : leaf)),
    ) as T;
  } finally {
    executable.dispose();
  }
}

/** @throws if a function to trace is async. */
export function refusePromise<T>(name: string, result: T): T {
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new Error(
      `${name}: the function is async, but it is traced synchronously. Await what it needs before, and pass that in as an argument.`,
    );
  }
  return result;
}
