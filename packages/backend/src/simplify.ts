/** Passes over programs that leave their outputs as they are. */
import { broadcastShape } from './kernels.ts';
import { type Atom, type Equation, type Program, sameShape, type Value } from './program.ts';

/** What is done to every program before it is run. */
export function simplify<Source>(program: Program<Source>): Program<Source> {
  return removeDeadCode(absorbBroadcasts(shareCommonSubexpressions(removeIdentities(program))));
}

type Substitution = Map<number, Atom>;

function resolve(atom: Atom, substitution: Substitution): Atom {
  return atom.kind === 'value' ? (substitution.get(atom.id) ?? atom) : atom;
}

/** `rewrite` sees each equation with its inputs substituted and returns it, or adds its outputs to the substitution and returns nothing. */
function rewriteEquations<Source>(
  program: Program<Source>,
  rewrite: (equation: Equation, substitution: Substitution) => Equation | undefined,
): Program<Source> {
  const substitution: Substitution = new Map();
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const rewritten = rewrite(
      { ...equation, inputs: equation.inputs.map((atom) => resolve(atom, substitution)) },
      substitution,
    );
    if (rewritten !== undefined) equations.push(rewritten);
  }
  return { ...program, equations, outputs: program.outputs.map((atom) => resolve(atom, substitution)) };
}

const identities = new Set(['Identity', 'StopGradient']);

/** Replaces the outputs of equations that only matter to derivatives by their inputs. */
export function removeIdentities<Source>(program: Program<Source>): Program<Source> {
  return rewriteEquations(program, (equation, substitution) => {
    if (equation.type !== 'call' && !(equation.type === 'kernel' && identities.has(equation.kernel))) return equation;
    equation.outputs.forEach((output, i) => {
      substitution.set(output.id, equation.inputs[i] as Atom);
    });
    return undefined;
  });
}

/** Computes equal equations once. Kernels are pure: random ones take their key as an input. */
export function shareCommonSubexpressions<Source>(program: Program<Source>): Program<Source> {
  const seen = new Map<string, readonly Value[]>();
  const literals = new Map<object, number>();
  const atomKey = (atom: Atom): string => {
    if (atom.kind === 'value') return `v${atom.id}`;
    if (atom.values.length === 1)
      return `${atom.dtype}[${atom.shape}]${Object.is(atom.values[0], -0) ? '-0' : atom.values[0]}`;
    const known = literals.get(atom.values) ?? literals.size;
    literals.set(atom.values, known);
    return `l${known}[${atom.shape}]`;
  };
  return rewriteEquations(program, (equation, substitution) => {
    if (equation.type !== 'kernel') return equation;
    const key = `${equation.kernel} ${equation.inputs.map(atomKey)} ${JSON.stringify(equation.attributes)}`;
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, equation.outputs);
      return equation;
    }
    equation.outputs.forEach((output, i) => {
      substitution.set(output.id, earlier[i] as Atom);
    });
    return undefined;
  });
}

const broadcasting = new Set(
  'Add Sub Multiply RealDiv FloorDiv Mod Maximum Minimum Pow Atan2 Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr'.split(
    ' ',
  ),
);

/** Lets kernels that broadcast their operands take them before an explicit broadcast. */
export function absorbBroadcasts<Source>(program: Program<Source>): Program<Source> {
  const sources = new Map<number, Atom>();
  return rewriteEquations(program, (equation) => {
    if (equation.type !== 'kernel') return equation;
    if (equation.kernel === 'BroadcastTo') sources.set(equation.outputs[0]!.id, equation.inputs[0] as Atom);
    if (!broadcasting.has(equation.kernel)) return equation;
    const source = (atom: Atom): Atom => (atom.kind === 'value' ? (sources.get(atom.id) ?? atom) : atom);
    const [a, b] = equation.inputs as readonly [Atom, Atom];
    const shape = equation.outputs[0]!.shape;
    for (const inputs of [
      [source(a), source(b)],
      [source(a), b],
      [a, source(b)],
    ] as const) {
      if (sameShape(broadcastShape(inputs[0].shape, inputs[1].shape), shape)) return { ...equation, inputs };
    }
    return equation;
  });
}

/** Drops equations and constants that no output needs. */
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
    equation.inputs.forEach(use);
    equations.push(equation);
  }
  return {
    ...program,
    equations: equations.reverse(),
    constants: program.constants.filter(({ value }) => live.has(value.id)),
  };
}
