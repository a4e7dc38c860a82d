import { type Atom, type Equation, type Literal, type Program, printAval } from '@posteriors/backend';
import { printStructure, type Structure } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';

/** A function as it was traced once. */
export interface Traced {
  readonly program: Program<Tensor>;
  /** The leaves of what it returned, tensors replaced by a mark. */
  readonly returned: readonly unknown[];
  readonly output: Structure;
}

/** @throws if two traces of one function differ: it then depends on something that changes from call to call. */
export function requirePure(name: string, one: Traced, other: Traced): void {
  const [first, second] = [one.program, other.program];
  const numbers = new Map<number, number>();
  const same = (a: Atom, b: Atom): boolean => {
    if (a.kind === 'literal' || b.kind === 'literal')
      return a.kind === b.kind && sameLiteral(a as Literal, b as Literal);
    return numbers.get(a.id) === b.id;
  };
  const define = (as: readonly { id: number }[], bs: readonly { id: number }[]): void => {
    for (const [i, a] of as.entries()) numbers.set(a.id, bs[i]?.id ?? -1);
  };
  define(first.inputs, second.inputs);
  define(
    first.constants.map(({ value }) => value),
    second.constants.map(({ value }) => value),
  );
  const fail = (what: string): never => {
    throw new Error(
      `${name}: traced twice, the function gave different programs (${what}). It must depend on its arguments alone: pass random tensors and changing values in.`,
    );
  };
  if (first.constants.some(({ source }, i) => source !== second.constants[i]?.source)) fail('another captured tensor');
  if (first.equations.length !== second.equations.length)
    fail(`${first.equations.length} and ${second.equations.length} equations`);
  first.equations.forEach((equation, i) => {
    const other = second.equations[i] as Equation;
    if (head(equation) !== head(other)) fail(`${head(equation)} and ${head(other)}`);
    equation.inputs.forEach((input, k) => {
      if (!same(input, other.inputs[k] as Atom))
        fail(`another input of ${head(equation)}${input.kind === 'literal' ? `: a constant ${printAval(input)}` : ''}`);
    });
    define(equation.outputs, other.outputs);
  });
  if (!first.outputs.every((output, i) => same(output, second.outputs[i] as Atom))) fail('another output');
  const structures = [one.output, other.output].map(printStructure);
  if (structures[0] !== structures[1]) fail(`${structures[0]} and ${structures[1]} returned`);
  one.returned.forEach((leaf, i) => {
    const isObject = typeof leaf === 'object' || typeof leaf === 'function';
    if (!isObject && !Object.is(leaf, other.returned[i]))
      fail(`${String(leaf)} and ${String(other.returned[i])} returned`);
  });
}

function head(equation: Equation): string {
  return equation.type === 'kernel' ? `${equation.kernel} ${JSON.stringify(equation.attributes)}` : equation.type;
}

function sameLiteral(a: Literal, b: Literal): boolean {
  return printAval(a) === printAval(b) && a.values.every((value, i) => Object.is(value, b.values[i]));
}
