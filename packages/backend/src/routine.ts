/** Equations that a device runs as one function. */
import { kernelEquation } from './equations.ts';
import type { FusedProgram } from './fuse.ts';
import type { FusedEquation } from './fused.ts';
import type { Atom, Equation, KernelEquation, Value } from './program.ts';

/** An equation of a program that is lowered to a device. */
export type DeviceEquation = Equation | FusedEquation;

/** Equations one after the other. What they make stays among them, but for the outputs. */
export interface Routine {
  readonly type: 'routine';
  readonly equations: readonly DeviceEquation[];
  /** What they read from outside, but for literals. */
  readonly inputs: readonly Value[];
  /** What is read afterwards. */
  readonly outputs: readonly Value[];
}

/** A program that runs routines, one after the other, and what cannot be part of one. */
export type RoutineProgram = Omit<FusedProgram, 'equations'> & {
  readonly equations: readonly (DeviceEquation | Routine)[];
};

/** Kernels whose result is their first input in another shape. */
export const aliases: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'StopGradient']);

/** Whether the result of an equation is its first input in another shape. */
export function isAlias(equation: DeviceEquation): boolean {
  return equation.type === 'kernel' && aliases.has(equation.kernel);
}

/** The parameters of a function are fewer than 1000 in all engines. */
const mostParameters = 900;

/** Adds to `values` those that an equation reads and makes: each may become a parameter. */
function addValues(values: Set<number>, { inputs, outputs }: DeviceEquation): Set<number> {
  for (const atom of [...inputs, ...outputs]) if (atom.kind === 'value') values.add(atom.id);
  return values;
}

/** Whether an equation, which may be a loop whose body has as many parameters, has few enough. */
function hasFewParameters({ inputs, outputs }: DeviceEquation): boolean {
  return inputs.length + outputs.length <= mostParameters;
}

/** Whether all the equations can be one function; `isCallable` says it of each. */
export function mayBeRoutine(
  equations: readonly DeviceEquation[],
  isCallable: (equation: DeviceEquation) => boolean,
): boolean {
  const values = equations.reduce(addValues, new Set<number>());
  return values.size <= mostParameters && equations.every((each) => hasFewParameters(each) && isCallable(each));
}

/** Makes routines of neighbouring equations for which `isCallable` holds. */
export function withRoutines(program: FusedProgram, isCallable: (equation: DeviceEquation) => boolean): RoutineProgram {
  const groups: { readonly runs: boolean; readonly equations: DeviceEquation[] }[] = [];
  let values = new Set<number>();
  for (const equation of program.equations) {
    const runs = hasFewParameters(equation) && isCallable(equation);
    const group = groups.at(-1);
    if (runs && group?.runs && addValues(values, equation).size <= mostParameters) group.equations.push(equation);
    else {
      values = addValues(new Set(), equation);
      groups.push({ runs, equations: [equation] });
    }
  }
  const live = new Set<number>();
  const use = (atom: Atom): void => {
    if (atom.kind === 'value') live.add(atom.id);
  };
  program.outputs.forEach(use);
  const equations = groups.reverse().flatMap(({ runs, equations: own }): readonly (DeviceEquation | Routine)[] => {
    if (!runs || own.every(isAlias)) {
      for (const { inputs } of own) inputs.forEach(use);
      return own.toReversed();
    }
    const ownerOf = ownersIn(own);
    // What only has another shape outside is given it there.
    const reshapes = own.flatMap((equation): KernelEquation[] => {
      const [output] = equation.outputs as [Value];
      return isAlias(equation) && live.has(output.id)
        ? [kernelEquation('Reshape', [ownerOf(output)], { shape: output.shape }, output)]
        : [];
    });
    for (const { inputs } of reshapes) inputs.forEach(use);
    const routine = routineOf(own, live);
    routine.inputs.forEach(use);
    return [...reshapes, routine];
  });
  return { ...program, equations: equations.reverse() };
}

function routineOf(equations: readonly DeviceEquation[], live: ReadonlySet<number>): Routine {
  const defined = new Set<number>();
  const inputs = new Map<number, Value>();
  const outputs: Value[] = [];
  for (const equation of equations) {
    for (const atom of equation.inputs) if (atom.kind === 'value' && !defined.has(atom.id)) inputs.set(atom.id, atom);
    for (const output of equation.outputs) {
      defined.add(output.id);
      if (live.has(output.id) && !isAlias(equation)) outputs.push(output);
    }
  }
  return { type: 'routine', equations, inputs: [...inputs.values()], outputs };
}

/** What a function runs: the equations of a routine, or the body of a loop, whose outputs may be anything. */
export type Body = Pick<Routine, 'equations' | 'inputs'> & { readonly outputs: readonly Atom[] };

/** The value or literal whose elements an atom has, seen through equations that only change a shape. */
export function ownersIn(equations: readonly DeviceEquation[]): (atom: Atom) => Atom {
  const owners = new Map<number, Atom>();
  const ownerOf = (atom: Atom): Atom => (atom.kind === 'value' ? owners.get(atom.id) : undefined) ?? atom;
  for (const equation of equations) {
    if (!isAlias(equation)) continue;
    const { inputs, outputs } = equation as KernelEquation;
    owners.set((outputs[0] as Value).id, ownerOf(inputs[0] as Atom));
  }
  return ownerOf;
}

/** For each output the value that is computed in its place, or what is to be copied there. */
export function placesOfOutputs(
  { inputs, outputs }: Body,
  ownerOf: (atom: Atom) => Atom,
): { readonly owner: Atom; readonly isCopied: boolean }[] {
  const taken = new Set(inputs.map(({ id }) => id));
  return outputs.map((output) => {
    const owner = ownerOf(output);
    const isCopied = owner.kind === 'literal' || taken.has(owner.id);
    if (owner.kind === 'value') taken.add(owner.id);
    return { owner, isCopied };
  });
}
