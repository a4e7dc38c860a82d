import type { Atom, Program } from '../program.ts';
import { rewriteEquations } from './rewrite.ts';

const identities = new Set(['Identity', 'StopGradient']);

/** Replaces the outputs of equations that only matter to derivatives by their inputs. */
export function removeIdentities<Source>(program: Program<Source>): Program<Source> {
  return rewriteEquations(program, (equation, scope) => {
    if (equation.type !== 'call' && !(equation.type === 'kernel' && identities.has(equation.kernel))) return [equation];
    equation.outputs.forEach((output, i) => {
      scope.replace(output, equation.inputs[i] as Atom);
    });
    return [];
  });
}
