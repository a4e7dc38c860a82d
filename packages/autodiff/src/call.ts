import {
  type Atom,
  currentTrace,
  type Equation,
  newValue,
  type Program,
  record,
  type Trace,
  trace as traceProgram,
} from '@posteriors/backend';
import type { Tensor } from '@tensorflow/tfjs-core';
import { hooks } from './hooks.ts';
import { isFlat } from './rule.ts';

/**
 * The results of a function as values of their own, where they are its arguments or stand twice: a derivative of the result is then not
 * one of the argument.
 */
export function ownValues(args: readonly Tensor[], values: readonly Tensor[]): Tensor[] {
  const trace = currentTrace() as Trace;
  const taken = new Set(args.map((arg) => trace.atom(arg)));
  return values.map((value) => {
    const atom = trace.atom(value);
    if (taken.has(atom)) return record('Identity', [value]);
    taken.add(atom);
    return value;
  });
}

/** What `values` were computed from since `start`, besides `args`: values of enclosing functions that can have a derivative. */
export function closuresOf(start: number, args: readonly Tensor[], values: readonly Tensor[]): Tensor[] {
  const trace = currentTrace() as Trace;
  const own = new Set(args.map((arg) => trace.atom(arg)));
  const needed = new Set<Atom>();
  const need = (atoms: readonly Atom[]): void => {
    for (const atom of atoms) if (atom.kind === 'value' && atom.dtype === 'float32' && !own.has(atom)) needed.add(atom);
  };
  need(values.map((value) => trace.atom(value)));
  for (let i = trace.equations.length - 1; i >= start; i--) {
    const equation = trace.equations[i] as Equation;
    // What is computed in here is no closure, but what it was computed from may be.
    const used = equation.outputs.filter((output) => needed.delete(output));
    if (used.length > 0 && !(equation.type === 'kernel' && isFlat(equation.kernel))) need(equation.inputs);
  }
  return [...needed].map((atom) => trace.tensor(atom));
}

/**
 * Gives `values`, computed from `args` in the open trace, a derivative of their own: `derivative` maps tangents of the float32 arguments to
 * tangents of the values (`forward`), or cotangents of the values to those of all arguments (`reverse`). To differentiate with respect to
 * `closures` is an error. Returns the values to use.
 */
export function recordCall(
  name: string,
  direction: 'forward' | 'reverse',
  args: readonly Tensor[],
  values: readonly Tensor[],
  closures: readonly Tensor[],
  derivative: (seeds: readonly Tensor[]) => readonly Tensor[],
): Tensor[] {
  const trace = currentTrace() as Trace;
  const differentiable = args.map((arg) => arg.dtype === 'float32');
  const floats = args.filter((_, i) => differentiable[i]);
  const seeds = direction === 'forward' ? floats : values;
  const expected = direction === 'forward' ? values : floats;
  const traced = traceProgram(
    (tensors) => {
      const results = derivative(tensors);
      const kept = direction === 'forward' ? results : results.filter((_, i) => differentiable[i]);
      kept.forEach((result, i) => {
        const { shape } = expected[i] as Tensor;
        if (`${result.shape}` !== `${shape}`) {
          throw new Error(`${name}: the derivative returned shape [${result.shape}] for a tensor of shape [${shape}]`);
        }
      });
      return kept;
    },
    seeds.map((seed) => ({ shape: seed.shape, dtype: 'float32' })),
    hooks,
  );
  // What the derivative captured becomes inputs, so that it can be applied to other values of them.
  const program: Program = {
    ...traced,
    inputs: [...traced.inputs, ...traced.constants.map(({ value }) => value)],
    constants: [],
  };
  const residuals = traced.constants.map(({ source }) => source);
  const inputs = [...values, ...floats, ...closures, ...residuals].map((tensor) => trace.atom(tensor));
  const outputs = inputs.slice(0, values.length).map(newValue);
  trace.equations.push({
    type: 'call',
    name,
    direction,
    derivative: program,
    arguments: floats.length,
    closures: closures.length,
    inputs,
    outputs,
  });
  return outputs.map((value) => trace.tensor(value));
}
