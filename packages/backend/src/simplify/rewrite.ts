/** Programs with their equations replaced one after the other: what passes are written with. */
import type { Atom, Equation, KernelEquation, Program, Value } from '../program.ts';

/** What a pass knows while it goes through a program. */
export interface Scope {
  /** The kernel equation, as rewritten, that defines a value. */
  definition(atom: Atom): KernelEquation | undefined;
  /** Puts an atom of the same shape and dtype in the place of a value, from here on. */
  replace(value: Value, by: Atom): void;
}

/** `rewrite` sees each equation with its inputs replaced, and returns those that stand in its place. */
export function rewriteEquations<Source>(
  program: Program<Source>,
  rewrite: (equation: Equation, scope: Scope) => readonly Equation[],
): Program<Source> {
  const substitution = new Map<number, Atom>();
  const definitions = new Map<number, KernelEquation>();
  const resolve = (atom: Atom): Atom => (atom.kind === 'value' ? (substitution.get(atom.id) ?? atom) : atom);
  const scope: Scope = {
    definition: (atom) => (atom.kind === 'value' ? definitions.get(atom.id) : undefined),
    replace: (value, by) => substitution.set(value.id, resolve(by)),
  };
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const inputs = equation.inputs.map(resolve);
    const isSame = inputs.every((input, i) => input === equation.inputs[i]);
    for (const rewritten of rewrite(isSame ? equation : { ...equation, inputs }, scope)) {
      equations.push(rewritten);
      if (rewritten.type !== 'kernel') continue;
      for (const output of rewritten.outputs) definitions.set(output.id, rewritten);
    }
  }
  return { ...program, equations, outputs: program.outputs.map(resolve) };
}

/** What stands in the place of a kernel equation: an atom for its only output, or equations of which the last defines that. */
export type Rewritten = Atom | KernelEquation | readonly KernelEquation[];

/** As {@link rewriteEquations}, where only kernel equations change. */
export function rewriteKernels<Source>(
  program: Program<Source>,
  rewrite: (equation: KernelEquation, scope: Scope) => Rewritten,
): Program<Source> {
  return rewriteEquations(program, (equation, scope) => {
    if (equation.type !== 'kernel') return [equation];
    const rewritten = rewrite(equation, scope);
    if ('length' in rewritten) return rewritten;
    if ('type' in rewritten) return [rewritten];
    scope.replace(equation.outputs[0] as Value, rewritten);
    return [];
  });
}

/** How often the equations and outputs of a program read each value, by its id; who reads a reshape of a value reads that. */
export function countUses(program: Program): ReadonlyMap<number, number> {
  const uses = new Map<number, number>();
  const use = (atom: Atom, times = 1): void => {
    if (atom.kind === 'value') uses.set(atom.id, (uses.get(atom.id) ?? 0) + times);
  };
  for (const output of program.outputs) use(output);
  for (const equation of [...program.equations].reverse()) {
    const isReshape = equation.type === 'kernel' && equation.kernel === 'Reshape';
    const times = isReshape ? (uses.get((equation.outputs[0] as Value).id) ?? 0) : 1;
    for (const input of equation.inputs) use(input, times);
  }
  return uses;
}
