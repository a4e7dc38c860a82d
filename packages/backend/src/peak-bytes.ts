/** How much memory a program takes. */
import { type Atom, sizeOf, type Value } from './program.ts';
import { aliases } from './routine.ts';

/** What is seen of a program: it may be one as traced or one as a device runs it. */
export interface Steps {
  readonly equations: readonly Step[];
  readonly outputs: readonly Atom[];
}

interface Step {
  readonly type: string;
  /** Of a routine. */
  readonly equations?: readonly Step[];
  readonly kernel?: string;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Value[];
  /** Of a loop: what it runs, how often, and how many of its values go from one iteration to the next. */
  readonly body?: Steps;
  readonly length?: number;
  readonly carry?: number;
  readonly constants?: number;
}

const bytesOf = ({ shape, dtype }: Atom): number => sizeOf(shape) * (dtype === 'bool' ? 1 : 4);

/**
 * The largest sum of bytes, over the run of a program, of the values that it computes and still needs, each let go after its last use;
 * the program's inputs, constants and literals are not counted. A reshape takes no memory of its own.
 */
export function peakBytes(program: Steps): number {
  return peakOf(program);
}

/** Of a routine, or of the body of a loop in one, whose outputs are there before it runs. */
type Part = 'routine' | 'body';

function peakOf({ equations, outputs }: Steps, part?: Part): number {
  const given = new Set(part === 'body' ? outputs.map((atom) => (atom.kind === 'value' ? atom.id : -1)) : []);
  const owners = new Map<number, number>();
  const ownerOf = (atom: Atom): number => (atom.kind === 'value' ? (owners.get(atom.id) ?? -1) : -1);
  const bytes = new Map<number, number>();
  const lastUse = new Map<number, number>();
  equations.forEach((step, i) => {
    const [x] = step.inputs;
    const isView = step.kernel !== undefined && aliases.has(step.kernel) && x !== undefined;
    for (const output of step.outputs) {
      owners.set(output.id, isView ? ownerOf(x) : output.id);
      if (!isView) bytes.set(output.id, given.has(output.id) ? 0 : bytesOf(output));
    }
    for (const atom of [...step.inputs, ...step.outputs]) lastUse.set(ownerOf(atom), i);
  });
  for (const output of outputs) lastUse.set(ownerOf(output), equations.length);

  const ending: number[] = new Array(equations.length).fill(0);
  for (const [owner, size] of bytes) {
    const last = lastUse.get(owner) as number;
    if (last < equations.length) ending[last]! += size;
  }
  let [live, peak] = [0, 0];
  equations.forEach((step, i) => {
    const made = step.outputs.reduce((sum, { id }) => sum + (bytes.get(id) ?? 0), 0);
    peak = Math.max(peak, live + stepBytes(step, made, part));
    live += made - (ending[i] as number);
  });
  return peak;
}

/** What a step takes, of which `made` bytes stay. */
function stepBytes(step: Step, made: number, part?: Part): number {
  if (step.equations !== undefined) return peakOf({ equations: step.equations, outputs: step.outputs }, 'routine');
  if (step.body === undefined) return made;
  if (part === undefined) return loopBytes(step, step.body);
  // What is carried is there twice, and rows are written where they stay.
  const carried = step.outputs.slice(0, step.carry).reduce((sum, value) => sum + bytesOf(value), 0);
  return made + carried + peakOf(step.body, 'body');
}

/**
 * What a loop takes. In its last iteration these are the values that it carries, the slices that it reads and the rows of the iterations before, beside
 * what its body computes; at its end the values that it carries, and the rows together with what they are joined to.
 */
function loopBytes({ inputs, outputs, length = 1, carry = 0, constants = 0 }: Step, body: Steps): number {
  const sum = (atoms: readonly Atom[]): number => atoms.reduce((total, atom) => total + bytesOf(atom), 0);
  const carried = sum(outputs.slice(0, carry));
  const rows = sum(outputs.slice(carry));
  const slices = sum(inputs.slice(constants + carry)) / length;
  return Math.max(carried + slices + rows - rows / length + peakOf(body), carried + 2 * rows);
}
