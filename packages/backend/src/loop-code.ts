/** Fused equations as WebAssembly, four elements at a time. */
import {
  advance,
  type Code,
  call,
  countdown,
  firstOfTwo,
  get,
  op,
  set,
  splat,
  type WasmCode,
  zero,
} from './assembler.ts';
import { type Axes, type FusedEquation, type Operand, reduces, type Statement } from './fused.ts';
import { mergedAxes, strideOf } from './merged-axes.ts';
import type { Atom, DataType, KernelEquation } from './program.ts';
import { vectorKernel } from './vector-kernels.ts';

/** An array that the loop goes through. */
interface Run {
  /** The local with the address of the next element. */
  readonly address: number;
  readonly dtype: DataType;
  readonly axes: Axes;
}

/** A sum, maximum or minimum in the making. */
interface Reduction {
  readonly kernel: keyof typeof reductionCode;
  readonly run: Run;
  /** How many axes are not reduced. */
  readonly kept: number;
  /** The next value. */
  readonly operand: Operand;
  /** Locals of what there is so far. */
  readonly totals: readonly [number, number];
}

/** A function of the addresses that a fused equation reads and then of those that it writes; `calling` imports a function of vectors. */
export function loopOf(
  { shape, statements, reads, writes, inputs, outputs }: FusedEquation,
  calling: Calling,
): WasmCode {
  const { sizes, merged } = mergedAxes(shape, [...reads, ...writes.map(({ axes }) => axes)]);
  const runOf = ({ dtype }: Atom, axes: Axes, address: number): Run => ({ address, dtype, axes: merged(axes) });
  const readRuns = reads.map((axes, i) => runOf(inputs[i] as Atom, axes, i));
  const writeRuns = writes.map(({ axes }, i) => runOf(outputs[i] as Atom, axes, reads.length + i));
  const runs = [...readRuns, ...writeRuns];
  const vectors = runs.length + sizes.length;
  let next = vectors;
  const scratch = next++;
  const elements = readRuns.map(() => next++);
  const values = statements.map(() => next++);
  const reductions: Reduction[] = [];
  const stored: Run[][] = statements.map(() => []);
  writes.forEach(({ statement }, i) => {
    const run = writeRuns[i] as Run;
    const { equation, operands } = statements[statement] as Statement;
    if (!reduces(equation)) (stored[statement] as Run[]).push(run);
    else {
      const kernel = equation.kernel as Reduction['kernel'];
      const kept = run.axes.filter(Boolean).length;
      reductions.push({ kernel, run, kept, operand: operands[0] as Operand, totals: [next++, next++] });
    }
  });

  const last = sizes.length - 1;
  const varies = ({ axes }: Run): boolean => last >= 0 && (axes[last] as boolean);
  const load = (i: number, width: Width): Code => {
    const { address, dtype } = readRuns[i] as Run;
    return [...get(address), ...loads[dtype][width], ...set(elements[i] as number)];
  };
  /** The elements that stay the same from the axis on. */
  const loadsBefore = (axis: number): Code =>
    readRuns.flatMap(({ axes }, i) => {
      const until = axes.lastIndexOf(true) + 1;
      return until === axis && axis <= last ? load(i, 'one') : [];
    });

  /** All statements once: for four elements, or for one that is in all four lanes. */
  const body = (width: Width): Code => {
    const loaded = new Set(readRuns.flatMap((run, i) => (last >= 0 && !varies(run) ? [i] : [])));
    const code: Code[] = [];
    const pushing = (operand: Operand): Code => {
      if (operand.type === 'constant') return constant(operand.literal);
      if (operand.type === 'statement') return get(values[operand.index] as number);
      if (!loaded.has(operand.index)) {
        loaded.add(operand.index);
        code.push(load(operand.index, width));
      }
      return get(elements[operand.index] as number);
    };
    statements.forEach(({ equation, operands }, i) => {
      const value = values[i] as number;
      if (reduces(equation)) return;
      const pushed = operands.map(pushing);
      code.push(computed(equation, pushed, { scratch, call: calling }), set(value));
      for (const { address, dtype } of stored[i] as Run[]) code.push(get(address), stores[dtype](get(value), width));
    });
    for (const { kernel, operand, totals } of reductions)
      code.push(reductionCode[kernel].add(totals, pushing(operand), width));
    return code.flat();
  };
  const advanceAll = (width: Width): Code =>
    runs.filter(varies).flatMap(({ address, dtype }) => advance(address, bytesOf[dtype] * (width === 'four' ? 4 : 1)));

  const loopFrom = (axis: number): Code => {
    const mine = reductions.filter(({ kept }) => kept === axis);
    const size = sizes[axis] as number;
    const counter = runs.length + axis;
    const repeated = (times: number, width: Width): Code =>
      times === 0 ? [] : countdown(counter, times, [...body(width), ...advanceAll(width)]);
    const inside =
      axis === last
        ? [...repeated(Math.floor(size / 4), 'four'), ...repeated(size % 4, 'one')]
        : countdown(counter, size, [
            ...loopFrom(axis + 1),
            ...runs.flatMap((run) => advance(run.address, stepAt(run, axis, sizes))),
          ]);
    return [
      ...loadsBefore(axis),
      ...mine.flatMap(({ kernel, totals }) => reductionCode[kernel].begin(totals)),
      ...inside,
      ...mine.flatMap(({ kernel, totals, run }) => [...get(run.address), ...reductionCode[kernel].end(totals)]),
    ];
  };
  const code = last < 0 ? body('one') : loopFrom(0);
  return { parameters: runs.length, locals: { i32: sizes.length, v128: next - vectors }, code: () => code };
}

