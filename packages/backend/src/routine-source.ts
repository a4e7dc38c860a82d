/** Routines as JavaScript: functions of arrays. */
import { type Block, placeBlocks } from './blocks.ts';
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

/** The source of a function that makes one of the arrays of inputs, which returns those of the outputs and works in the same memory each time. */
export interface RoutineSource {
  readonly source: string;
  /** What it knows as `kernel0` and so on. */
  readonly kernels: readonly Fill[];
  /** Whose arrays it knows as `literal0` and so on. */
  readonly literals: readonly Literal[];
  /** Of memory to work in. */
  readonly bytes: number;
}

const arrays: { readonly [dtype in DataType]: string } = {
  float32: 'Float32Array',
  int32: 'Int32Array',
  bool: 'Uint8Array',
};
const newArray = ({ dtype, shape }: Atom): string => `new ${arrays[dtype]}(${sizeOf(shape)})`;
const bytesOf = ({ dtype, shape }: Atom): number => sizeOf(shape) * (dtype === 'bool' ? 1 : 4);

/** `const name = value;`, one line for each. */
const constants = (names: readonly string[], values: readonly string[]): string[] =>
  names.map((name, i) => `const ${name} = ${values[i]};`);
const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

export function routineSource(routine: Routine, context: RoutineContext): RoutineSource {
  const kernels: Fill[] = [];
  const literals: Literal[] = [];
  let count = 0;
  const newName = (): string => `v${count++}`;
  /** Arrays to work in, by their names. Steps are counted through all bodies. */
  const made = new Map<string, { readonly value: Value; readonly block: Block }>();
  let step = 0;
  const newWork = (value: Value): string => {
    const name = newName();
    made.set(name, { value, block: { bytes: bytesOf(value), from: step, until: step, offset: 0 } });
    return name;
  };
  const keep = (names: readonly string[]): void => {
    for (const name of names) {
      const array = made.get(name);
      if (array !== undefined) array.block.until = step;
    }
  };

  /** What a body computes, from arrays and to arrays. */
  const linesOf = (body: Body, inputNames: readonly string[], outputNames: readonly string[]): string[] => {
    const ownerOf = ownersIn(body.equations);
    const results = placesOfOutputs(body, ownerOf);
    const names = new Map<number, string>(body.inputs.map(({ id }, i) => [id, inputNames[i] as string] as const));
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
      const name = names.get(value.id) ?? newWork(value);
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
      const [own, other] = [carried.map(newWork), carried.map(newWork)];
      const [current, next] = [carried.map(newName), carried.map(newName)];
      const rowNames = rows.map(newName);
      const xs = rowNames.slice(0, equation.inputs.length - fixed - carry);
      const counter = newName();
      const body = linesOf(
        context.bodyOf(equation),
        [...read.slice(0, fixed), ...current, ...xs],
        [...next, ...rowNames.slice(xs.length)],
      );
      keep([...own, ...other]);
      const row = reverse ? `(${length - 1} - ${counter})` : counter;
      return [
        ...current.map((name, i) => `let ${name} = ${own[i]}, ${next[i]} = ${other[i]};`),
        ...current.map((name, i) => `${name}.set(${read[fixed + i]});`),
        `for (let ${counter} = 0; ${counter} < ${length}; ${counter}++) {`,
        ...indented([
          ...rowNames.map((name, i) => {
            const size = sizeOf((rows[i] as Atom).shape.slice(1));
            return `const ${name} = ${rowArrays[i]}.subarray(${row} * ${size}, (${row} + 1) * ${size});`;
          }),
          ...body,
          ...current.map((name, i) => `[${name}, ${next[i]}] = [${next[i]}, ${name}];`),
        ]),
        '}',
        ...current.map((name, i) => `${written[i]}.set(${name});`),
      ];
    };

    const linesOfEquation = (
      equation: DeviceEquation,
      read: readonly string[],
      written: readonly string[],
    ): readonly string[] => {
      if (equation.type === 'fused') return loopLines(equation, read, written);
      if (equation.type === 'kernel') return kernelLines(equation, read, written);
      if (equation.type === 'scan') return scanLines(equation, read, written);
      throw new Error('a custom derivative is left in a lowered program');
    };
    const lines = body.equations.flatMap((equation): readonly string[] => {
      if (isAlias(equation)) return [];
      step++;
      const read = equation.inputs.map(nameOf);
      const written = equation.outputs.map(nameOfResult);
      const own = linesOfEquation(equation, read, written);
      // A loop has gone on to the steps of its body.
      keep([...read, ...written]);
      return own;
    });
    const copies = results.flatMap(({ owner, isCopied }, i) =>
      isCopied ? [`${outputNames[i]}.set(${nameOf(owner)});`] : [],
    );
    return [...lines, ...copies];
  };

  const [inputNames, outputNames] = [routine.inputs.map(newName), routine.outputs.map(newName)];
  const lines = linesOf(routine, inputNames, outputNames);
  const bytes = placeBlocks([...made.values()].map(({ block }) => block));
  const source = [
    `const memory = new ArrayBuffer(${bytes});`,
    ...[...made].map(([name, { value, block }]) => {
      const { dtype, shape } = value;
      return `const ${name} = new ${arrays[dtype]}(memory, ${block.offset}, ${sizeOf(shape)});`;
    }),
    `return (${inputNames.join(', ')}) => {`,
    ...indented([
      ...constants(outputNames, routine.outputs.map(newArray)),
      ...lines,
      `return [${outputNames.join(', ')}];`,
    ]),
    '};',
  ].join('\n');
  return { source, kernels, literals, bytes };
}
