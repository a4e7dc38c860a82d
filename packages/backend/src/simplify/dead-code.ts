import type { Atom, Equation, Program } from '../program.ts';
import { pruneScan } from './prune-scan.ts';

/** Drops equations and constants that no output needs, also within loops. */
export function removeDeadCode<Source>(program: Program<Source>): Program<Source> {
  const live = new Set<number>();
  const use = (atom: Atom): void => {
    if (atom.kind === 'value') live.add(atom.id);
  };
  program.outputs.forEach(use);
  const equations: Equation[] = [];
  for (let i = program.equations.length - 1; i >= 0; i--) {
    const equation = program.equations[i] as Equation;
    if (!equation.outputs.some((output) => live.has(output.id))) continue;
    const pruned = equation.type === 'scan' ? pruneScan(equation, ({ id }) => live.has(id)) : equation;
    pruned.inputs.forEach(use);
    equations.push(pruned);
  }
  return {
    ...program,
    equations: equations.reverse(),
    constants: program.constants.filter(({ value }) => live.has(value.id)),
  };
}
