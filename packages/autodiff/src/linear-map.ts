/** The derivative of a function at a point, kept as a program that can be applied many times. */

import {
  avalOf,
  currentBackend,
  currentTrace,
  type Executable,
  literal,
  type Program,
  type Trace,
  trace as traceProgram,
} from '@posteriors/backend';
import { flatten, hasStructure, paths, printStructure, type Structure, type TensorTree } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { describeLeaf, differentiated, splitAux } from './arguments.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { linearPart } from './linear-part.ts';
import { runOnTape } from './tape.ts';

/** A linear program: tangents of the arguments, then residuals, to tangents of the value. */
interface Linearized {
  readonly value: unknown;
  readonly aux: unknown;
  readonly residuals: readonly Tensor[];
  readonly program: Program;
  readonly argument: Structure;
}

function linearizeInTrace(
  name: string,
  f: (...primals: readonly TensorTree[]) => unknown,
  primals: readonly TensorTree[],
  hasAux: boolean,
  mode: 'forward' | 'reverse',
): Linearized {
  const trace = currentTrace() as Trace;
  const argument = differentiated(name, primals as TensorTree);
  const start = trace.equations.length;
  const result = refusePromise(name, f(...(argument.tree as readonly TensorTree[])));
  const [value, aux] = hasAux ? splitAux(name, result) : [result, []];
  const ys = valueLeaves(name, value);
  const part = linearPart(trace, trace.equations.slice(start), argument.leaves, ys, mode);
  const program: Program = {
    inputs: [...part.seeds, ...part.residuals],
    constants: [],
    equations: part.equations,
    outputs: part.outputs.map((output, i) => output ?? literal(0, 'float32', (ys[i] as Tensor).shape)),
  };
  return {
    value,
    aux,
    residuals: part.residuals.map((atom) => trace.tensor(atom)),
    program,
    argument: argument.structure,
  };
}

/** The leaves of what a function returned, which must be float32 tensors. */
export function valueLeaves(name: string, value: unknown): Tensor[] {
  const { leaves } = flatten<unknown>(value as TensorTree);
  leaves.forEach((leaf, i) => {
    if (!(leaf instanceof Tensor) || leaf.dtype !== 'float32') {
      const path = paths(value as TensorTree)[i];
      throw new Error(
        `${name}: the function must return a tree of float32 tensors, and ${path} of what it returned is ${describeLeaf(leaf)}`,
      );
    }
  });
  return leaves as Tensor[];
}

/** A linear map that can be applied until it is disposed. */
export interface AppliedMap {
  readonly value: unknown;
  readonly aux: unknown;
  readonly argument: Structure;
  apply(tensors: readonly Tensor[]): Tensor[];
  dispose(): void;
}

/**
 * Linearises `f` at `primals`. `direction` turns the linear program of tangents and residuals into what is applied: itself, or its
 * transpose.
 */
export function linearMap(
  name: string,
  f: (...primals: readonly TensorTree[]) => unknown,
  primals: readonly TensorTree[],
  hasAux: boolean,
  mode: 'forward' | 'reverse',
  direction: (program: Program, inputs: readonly Tensor[]) => Tensor[],
): AppliedMap {
  let linearized: Linearized | undefined;
  const { value, aux, residuals } = evaluate(name, () => {
    linearized = linearizeInTrace(name, f, primals, hasAux, mode);
    return { value: linearized.value, aux: linearized.aux, residuals: linearized.residuals };
  });
  const { program, argument } = linearized as unknown as Linearized;
  if (currentTrace() !== null) {
    return { value, aux, argument, apply: (tensors) => direction(program, [...tensors, ...residuals]), dispose() {} };
  }
  let disposed = false;
  let compiled: { readonly program: Program<Tensor>; readonly executable: Executable } | undefined;
  return {
    value,
    aux,
    argument,
    apply(tensors) {
      if (disposed) throw new Error(`${name}: the derivative was disposed and cannot be applied again`);
      if (currentTrace() !== null) return direction(program, [...tensors, ...residuals]);
      const inputs = [...tensors, ...residuals];
      if (compiled === undefined) {
        const avals = inputs.map(avalOf);
        const applied = traceProgram((symbols) => direction(program, symbols), avals, hooks);
        compiled = { program: applied, executable: currentBackend().compile(applied) };
      }
      return runOnTape(name, compiled.program, compiled.executable, inputs);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      compiled?.executable.dispose();
      for (const residual of residuals) residual.dispose();
    },
  };
}

/** The leaves of a tangent or cotangent, checked against the tree that it belongs to. */
export function matchingLeaves(
  name: string,
  what: string,
  tree: TensorTree,
  structure: Structure,
  like: readonly { shape: readonly number[] }[],
): Tensor[] {
  if (!hasStructure(tree, structure)) {
    throw new Error(
      `${name}: the ${what} has structure ${printStructure(flatten(tree).structure)} and must have ${printStructure(structure)}`,
    );
  }
  const { leaves } = flatten<unknown>(tree);
  leaves.forEach((leaf, i) => {
    const { shape } = like[i] as { shape: readonly number[] };
    const expected = `float32[${shape}]`;
    if (describeLeaf(leaf) !== expected) {
      throw new Error(`${name}: the ${what} ${paths(tree)[i]} is ${describeLeaf(leaf)} and must be ${expected}`);
    }
    if ((leaf as Tensor).isDisposed) {
      throw new Error(`${name}: the ${what} ${paths(tree)[i]} is a disposed tensor ${expected}`);
    }
  });
  return leaves as Tensor[];
}
