import {
  type Atom,
  type Equation,
  type Literal,
  type Program,
  printAval,
  printEquation,
  type Value,
} from '@posteriors/backend';
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
  const difference = differenceOfPrograms(one.program, other.program, new Map()) ?? differenceOfResults(one, other);
  if (difference === undefined) return;
  throw new Error(
    `${name}: traced twice, the function gave different programs (${difference}). It must depend on its arguments alone: pass random tensors and changing values in.`,
  );
}

/** What differs between two programs, if anything; `numbers` has the values of one by those of the other. */
function differenceOfPrograms(first: Program, second: Program, numbers: Map<number, number>): string | undefined {
  const define = (as: readonly Value[], bs: readonly Value[]): void => {
    for (const [i, a] of as.entries()) numbers.set(a.id, bs[i]?.id ?? -1);
  };
  const same = (a: Atom, b: Atom | undefined): boolean => {
    if (a.kind === 'literal') return b?.kind === 'literal' && sameLiteral(a, b);
    return b?.kind === 'value' && numbers.get(a.id) === b.id;
  };
  define(first.inputs, second.inputs);
  for (const [i, { value, source }] of first.constants.entries()) {
    const other = second.constants[i];
    if (other === undefined || other.source !== source) return 'another captured tensor';
    define([value], [other.value]);
  }
  if (first.equations.length !== second.equations.length) {
    return `${first.equations.length} and ${second.equations.length} equations`;
  }
  for (const [i, equation] of first.equations.entries()) {
    const other = second.equations[i] as Equation;
    const [head, otherHead] = [printEquation(equation), printEquation(other)];
    if (head !== otherHead) return `${head} and ${otherHead}`;
    for (const [k, input] of equation.inputs.entries()) {
      if (same(input, other.inputs[k])) continue;
      return `another input of ${head}${input.kind === 'literal' ? `: a constant ${printAval(input)}` : ''}`;
    }
    const inside = differenceInside(equation, other, numbers);
    if (inside !== undefined) return `within ${head}: ${inside}`;
    define(equation.outputs, other.outputs);
  }
  return first.outputs.every((output, i) => same(output, second.outputs[i])) ? undefined : 'another output';
}

/** What differs between the programs that two equations of one kind hold. */
function differenceInside(first: Equation, second: Equation, numbers: Map<number, number>): string | undefined {
  if (first.type === 'scan' && second.type === 'scan') return differenceOfPrograms(first.body, second.body, numbers);
  if (first.type === 'call' && second.type === 'call') {
    return differenceOfPrograms(first.derivative, second.derivative, numbers);
  }
  return undefined;
}

function differenceOfResults(one: Traced, other: Traced): string | undefined {
  const structures = [one.output, other.output].map(printStructure);
  if (structures[0] !== structures[1]) return `${structures[0]} and ${structures[1]} returned`;
  for (const [i, leaf] of one.returned.entries()) {
    const isObject = typeof leaf === 'object' || typeof leaf === 'function';
    if (!isObject && !Object.is(leaf, other.returned[i])) {
      return `${String(leaf)} and ${String(other.returned[i])} returned`;
    }
  }
  return undefined;
}

function sameLiteral(a: Literal, b: Literal): boolean {
  return printAval(a) === printAval(b) && a.values.every((value, i) => Object.is(value, b.values[i]));
}
