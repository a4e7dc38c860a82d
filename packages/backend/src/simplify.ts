/** Passes over programs that leave their outputs as they are. */
import { broadcastShape } from './kernels.ts';
import { printAttribute } from './print.ts';
import { type Atom, type Equation, newValue, type Program, sameShape, sizeOf, type Value } from './program.ts';
import { pruneScan } from './prune-scan.ts';

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
  rewrite: (equation: Equation, substitution: Substitution) => Equation | readonly Equation[] | undefined,
): Program<Source> {
  const substitution: Substitution = new Map();
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const rewritten = rewrite(
      { ...equation, inputs: equation.inputs.map((atom) => resolve(atom, substitution)) },
      substitution,
    );
    if (rewritten !== undefined) equations.push(...('type' in rewritten ? [rewritten] : rewritten));
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
    const attributes = Object.entries(equation.attributes).map(([name, value]) => `${name}=${printAttribute(value)}`);
    const key = `${equation.kernel} ${equation.inputs.map(atomKey)} ${attributes}`;
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

const elementwise = new Set(
  (
    'Add Sub Multiply RealDiv FloorDiv Mod Maximum Minimum Pow Atan2 Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr ' +
    'Abs Ceil ClipByValue Cos Elu Erf Exp Expm1 Floor LeakyRelu Log Log1p LogicalNot Neg Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign ' +
    'Sin Softplus Sqrt Square Step Tan Tanh Cast IsNan IsInf IsFinite'
  ).split(' '),
);

/**
 * Lets kernels that broadcast their operands take them before an explicit broadcast, and computes what is the same along an axis once: an
 * elementwise kernel of broadcasts is the broadcast of a smaller one.
 */
export function absorbBroadcasts<Source>(program: Program<Source>): Program<Source> {
  const sources = new Map<number, Atom>();
  const source = (atom: Atom): Atom => (atom.kind === 'value' ? (sources.get(atom.id) ?? atom) : atom);
  return rewriteEquations(program, (equation) => {
    if (equation.type !== 'kernel') return equation;
    const output = equation.outputs[0] as Value;
    if (equation.kernel === 'BroadcastTo') {
      const from = source(equation.inputs[0] as Atom);
      sources.set(output.id, from);
      return { ...equation, inputs: [from] };
    }
    if (!elementwise.has(equation.kernel)) return equation;
    const inputs = equation.inputs.map(source);
    const shape = inputs.reduce<readonly number[]>((sum, input) => broadcastShape(sum, input.shape), []);
    if (sameShape(shape, output.shape)) return { ...equation, inputs };
    if (sizeOf(shape) < sizeOf(output.shape)) {
      const small = newValue({ shape, dtype: output.dtype });
      sources.set(output.id, small);
      return [{ ...equation, inputs, outputs: [small] }, broadcast(small, output)];
    }
    return equation;
  });
}

function broadcast(from: Value, to: Value): Equation {
  return { type: 'kernel', kernel: 'BroadcastTo', inputs: [from], attributes: { shape: to.shape }, outputs: [to] };
}

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
