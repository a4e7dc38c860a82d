import { type Atom, type Equation, type Literal, type Program, printAval } from '@posteriors/backend';

/** @throws if two traces of one function differ: it then depends on something that changes from call to call. */
export function requirePure(name: string, first: Program, second: Program): void {
  const numbers = new Map<number, number>();
  const same = (a: Atom, b: Atom): boolean => {
    if (a.kind === 'literal' || b.kind === 'literal') return a.kind === b.kind && sameLiteral(a as Literal, b as Literal);
    return numbers.get(a.id) === b.id;
  };
  const define = (as: readonly { id: number }[], bs: readonly { id: number }[]): void => as.forEach((a, i) => numbers.set(a.id, bs[i]?.id ?? -1));
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
  if (first.equations.length !== second.equations.length) fail(`${first.equations.length} and ${second.equations.length} equations`);
  first.equations.forEach((equation, i) => {
    const other = second.equations[i] as Equation;
    if (head(equation) !== head(other)) fail(`${head(equation)} and ${head(other)}`);
    equation.inputs.forEach((input, k) => {
      if (!same(input, other.inputs[k] as Atom)) fail(`another input of ${head(equation)}${input.kind === 'literal' ? `: a constant ${printAval(input)}` : ''}`);
    });
    define(equation.outputs, other.outputs);
  });
  if (!first.outputs.every((output, i) => same(output, second.outputs[i] as Atom))) fail('another output');
}

function head(equation: Equation): string {
  return equation.type === 'kernel' ? `${equation.kernel} ${JSON.stringify(equation.attributes)}` : equation.type;
}

function sameLiteral(a: Literal, b: Literal): boolean {
  return printAval(a) === printAval(b) && a.values.every((value, i) => Object.is(value, b.values[i]));
}
