/** Where the values of a program are while it runs: each in a slot of its own. */
import type { Atom, Literal } from './program.ts';
import type { RoutineProgram } from './routine.ts';

/** An equation and the slots that it reads and writes. */
export interface Plan {
  readonly equation: RoutineProgram['equations'][number];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Slots that nothing reads afterwards. */
  readonly free: readonly number[];
}

export interface Slots {
  readonly count: number;
  readonly inputs: readonly number[];
  readonly constants: readonly number[];
  readonly outputs: readonly number[];
  readonly literals: ReadonlyMap<Literal, number>;
  readonly plans: readonly Plan[];
  /** Slots whose data a run makes. */
  readonly own: ReadonlySet<number>;
}

export function slotsOf(program: RoutineProgram): Slots {
  const numbers = new Map<Atom | number, number>();
  const literals = new Map<Literal, number>();
  const slot = (atom: Atom): number => {
    const key = atom.kind === 'value' ? atom.id : atom;
    let index = numbers.get(key);
    if (index === undefined) {
      index = numbers.size;
      numbers.set(key, index);
    }
    if (atom.kind === 'literal') literals.set(atom, index);
    return index;
  };
  const inputs = program.inputs.map(slot);
  const constants = program.constants.map(({ value }) => slot(value));
  const lastUse = new Map<number, number>();
  const placed = program.equations.map((equation, i) => {
    const plan = { equation, inputs: equation.inputs.map(slot), outputs: equation.outputs.map(slot) };
    for (const index of [...plan.inputs, ...plan.outputs]) lastUse.set(index, i);
    return plan;
  });
  const outputs = program.outputs.map(slot);
  const given = new Set([...inputs, ...constants, ...literals.values()]);
  const own = new Set([...lastUse.keys(), ...outputs].filter((index) => !given.has(index)));
  const isFreed = (index: number, i: number): boolean =>
    lastUse.get(index) === i && own.has(index) && !outputs.includes(index);
  const plans = placed.map((plan, i) => ({
    ...plan,
    free: [...new Set([...plan.inputs, ...plan.outputs])].filter((index) => isFreed(index, i)),
  }));
  return { count: numbers.size, inputs, constants, outputs, literals, plans, own };
}
