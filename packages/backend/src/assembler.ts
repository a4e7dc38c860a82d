/** WebAssembly, written byte by byte: as much of it as loops over vectors of four numbers need. */

export type Code = readonly number[];

/** A function of `parameters` addresses that returns nothing. */
export interface WasmCode {
  readonly parameters: number;
  /** How many locals there are beside the parameters, numbered from there on: first whole numbers, then vectors. */
  readonly locals: { readonly i32: number; readonly v128: number };
  /** Given the index of the first function of the module, after those that it imports. */
  readonly code: (first: number) => Code;
}

/** A function of the host's module `module`: of vectors to a vector, or of addresses and numbers to nothing. */
export interface WasmImport {
  readonly module: string;
  readonly name: string;
  readonly of: 'vectors' | 'addresses';
  readonly parameters: number;
}

const type = { i32: 0x7f, v128: 0x7b } as const;
const section = { types: 1, imports: 2, functions: 3, exports: 7, code: 10 } as const;

/** A module that imports the memory `env.memory` and exports those of its functions that `exported` names, by their number. */
export function assemble(
  imports: readonly WasmImport[],
  functions: readonly WasmCode[],
  exported: readonly number[],
): Uint8Array<ArrayBuffer> {
  const types: Code[] = [];
  const typeOf = (parameters: number, parameter: number, results: Code): number => {
    const entry = [0x60, ...vector(repeat(parameters, [parameter])), ...vector(results.map((result) => [result]))];
    const known = types.findIndex((other) => other.join() === entry.join());
    return known >= 0 ? known : types.push(entry) - 1;
  };
  const imported = imports.map(({ module, name, of, parameters }) => [
    ...text(module),
    ...text(name),
    0x00,
    ...unsigned(of === 'vectors' ? typeOf(parameters, type.v128, [type.v128]) : typeOf(parameters, type.i32, [])),
  ]);
  const memory = [...text('env'), ...text('memory'), 0x02, 0x00, 0x00];
  const declared = functions.map(({ parameters }) => unsigned(typeOf(parameters, type.i32, [])));
  const exports = exported.map((i) => [...text(String(i)), 0x00, ...unsigned(imports.length + i)]);
  const bodies = functions.map(({ locals, code }) => {
    const declarations = vector([
      [...unsigned(locals.i32), type.i32],
      [...unsigned(locals.v128), type.v128],
    ]);
    const body = code(imports.length);
    return [...unsigned(declarations.length + body.length + 1), ...declarations, ...body, 0x0b];
  });
  return Uint8Array.from(
    [
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      part(section.types, vector(types)),
      part(section.imports, vector([...imported, memory])),
      part(section.functions, vector(declared)),
      part(section.exports, vector(exports)),
      part(section.code, vector(bodies)),
    ].flat(),
  );
}

function part(id: number, contents: Code): Code {
  return [id, ...unsigned(contents.length), ...contents];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function repeat<T>(count: number, items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: count }, () => items);
}

function text(value: string): Code {
  return vector([...new TextEncoder().encode(value)].map((byte) => [byte]));
}

/** A whole number from 0, seven bits a byte (LEB128). */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** A whole number, seven bits a byte. */
function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const call = (index: number): Code => [0x10, ...unsigned(index)];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const add: Code = [0x6a];
/** Copies so many bytes, on the stack after the addresses to and from which. */
export const copyBytes: Code = [0xfc, 0x0a, 0x00, 0x00];

/** `code` so often as the whole number in `counter` says, which must be 1 or more and is 0 in the end. */
export function countdown(counter: number, times: number, code: Code): Code {
  const [loop, end, branchIf] = [[0x03, 0x40], [0x0b], [0x0d, 0x00]];
  const step = [...get(counter), ...i32(1), 0x6b, 0x22, ...unsigned(counter)];
  return [...i32(times), ...set(counter), ...loop, ...code, ...step, ...branchIf, ...end];
}

