/** Which equations of a program run as one loop. */
import {
  type Axes,
  axesOf,
  axesOfOperand,
  axesOfResult,
  type FusedEquation,
  loopShape,
  type Operand,
  reduces,
  sameAxes,
} from './fused.ts';
import {
  type Atom,
  type Equation,
  type KernelEquation,
  type Literal,
  type Program,
  sizeOf,
  type Value,
} from './program.ts';

/** A program in which elementwise equations are parts of loops. */
export type FusedProgram<Source = unknown> = Omit<Program<Source>, 'equations'> & {
  readonly equations: readonly (Equation | FusedEquation)[];
};

type Computes = (equation: KernelEquation) => boolean;
type Refine = (equations: readonly KernelEquation[]) => readonly KernelEquation[];

/** The equations of a loop, or one equation that is none. */
interface Node {
  /** The axes of the loop, as text; undefined for what is no loop. */
  readonly loop: string | undefined;
  readonly members: Equation[];
  /** The nodes that define what this one reads. */
  readonly sources: Set<Node>;
}

/** A loop with more equations reads and writes too much at a time. */
const mostMembers = 200;
/** How many loops of a shape an equation may join, the latest. */
const candidates = 8;

/**
 * Puts elementwise equations of one shape into one loop, also those that have nothing to do with each other, wherever none of them waits for what
 * waits for another of them; and with them sums, maxima and minima over the last axes. `computes` says which elementwise equations loops can compute,
 * `refine` puts others that take less to compute in the place of those of a loop.
 */
export function fuse<Source>(
  program: Program<Source>,
  computes: Computes,
  refine: Refine = (equations) => equations,
): FusedProgram<Source> {
  const viewOf = viewing(program);
  const shapeOf = (equation: Equation): readonly number[] | undefined =>
    equation.type === 'kernel' ? loopShape(equation, computes) : undefined;
  const nodes = inLoops(program, viewOf, shapeOf);
  // From the last to the first, as only then is known what is read later.
  const live = new Set<number>();
  const use = (atom: Atom): void => {
    if (atom.kind === 'value') live.add(atom.id);
  };
  program.outputs.forEach(use);
  const equations: (Equation | FusedEquation)[] = [];
  for (const node of inOrder(nodes).reverse()) {
    const [first] = node.members as [Equation];
    if (!node.members.some(({ outputs }) => outputs.some(({ id }) => live.has(id)))) continue;
    const equation =
      node.loop === undefined
        ? first
        : fused(refine(node.members as KernelEquation[]), axesOf(shapeOf(first) as readonly number[]), live, viewOf);
    equation.inputs.forEach(use);
    equations.push(equation);
  }
  return { ...program, equations: equations.reverse() };
}

/** The elements of a value: those of `atom`, repeated along the axes that `shape` lacks. */
interface View {
  readonly atom: Atom;
  readonly shape: readonly number[];
}
type ViewOf = (atom: Atom) => View;
type ShapeOf = (equation: Equation) => readonly number[] | undefined;

/** Sees through reshapes that only add or drop axes of length 1, and then through broadcasts. */
function viewing(program: Program): ViewOf {
  const views = new Map<number, View>();
  const viewOf = (atom: Atom): View =>
    (atom.kind === 'value' ? views.get(atom.id) : undefined) ?? { atom, shape: atom.shape };
  for (const equation of program.equations) {
    if (equation.type !== 'kernel') continue;
    const [input] = equation.inputs as [Atom];
    const [output] = equation.outputs as [Value];
    if (equation.kernel === 'BroadcastTo') views.set(output.id, viewOf(input));
    if (equation.kernel === 'Reshape' && sameAxes(input, output) && sameAxes(viewOf(input), input)) {
      views.set(output.id, { atom: viewOf(input).atom, shape: output.shape });
    }
  }
  return viewOf;
}

