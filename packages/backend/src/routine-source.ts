/** Routines as JavaScript: functions of arrays. */
import { type Fill, fillOfKernel } from './fills.ts';
import type { FusedEquation } from './fused.ts';
import { loopSource } from './loop-source.ts';
import {
  type Atom,
  type DataType,
  type KernelEquation,
  type Literal,
  type ScanEquation,
  sizeOf,
  type Value,
} from './program.ts';
import { type Body, type DeviceEquation, isAlias, ownersIn, placesOfOutputs, type Routine } from './routine.ts';
import type { RoutineContext } from './routines.ts';

/** The source of a function of the arrays of inputs, which returns those of the outputs. */
export interface RoutineSource {
  readonly source: string;
  /** What it knows as `kernel0` and so on. */
  readonly kernels: readonly Fill[];
  /** Whose arrays it knows as `literal0` and so on. */
  readonly literals: readonly Literal[];
}

const arrays: { readonly [dtype in DataType]: string } = {
  float32: 'Float32Array',
  int32: 'Int32Array',
  bool: 'Uint8Array',
};
const newArray = ({ dtype, shape }: Atom): string => `new ${arrays[dtype]}(${sizeOf(shape)})`;

/** `const name = value;`, one line for each. */
const constants = (names: readonly string[], values: readonly string[]): string[] =>
  names.map((name, i) => `const ${name} = ${values[i]};`);
const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

export function routineSource(routine: Routine, context: RoutineContext): RoutineSource {
  const kernels: Fill[] = [];
  const literals: Literal[] = [];
  let count = 0;
  const newName = (): string => `v${count++}`;

  /** What a body computes once its arrays are there, and what makes those, once for all iterations. */
  const linesOf = (
    body: Body,
    inputNames: readonly string[],
    outputNames: readonly string[],
  ): { readonly arrays: readonly string[]; readonly lines: readonly string[] } => {
    const ownerOf = ownersIn(body.equations);
    const results = placesOfOutputs(body, ownerOf);
    const names = new Map<number, string>(body.inputs.map(({ id }, i) => [id, inputNames[i] as string] as const));
    const made: string[] = [];
    results.forEach(({ owner, isCopied }, i) => {
      if (!isCopied) names.set((owner as Value).id, outputNames[i] as string);
    });
    const nameOf = (atom: Atom): string => {
      const owner = ownerOf(atom);
      if (owner.kind === 'value') return names.get(owner.id) as string;
      const index = literals.indexOf(owner);
      return `literal${index >= 0 ? index : literals.push(owner) - 1}`;
    };
    const nameOfResult = (value: Value): string => {
      const name = names.get(value.id) ?? newName();
      if (!names.has(value.id)) made.push(`const ${name} = ${newArray(value)};`);
      names.set(value.id, name);
      return name;
    };

    const loopLines = (equation: FusedEquation, read: readonly string[], written: readonly string[]): string[] => [
      '{',
      ...indented([
        ...constants(
          read.map((_, i) => `in${i}`),
          read,
        ),
        ...constants(
          written.map((_, i) => `out${i}`),
          written,
        ),
        ...loopSource(equation).split('\n'),
      ]),
      '}',
    ];
    const kernelLines = (equation: KernelEquation, read: readonly string[], [result]: readonly string[]): string[] => {
      const fill = fillOfKernel(context.kernel(equation.kernel))?.(equation.inputs, equation.attributes);
      if (fill === undefined) throw new Error(`the kernel ${equation.kernel} is no part of a routine`);
      return [`kernel${kernels.push(fill.fill) - 1}(${result}, [${read.join(', ')}]); // ${equation.kernel}`];
    };
    const scanLines = (equation: ScanEquation, read: readonly string[], written: readonly string[]): string[] => {
      const { length, constants: fixed, carry, reverse } = equation;
      const carried = equation.outputs.slice(0, carry);
      const rows = [...equation.inputs.slice(fixed + carry), ...equation.outputs.slice(carry)];
      const rowArrays = [...read.slice(fixed + carry), ...written.slice(carry)];
      const [current, next] = [carried.map(newName), carried.map(newName)];
      const rowNames = rows.map(newName);
      const xs = rowNames.slice(0, equation.inputs.length - fixed - carry);
      const step = newName();
      const body = linesOf(
        context.bodyOf(equation),
        [...read.slice(0, fixed), ...current, ...xs],
        [...next, ...rowNames.slice(xs.length)],
      );
      const row = reverse ? `(${length - 1} - ${step})` : step;
      return [
        ...body.arrays,
        ...carried.map((value, i) => `let ${current[i]} = ${newArray(value)}, ${next[i]} = ${newArray(value)};`),
        ...current.map((name, i) => `${name}.set(${read[fixed + i]});`),
        `for (let ${step} = 0; ${step} < ${length}; ${step}++) {`,
        ...indented([
          ...rowNames.map((name, i) => {
            const size = sizeOf((rows[i] as Atom).shape.slice(1));
            return `const ${name} = ${rowArrays[i]}.subarray(${row} * ${size}, (${row} + 1) * ${size});`;
          }),
          ...body.lines,
          ...current.map((name, i) => `[${name}, ${next[i]}] = [${next[i]}, ${name}];`),
        ]),
        '}',
        ...current.map((name, i) => `${written[i]}.set(${name});`),
      ];
    };

    const lines = body.equations.flatMap((equation: DeviceEquation): readonly string[] => {
      if (isAlias(equation)) return [];
      const read = equation.inputs.map(nameOf);
      const written = equation.outputs.map(nameOfResult);
      if (equation.type === 'fused') return loopLines(equation, read, written);
      if (equation.type === 'kernel') return kernelLines(equation, read, written);
      if (equation.type === 'scan') return scanLines(equation, read, written);
      throw new Error('a custom derivative is left in a lowered program');
    });
    const copies = results.flatMap(({ owner, isCopied }, i) =>
      isCopied ? [`${outputNames[i]}.set(${nameOf(owner)});`] : [],
    );
    return { arrays: made, lines: [...lines, ...copies] };
  };

  const [inputNames, outputNames] = [routine.inputs.map(newName), routine.outputs.map(newName)];
  const { arrays: made, lines } = linesOf(routine, inputNames, outputNames);
  const source = [
    `return (${inputNames.join(', ')}) => {`,
    ...indented([
      ...constants(outputNames, routine.outputs.map(newArray)),
      ...made,
      ...lines,
      `return [${outputNames.join(', ')}];`,
    ]),
    '};',
  ].join('\n');
  return { source, kernels, literals };
}
