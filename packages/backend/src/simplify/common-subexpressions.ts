import { printAttribute } from '../print.ts';
import type { Atom, Literal, Program, Value } from '../program.ts';
import { rewriteEquations } from './rewrite.ts';

/** Literals of up to this many numbers are compared by these. */
const fewNumbers = 16;

/** Computes equal equations once, and holds equal literals once. Kernels are pure: random ones take their key as an input. */
export function shareCommonSubexpressions<Source>(program: Program<Source>): Program<Source> {
  const seen = new Map<string, readonly Value[]>();
  const literals = new Map<string | object, Literal>();
  const shared = (atom: Atom): Atom => {
    if (atom.kind === 'value') return atom;
    const key = atom.values.length > fewNumbers ? atom.values : literalKey(atom);
    const earlier = literals.get(key);
    if (earlier === undefined) literals.set(key, atom);
    return earlier === undefined || `${earlier.shape}` !== `${atom.shape}` ? atom : earlier;
  };
  const numbers = new Map<Literal, number>();
  const keyOf = (atom: Atom): string => {
    if (atom.kind === 'value') return `v${atom.id}`;
    const number = numbers.get(atom) ?? numbers.size;
    numbers.set(atom, number);
    return `l${number}`;
  };
  return rewriteEquations(program, (given, scope) => {
    const equation = { ...given, inputs: given.inputs.map(shared) };
    if (equation.type !== 'kernel') return [equation];
    let key = equation.kernel;
    for (const input of equation.inputs) key += ` ${keyOf(input)}`;
    for (const name in equation.attributes) key += ` ${name}=${printAttribute(equation.attributes[name]!)}`;
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, equation.outputs);
      return [equation];
    }
    equation.outputs.forEach((output, i) => {
      scope.replace(output, earlier[i] as Value);
    });
    return [];
  });
}

function literalKey({ dtype, shape, values }: Literal): string {
  return `${dtype}[${shape}]${Array.from(values, (x) => (Object.is(x, -0) ? '-0' : x))}`;
}