/** Code that calls a function of so many vectors. */
type Calling = (name: string, parameters: number) => Code;
type Width = 'four' | 'one';

/** What brings the address of a run to where the next step along an axis begins, from where the loop along the axis after it left it. */
function stepAt({ axes, dtype }: Run, axis: number, sizes: readonly number[]): number {
  const within = axes[axis + 1] ? strideOf(axes, axis, sizes) : 0;
  return bytesOf[dtype] * ((axes[axis] ? strideOf(axes, axis, sizes) : 0) - within);
}

function computed(
  equation: KernelEquation,
  operands: readonly Code[],
  context: { scratch: number; call: Calling },
): Code {
  const kernel = vectorKernel(equation);
  // What is no elementwise kernel repeats its operand, or reduces axes of length 1 alone.
  return kernel?.(operands, { attributes: equation.attributes, ...context }) ?? (operands[0] as Code);
}

function constant({ dtype, values }: { readonly dtype: DataType; readonly values: ArrayLike<number> }): Code {
  const value = values[0] as number;
  if (dtype === 'bool') return splat(Int32Array.of(value === 0 ? 0 : -1));
  return splat(dtype === 'int32' ? Int32Array.of(value) : Float32Array.of(value));
}

const bytesOf: { readonly [dtype in DataType]: number } = { float32: 4, int32: 4, bool: 1 };

const loads: { readonly [dtype in DataType]: { readonly [width in Width]: Code } } = {
  float32: { four: op.load, one: op.load32Splat },
  int32: { four: op.load, one: op.load32Splat },
  bool: {
    four: [...op.load32Zero, ...op.widenBytes, ...op.widenShorts, ...zero, ...op.integer.notEqual],
    one: [...op.load8Splat, ...zero, ...op.bytesNotEqual],
  },
};

/** The value, and its store to the address that lies before it. */
const stores: { readonly [dtype in DataType]: (value: Code, width: Width) => Code } = {
  float32: storeOfNumbers,
  int32: storeOfNumbers,
  bool(value, width) {
    const bits = [...value, ...splat(Int32Array.of(1)), ...op.and];
    return width === 'one'
      ? [...bits, ...op.store8First]
      : [...bits, ...zero, ...op.narrowToShorts, ...zero, ...op.narrowToBytes, ...op.store32First];
  },
};

function storeOfNumbers(value: Code, width: Width): Code {
  return [...value, ...(width === 'four' ? op.store : op.store32First)];
}

interface ReductionCode {
  begin(totals: Reduction['totals']): Code;
  add(totals: Reduction['totals'], value: Code, width: Width): Code;
  /** Stores the result at the address on the stack. */
  end(totals: Reduction['totals']): Code;
}

const extremum = (worst: number, better: Code): ReductionCode => ({
  begin: ([total]) => [...splat(Float32Array.of(worst)), ...set(total)],
  add: ([total], value) => [...get(total), ...value, ...better, ...set(total)],
  end: ([total]) => [
    ...[...get(total), ...get(total), ...get(total), ...op.upperHalf, ...better, ...set(total)],
    ...[...get(total), ...get(total), ...get(total), ...op.neighbours, ...better, ...op.store32First],
  ],
});

const reductionCode = {
  /** In float64, two numbers in each of the totals: what is lost is the rounding of the result. */
  Sum: {
    begin: (totals) => totals.flatMap((total) => [...zero, ...set(total)]),
    add([lower, upper], value, width) {
      const add = (total: number, half: Code): Code => [
        ...get(total),
        ...half,
        ...op.double.fromLower,
        ...(width === 'one' ? [...firstOfTwo, ...op.and] : []),
        ...op.double.add,
        ...set(total),
      ];
      return [...add(lower, value), ...(width === 'one' ? [] : add(upper, [...value, ...value, ...op.upperHalf]))];
    },
    end: ([lower, upper]) => [
      ...[...get(lower), ...get(upper), ...op.double.add, ...set(lower)],
      ...[...get(lower), ...get(lower), ...get(lower), ...op.upperHalf, ...op.double.add],
      ...[...op.double.toFloat, ...op.store32First],
    ],
  },
  Max: extremum(Number.NEGATIVE_INFINITY, op.float.max),
  Min: extremum(Number.POSITIVE_INFINITY, op.float.min),
} satisfies { readonly [kernel: string]: ReductionCode };
