/** Functions of a batch taken apart into what they do to each of its examples. */

import {
  type Atom,
  avalOf,
  type Equation,
  type KernelEquation,
  newValue,
  type Program,
  trace as traceProgram,
  type Value,
} from '@posteriors/backend';
import { flatten, type TensorTree, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { hooks } from './hooks.ts';
import { inlineProgram } from './inline.ts';
import { cutEquation } from './row-rule.ts';

/** A function `(params, batch) => tensor` that treats the examples of a batch, along axis 0, apart. */
export interface ByRows<P> {
  /** All that belongs to single examples: tensors with the examples along axis 0, those of the batch among them. */
  readonly rows: readonly Tensor[];
  /** The slice of the value that belongs to one example, with axis 0 of length 1, given that example's slices of `rows`. */
  readonly one: (params: P, row: readonly Tensor[]) => Tensor;
}

/**
 * Takes `f(params, batch)` apart, where that is possible: `vmap` the other way round. What is computed for one example is what `f` computes
 * for it in the batch, so that nothing is assumed of `f`.
 *
 * @returns null where examples meet, as by a sum over axis 0 or in a value without that axis; where the value of an example would need a
 *   slice of what depends on the parameters; for loops and custom derivatives on the way; and where there are not two examples.
 */
export function byRows<P extends TensorTree, B>(
  f: (params: P, batch: B) => Tensor,
  params: P,
  batch: B,
): ByRows<P> | null {
  const of = flatten(params);
  const data = flatten<unknown>(batch);
  const tensors = data.leaves.filter((leaf): leaf is Tensor => leaf instanceof Tensor);
  const program = traceProgram(
    (symbols) => {
      let next = 0;
      const symbolic = (leaf: unknown): unknown => (leaf instanceof Tensor ? symbols[next++] : leaf);
      const symbolicParams = unflatten(of.structure, of.leaves.map(symbolic)) as P;
      return [f(symbolicParams, unflatten(data.structure, data.leaves.map(symbolic)) as B)];
    },
    [...of.leaves, ...tensors].map((tensor) => avalOf(tensor as Tensor)),
    hooks,
  );
  const cut = cutProgram(program, of.leaves.length);
  if (cut === null) return null;
  const { before, fixed, each, lifted } = cut;
  const results = inlineProgram(before, tensors);
  const sliced = results.slice(fixed);
  const rows = [...tensors.filter(({ shape }) => shape[0] === cut.size), ...sliced.slice(0, lifted)];
  return {
    rows,
    one: (values, row) =>
      inlineProgram(each, [...(flatten(values).leaves as Tensor[]), ...row, ...results.slice(0, fixed)])[0] as Tensor,
  };
}

interface CutProgram {
  readonly size: number;
  /** From the tensors of the batch to what does not depend on the parameters: `fixed` values used whole, then `lifted` to be cut. */
  readonly before: Program;
  readonly fixed: number;
  readonly lifted: number;
  /** From the parameters, the rows and the fixed values to the row of the value. Shapes are worked out where it is recorded. */
  readonly each: Program;
}

type Kind = 'fixed' | 'varied' | 'row';

function cutProgram(program: Program, params: number): CutProgram | null {
  const [output] = program.outputs as [Atom];
  const size = output.shape[0] ?? 0;
  if (size < 2 || output.kind === 'literal') return null;
  const kinds = new Map<number, Kind>();
  const batch = program.inputs.slice(params);
  const isRow = (value: Value): boolean => value.shape[0] === size;
  for (const [i, value] of program.inputs.entries())
    kinds.set(value.id, i < params ? 'varied' : isRow(value) ? 'row' : 'fixed');
  const kindOf = (atom: Atom): Kind => (atom.kind === 'literal' ? 'fixed' : (kinds.get(atom.id) ?? 'fixed'));

  const before: Equation[] = [];
  const each: Equation[] = [];
  const lifted = new Map<Atom | number, readonly [whole: Atom, row: Value]>();
  const repeated = new Map<number, KernelEquation>();
  /** The row of what is no row yet. */
  const rowOf = (atom: Atom): Value | null => {
    if (kindOf(atom) === 'fixed') {
      const key = atom.kind === 'literal' ? atom : atom.id;
      if (!lifted.has(key)) lifted.set(key, [atom, newValue(oneOf(atom))]);
      return (lifted.get(key) as readonly [Atom, Value])[1];
    }
    const equation = repeated.get((atom as Value).id);
    if (equation === undefined) return null;
    const row = newValue(oneOf(atom));
    each.push({ ...equation, attributes: { shape: row.shape }, outputs: [row] });
    return row;
  };

  for (const equation of program.equations) {
    const given = equation.inputs.map(kindOf);
    const rows = given.map((kind) => kind === 'row');
    const kind: Kind = rows.includes(true) ? 'row' : given.includes('varied') ? 'varied' : 'fixed';
    for (const value of equation.outputs) kinds.set(value.id, kind);
    if (kind !== 'row') {
      (kind === 'fixed' ? before : each).push(equation);
      if (kind === 'varied' && equation.type === 'kernel' && repeats(equation, size)) {
        repeated.set(equation.outputs[0]!.id, equation);
      }
      continue;
    }
    const cut = equation.type === 'kernel' ? cutEquation(equation, rows, size) : null;
    if (cut === null) return null;
    const inputs = equation.inputs.map((atom, i) =>
      rows[i] === cut.rows[i] ? atom : cut.rows[i] ? rowOf(atom) : null,
    );
    if (inputs.includes(null)) return null;
    each.push({ ...(equation as KernelEquation), inputs: inputs as Atom[], attributes: cut.attributes });
  }
  if (kindOf(output) !== 'row') return null;

  const defined = new Set(each.flatMap(({ outputs }) => outputs.map(({ id }) => id)));
  for (const value of program.inputs) if (kindOf(value) !== 'fixed') defined.add(value.id);
  for (const [, row] of lifted.values()) defined.add(row.id);
  const used = each.flatMap(({ inputs }) => inputs).filter((atom): atom is Value => atom.kind === 'value');
  const fixed = [...new Map(used.filter(({ id }) => !defined.has(id)).map((value) => [value.id, value])).values()];
  const parts = [...lifted.values()];
  return {
    size,
    before: {
      ...program,
      inputs: batch,
      equations: before,
      outputs: [...fixed, ...parts.map(([whole]) => whole)],
    },
    fixed: fixed.length,
    lifted: parts.length,
    each: {
      inputs: [...program.inputs.slice(0, params), ...batch.filter(isRow), ...parts.map(([, row]) => row), ...fixed],
      constants: [],
      equations: each,
      outputs: [output],
    },
  };
}

function oneOf({ shape, dtype }: Atom): Pick<Value, 'shape' | 'dtype'> {
  return { shape: [1, ...shape.slice(1)], dtype };
}

/** Whether an equation repeats its input along a new axis 0, or one of length 1. */
function repeats({ kernel, inputs, outputs }: KernelEquation, size: number): boolean {
  const [from, to] = [inputs[0]!.shape, outputs[0]!.shape];
  return kernel === 'BroadcastTo' && to[0] === size && (from.length < to.length || from[0] === 1);
}
