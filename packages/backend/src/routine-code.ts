/** Routines as WebAssembly: functions of addresses, which call one another and those of kernels. Each can be printed. */
import {
  add,
  advance,
  assemble,
  type Code,
  call,
  copyBytes,
  countdown,
  get,
  i32,
  set,
  type WasmCode,
  type WasmImport,
} from './assembler.ts';
import { assembly } from './assembly.ts';
import { type Block, placeBlocks } from './blocks.ts';
import { type Address, callsOfKernel, type FunctionsOn } from './calls.ts';
import type { FusedEquation } from './fused.ts';
import { loopOf } from './loop-code.ts';
import { printStatements } from './print.ts';
import { type Atom, type KernelEquation, type Literal, type ScanEquation, sizeOf, type Value } from './program.ts';
import { type Body, type DeviceEquation, isAlias, ownersIn, placesOfOutputs, type Routine } from './routine.ts';
import type { RoutineContext } from './routines.ts';
import { bytesOf } from './view-on-wasm.ts';
import { addressOf } from './wasm-functions.ts';

/** A function that runs equations. Its parameters are addresses: of the inputs, its own results and `scratch`. Literals lie where they lie. */
export interface RoutineFunction {
  readonly index: number;
  /** Bytes of memory to work in. */
  readonly scratch: number;
}

interface RoutineModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The functions of other modules that it imports, by the names that it has for these. */
  readonly imports: ReadonlyMap<string, FunctionsOn>;
  readonly routines: readonly RoutineFunction[];
  /** All its functions. */
  readonly text: () => string;
}

/** A module that exports a function for each routine, by its index. */
export function routineModule(routines: readonly Routine[], context: RoutineContext): RoutineModule {
  const imports: WasmImport[] = [];
  const functions: (WasmCode & { readonly text: (index: number) => readonly string[] })[] = [];
  const modules: FunctionsOn[] = [];
  const indexOf = (from: FunctionsOn, name: string, of: WasmImport['of'], parameters: number): number => {
    if (!modules.includes(from)) modules.push(from);
    const module = String(modules.indexOf(from));
    const known = imports.findIndex((other) => other.module === module && other.name === name);
    return known >= 0 ? known : imports.push({ module, name, of, parameters }) - 1;
  };
  const literals = new Map<Literal, Place>();
  const module: Module = {
    ...context,
    placeOf(literal) {
      const place = literals.get(literal) ?? {
        type: 'literal',
        index: literals.size,
        address: addressOf(context.device, context.hold(literal)),
      };
      literals.set(literal, place);
      return place;
    },
    add: (code, text) => functions.push({ ...code, text }) - 1,
    callOf: (from, name, parameters) => call(indexOf(from, name, 'addresses', parameters)),
    addLoop: (equation) =>
      module.add(
        loopOf(equation, (name, parameters) => call(indexOf(assembly as FunctionsOn, name, 'vectors', parameters))),
        (index) => [
          `loop ${index} over [${equation.shape}] of ${equation.inputs.length} inputs and ${equation.outputs.length} results`,
          ...printStatements(equation).map((line) => `  ${line}`),
        ],
      ),
  };
  const made = routines.map((routine) => functionOf(module, routine));
  const bytes = assemble(
    imports,
    functions,
    made.map(({ index }) => index),
  );
  const text = (): string => functions.flatMap((each, i) => each.text(i)).join('\n');
  return { bytes, imports: new Map(modules.map((from, i) => [String(i), from])), routines: made, text };
}

/** A module in the making. */
interface Module extends RoutineContext {
  /** Adds a function and returns which one it is; `text` prints it. */
  add(code: WasmCode, text: (index: number) => readonly string[]): number;
  addLoop(equation: FusedEquation): number;
  /** Where a literal lies, for as long as the module lives. */
  placeOf(literal: Literal): Place;
  /** Code that calls a function of a kernel. */
  callOf(from: FunctionsOn, name: string, parameters: number): Code;
}

/** What an equation becomes: the code, given the index of the first function of the module, and the same as text. */
interface Run {
  readonly code: (first: number) => Code;
  readonly text: () => readonly string[];
}

/** Where a value lies. */
type Place =
  | { readonly type: 'parameter'; readonly index: number }
  | { readonly type: 'literal'; readonly index: number; readonly address: number }
  | { readonly type: 'block'; readonly block: Block };