/** Adds to the whole number in a local. */
export const advance = (local: number, by: number): Code =>
  by === 0 ? [] : [...get(local), ...i32(by), ...add, ...set(local)];

const vectorConstant: Code = [0xfd, 0x0c];

/** Four times the same four bytes. */
export function splat(values: Float32Array | Int32Array): Code {
  const bytes = [...new Uint8Array(values.buffer, values.byteOffset, 4)];
  return [...vectorConstant, ...bytes, ...bytes, ...bytes, ...bytes];
}

export const zero: Code = splat(Int32Array.of(0));
/** All bits of the first of two float64 numbers. */
export const firstOfTwo: Code = [...vectorConstant, ...Array.from({ length: 16 }, (_, i) => (i < 8 ? 0xff : 0))];

/** Vector instructions. Loads and stores find their address on the stack, before what is stored. */
export const op = {
  load: [0xfd, 0x00, 0, 0],
  load8Splat: [0xfd, 0x07, 0, 0],
  load32Splat: [0xfd, 0x09, 0, 0],
  load32Zero: [0xfd, 0x5c, 0, 0],
  store: [0xfd, 0x0b, 0, 0],
  store8First: [0xfd, 0x58, 0, 0, 0],
  store32First: [0xfd, 0x5a, 0, 0, 0],

  not: [0xfd, 0x4d],
  and: [0xfd, 0x4e],
  or: [0xfd, 0x50],
  xor: [0xfd, 0x51],
  /** Of `(a, b, mask)`, the bits of `a` where the mask's are 1. */
  choose: [0xfd, 0x52],

  bytesNotEqual: [0xfd, 0x24],
  narrowToShorts: [0xfd, 0x86, 0x01],
  narrowToBytes: [0xfd, 0x66],
  widenBytes: [0xfd, 0x89, 0x01],
  widenShorts: [0xfd, 0xa9, 0x01],
  /** Lanes 2 and 3 twice. */
  upperHalf: [0xfd, 0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15],
  /** Lanes 1, 0, 3, 2. */
  neighbours: [0xfd, 0x0d, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11],

  integer: {
    equal: [0xfd, 0x37],
    notEqual: [0xfd, 0x38],
    less: [0xfd, 0x39],
    greater: [0xfd, 0x3b],
    lessEqual: [0xfd, 0x3d],
    greaterEqual: [0xfd, 0x3f],
    abs: [0xfd, 0xa0, 0x01],
    neg: [0xfd, 0xa1, 0x01],
    add: [0xfd, 0xae, 0x01],
    sub: [0xfd, 0xb1, 0x01],
    mul: [0xfd, 0xb5, 0x01],
    min: [0xfd, 0xb6, 0x01],
    max: [0xfd, 0xb8, 0x01],
    toFloat: [0xfd, 0xfa, 0x01],
  },
  float: {
    equal: [0xfd, 0x41],
    notEqual: [0xfd, 0x42],
    less: [0xfd, 0x43],
    greater: [0xfd, 0x44],
    lessEqual: [0xfd, 0x45],
    greaterEqual: [0xfd, 0x46],
    ceil: [0xfd, 0x67],
    floor: [0xfd, 0x68],
    nearest: [0xfd, 0x6a],
    abs: [0xfd, 0xe0, 0x01],
    neg: [0xfd, 0xe1, 0x01],
    sqrt: [0xfd, 0xe3, 0x01],
    add: [0xfd, 0xe4, 0x01],
    sub: [0xfd, 0xe5, 0x01],
    mul: [0xfd, 0xe6, 0x01],
    div: [0xfd, 0xe7, 0x01],
    min: [0xfd, 0xe8, 0x01],
    max: [0xfd, 0xe9, 0x01],
    truncate: [0xfd, 0xf8, 0x01],
  },
  double: {
    add: [0xfd, 0xf0, 0x01],
    fromLower: [0xfd, 0x5f],
    toFloat: [0xfd, 0x5e],
  },
} as const;