function inLoops(program: Program, viewOf: ViewOf, shapeOf: ShapeOf): Node[] {
  const keyOf = (equation: Equation): string | undefined => {
    const shape = shapeOf(equation);
    return shape === undefined || sizeOf(shape) === 0 ? undefined : axesOf(shape).join();
  };
  const position = new Map(program.equations.map((equation, i) => [equation, i]));
  const nodes = new Set<Node>();
  const loops = new Map<string, Node[]>();
  const definedIn = new Map<number, Node>();
  /** What is there only when the loop that defines it has ended. */
  const late = new Set<number>();
  const definitionsOf = (equation: Equation, which: (id: number) => boolean): Node[] =>
    equation.inputs.flatMap((operand) => {
      const atom = keyOf(equation) === undefined ? operand : viewOf(operand).atom;
      return atom.kind === 'value' && which(atom.id) ? (definedIn.get(atom.id) ?? []) : [];
    });

  /** Whether the equations, whose sources wait for `awaited`, wait neither on a way past the node for it, nor for its end. */
  const mayJoin = (equations: readonly Equation[], awaited: ReadonlySet<Node>, node: Node): boolean =>
    !awaited.has(node) && !equations.some((equation) => definitionsOf(equation, (id) => late.has(id)).includes(node));
  const join = (node: Node, equation: Equation): void => {
    node.members.push(equation);
    for (const { id } of equation.outputs) definedIn.set(id, node);
  };
  const merge = (node: Node, other: Node): void => {
    for (const equation of other.members) join(node, equation);
    node.members.sort((a, b) => (position.get(a) as number) - (position.get(b) as number));
    for (const source of other.sources) node.sources.add(source);
    for (const each of nodes) if (each.sources.delete(other)) each.sources.add(node);
    node.sources.delete(node);
    nodes.delete(other);
    loops.set(
      node.loop as string,
      (loops.get(node.loop as string) as Node[]).filter((each) => each !== other),
    );
  };

  for (const equation of program.equations) {
    const sources = new Set(definitionsOf(equation, () => true));
    const loop = keyOf(equation);
    const known = (loop === undefined ? undefined : loops.get(loop)) ?? [];
    const awaited = known.length === 0 ? new Set<Node>() : awaitedBy(sources);
    const open = known.filter((node) => node.members.length < mostMembers && mayJoin([equation], awaited, node));
    const feeding = open.filter((node) => sources.has(node));
    // What does not read from a loop joins one only if it waits for all that the loop waits for.
    const beside = open.findLast((node) =>
      [...node.sources].every((source) => sources.has(source) || awaited.has(source)),
    );
    const node = feeding.pop() ?? beside ?? { loop, members: [], sources: new Set() };
    if (!nodes.has(node)) {
      nodes.add(node);
      if (loop !== undefined) loops.set(loop, [...known.slice(1 - candidates), node]);
    }
    join(node, equation);
    for (const source of sources) if (source !== node) node.sources.add(source);
    if (loop !== undefined && reduces(equation as KernelEquation)) for (const { id } of equation.outputs) late.add(id);
    for (const other of feeding) {
      const apart =
        mayJoin(node.members, awaitedBy(node.sources), other) && mayJoin(other.members, awaitedBy(other.sources), node);
      if (apart && node.members.length + other.members.length <= mostMembers) merge(node, other);
    }
  }
  return [...nodes];
}

/** The nodes that these nodes wait for, on the way to which lies at least one edge. */
function awaitedBy(nodes: Iterable<Node>): ReadonlySet<Node> {
  const awaited = new Set<Node>();
  const open = [...nodes];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const source of node.sources) {
      if (awaited.has(source)) continue;
      awaited.add(source);
      open.push(source);
    }
  }
  return awaited;
}

/** Each node after those that it reads from. */
function inOrder(nodes: readonly Node[]): Node[] {
  const ordered = new Set<Node>();
  for (const node of nodes) {
    const open = [node];
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const before = [...last.sources].filter((source) => !ordered.has(source));
      if (before.length > 0) open.push(...before);
      else ordered.add(open.pop() as Node);
    }
  }
  return [...ordered];
}

function fused(
  all: readonly KernelEquation[],
  shape: readonly number[],
  live: ReadonlySet<number>,
  viewOf: ViewOf,
): FusedEquation {
  const members = needed(all, live, viewOf);
  const idOf = ({ outputs }: KernelEquation): number => (outputs[0] as Value).id;
  const statementOf = new Map(members.map((equation, i) => [idOf(equation), i]));
  const reads: Axes[] = [];
  const inputs: Atom[] = [];
  const operandOf = (operand: Atom, equation: KernelEquation): Operand => {
    const { atom, shape: own } = viewOf(operand);
    if (atom.kind === 'literal' && isUniform(atom)) return { type: 'constant', literal: atom };
    const statement = atom.kind === 'value' ? statementOf.get(atom.id) : undefined;
    if (statement !== undefined) return { type: 'statement', index: statement };
    const axes = axesOfOperand(own, equation);
    const known = inputs.findIndex((other, i) => sameAtom(other, atom) && String(reads[i]) === String(axes));
    if (known >= 0) return { type: 'read', index: known };
    inputs.push(atom);
    return { type: 'read', index: reads.push(axes) - 1 };
  };
  const statements = members.map((equation) => ({
    equation,
    operands: equation.inputs.map((operand) => operandOf(operand, equation)),
  }));
  const written = members.filter((equation) => live.has(idOf(equation)));
  return {
    type: 'fused',
    shape,
    statements,
    reads,
    writes: written.map((equation) => ({ statement: members.indexOf(equation), axes: axesOfResult(equation) })),
    inputs,
    outputs: written.map(({ outputs }) => outputs[0] as Value),
  };
}

/** Those that something outside of the loop needs. */
function needed(
  members: readonly KernelEquation[],
  live: ReadonlySet<number>,
  viewOf: ViewOf,
): readonly KernelEquation[] {
  const used = new Set(live);
  return members
    .toReversed()
    .filter(({ inputs, outputs }) => {
      if (!used.has((outputs[0] as Value).id)) return false;
      for (const { atom } of inputs.map(viewOf)) if (atom.kind === 'value') used.add(atom.id);
      return true;
    })
    .reverse();
}

/** Whether all elements are the same. */
function isUniform({ values }: Literal): boolean {
  return values.every((value) => Object.is(value, values[0]));
}

function sameAtom(a: Atom, b: Atom): boolean {
  return a === b || (a.kind === 'value' && b.kind === 'value' && a.id === b.id);
}