/** Adds a function that runs the equations. */
function functionOf(module: Module, body: Body): RoutineFunction {
  const { inputs, equations } = body;
  const ownerOf = ownersIn(equations);
  const results = placesOfOutputs(body, ownerOf);
  const parameter = (index: number): Place => ({ type: 'parameter', index });
  const places = new Map<number, Place>(inputs.map(({ id }, index) => [id, parameter(index)] as const));
  results.forEach(({ owner, isCopied }, i) => {
    if (!isCopied) places.set((owner as Value).id, parameter(inputs.length + i));
  });
  const scratchParameter = inputs.length + results.length;
  const blocks: Block[] = [];
  const newBlock = (bytes: number, step: number): Place => {
    const block = { bytes, from: step, until: step, offset: 0 };
    blocks.push(block);
    return { type: 'block', block };
  };
  const placeOf = (atom: Atom): Place => {
    const owner = ownerOf(atom);
    return owner.kind === 'literal' ? module.placeOf(owner) : (places.get(owner.id) as Place);
  };
  const placeOfResult = (value: Value, step: number): Place => {
    const place = places.get(value.id) ?? newBlock(sizeInBytes(value), step);
    places.set(value.id, place);
    return place;
  };

  let locals = 0;
  const parameters = scratchParameter + 1;
  const pushing = (place: Place, offset = 0): Code => {
    if (place.type === 'literal') return i32(place.address + offset);
    if (place.type === 'block') return plus(get(scratchParameter), place.block.offset + offset);
    return plus(get(place.index), offset);
  };

  const nameOf = (place: Place, offset = 0): string => {
    const plus = (name: string, bytes: number): string => (bytes === 0 ? name : `${name} + ${bytes}`);
    if (place.type === 'block') return plus('scratch', place.block.offset + offset);
    const result = place.index - inputs.length;
    if (place.type === 'literal') return plus(`literal${place.index}`, offset);
    return plus(result < 0 ? `in${place.index}` : `out${result}`, offset);
  };
  const names = (all: readonly Place[]): string => all.map((place) => nameOf(place)).join(', ');

  const runKernel = (
    { kernel, attributes, inputs: atoms }: KernelEquation,
    read: readonly Place[],
    result: Place,
    step: number,
  ): Run => {
    const operands = atoms.map(({ shape, dtype }, i) => ({ shape, dtype, memory: identityOf(read[i] as Place) }));
    const callsOf = callsOfKernel(module.kernel(kernel));
    const made = callsOf?.({ device: module.device, inputs: operands, attributes });
    if (made === undefined) throw new Error(`the kernel ${kernel} is no part of a routine`);
    const placesOf = {
      result,
      scratch: newBlock(made.scratch ?? 0, step),
      integers: made.integers === undefined ? result : module.placeOf(integerLiteral(made.integers)),
    };
    const placeOfAddress = ({ of, index }: Address): Place => (of === 'input' ? (read[index] as Place) : placesOf[of]);
    const code = (of: number | Address): Code =>
      typeof of === 'number' ? i32(of) : pushing(placeOfAddress(of), of.offset);
    const text = (of: number | Address): string =>
      typeof of === 'number' ? String(of) : nameOf(placeOfAddress(of), of.offset);
    const calls = made.calls.map((each) => ({
      ...each,
      run: module.callOf(each.functions, each.name, each.arguments.length),
    }));
    return {
      code: () => calls.flatMap(({ arguments: args, run }) => [...args.flatMap(code), ...run]),
      text: () => calls.map(({ name, arguments: args }) => `${name}(${args.map(text).join(', ')})`),
    };
  };

  const runScan = (equation: ScanEquation, read: readonly Place[], made: readonly Place[], step: number): Run => {
    const { length, constants, carry, reverse } = equation;
    const body = functionOf(module, module.bodyOf(equation));
    const scratch = newBlock(body.scratch, step);
    const others = equation.outputs.slice(0, carry).map((value) => newBlock(sizeInBytes(value), step));
    const rows = [...equation.inputs.slice(constants + carry), ...equation.outputs.slice(carry)];
    const firstLocal = locals;
    locals += 2 * carry + rows.length + 1;
    const code = (first: number): Code => {
      const local = (i: number): number => parameters + firstLocal + i;
      const range = (count: number): number[] => [...Array(count).keys()];
      const [current, next] = [range(carry).map(local), range(carry).map((i) => local(carry + i))];
      const rowLocals = rows.map((_, i) => local(2 * carry + i));
      const xs = read.slice(constants + carry);
      // The values of the last iteration are to be in the results: what is current and what is next change places in each.
      const begin = current.flatMap((at, i) => {
        const [own, other] = [made[i] as Place, others[i] as Place];
        const [here, there] = length % 2 === 0 ? [own, other] : [other, own];
        const bytes = sizeInBytes(equation.outputs[i] as Value);
        return [
          ...[...pushing(here), ...set(at), ...pushing(there), ...set(next[i] as number)],
          ...[...get(at), ...pushing(read[constants + i] as Place), ...i32(bytes), ...copyBytes],
        ];
      });
      if (length === 0) return begin;
      const rowBytes = rows.map((row) => sizeInBytes(row) / length);
      const beginRows = [...xs, ...made.slice(carry)].flatMap((place, i) => [
        ...pushing(place, reverse ? (length - 1) * (rowBytes[i] as number) : 0),
        ...set(rowLocals[i] as number),
      ]);
      const [xLocals, yLocals] = [rowLocals.slice(0, xs.length), rowLocals.slice(xs.length)];
      const iteration = [
        ...read.slice(0, constants).flatMap((place) => pushing(place)),
        ...[...current, ...xLocals, ...next, ...yLocals].flatMap(get),
        ...pushing(scratch),
        ...call(first + body.index),
        ...current.flatMap((at, i) => [
          ...[...get(at), ...get(next[i] as number)],
          ...[...set(at), ...set(next[i] as number)],
        ]),
        ...rowLocals.flatMap((at, i) => advance(at, (reverse ? -1 : 1) * (rowBytes[i] as number))),
      ];
      return [...begin, ...beginRows, ...countdown(local(2 * carry + rows.length), length, iteration)];
    };
    const [fixed, start, xs] = [
      read.slice(0, constants),
      read.slice(constants, constants + carry),
      read.slice(constants + carry),
    ];
    const text = (): string[] => {
      const parts = [
        ['reads', fixed],
        ['carries', start],
        ['to', made.slice(0, carry)],
        [reverse ? 'a row each, from the last, of' : 'a row each of', xs],
        ['to rows of', made.slice(carry)],
      ] as const;
      const named = parts.flatMap(([part, places]) => (places.length === 0 ? [] : [`${part} (${names(places)})`]));
      return [`${length} times routine ${body.index}: ${named.join(' ')}`];
    };
    return { code, text };
  };

  const runEquation = (equation: DeviceEquation, step: number): Run => {
    if (isAlias(equation)) return { code: () => [], text: () => [] };
    const read = equation.inputs.map(placeOf);
    for (const place of read) if (place.type === 'block') place.block.until = step;
    const made = equation.outputs.map((value) => placeOfResult(value, step));
    if (equation.type === 'kernel') return runKernel(equation, read, made[0] as Place, step);
    if (equation.type === 'scan') return runScan(equation, read, made, step);
    if (equation.type === 'call') throw new Error('a custom derivative is left in a lowered program');
    const loop = module.addLoop(equation);
    return {
      code: (first) => [...[...read, ...made].flatMap((place) => pushing(place)), ...call(first + loop)],
      text: () => [`loop ${loop} (${names(read)}) to (${names(made)})`],
    };
  };

  const runs = equations.map(runEquation);
  const copies = results.flatMap(({ owner, isCopied }, i) =>
    isCopied ? [{ from: placeOf(owner), to: parameter(inputs.length + i), bytes: sizeInBytes(owner) }] : [],
  );
  const scratch = placeBlocks(blocks);
  const code = (first: number): Code => [
    ...runs.flatMap((run) => run.code(first)),
    ...copies.flatMap(({ from, to, bytes }) => [...pushing(to), ...pushing(from), ...i32(bytes), ...copyBytes]),
  ];
  const text = (own: number): string[] => [
    `routine ${own} of ${inputs.length} inputs, ${results.length} results and ${scratch} bytes of scratch`,
    ...runs.flatMap((run) => run.text()).map((line) => `  ${line}`),
    ...copies.map(({ from, to, bytes }) => `  copy ${bytes} bytes of ${nameOf(from)} to ${nameOf(to)}`),
  ];
  const index = module.add({ parameters, locals: { i32: locals, v128: 0 }, code }, text);
  return { index, scratch };
}

/** Equal for places with the same elements. */
const identityOf = (place: Place): unknown => (place.type === 'block' ? place.block : `${place.type} ${place.index}`);

const plus = (address: Code, offset: number): Code => (offset === 0 ? address : [...address, ...i32(offset), ...add]);

function sizeInBytes(value: Atom): number {
  return sizeOf(value.shape) * bytesOf(value);
}

function integerLiteral(integers: readonly number[]): Literal {
  return { kind: 'literal', dtype: 'int32', shape: [integers.length], values: Int32Array.from(integers) };
}
