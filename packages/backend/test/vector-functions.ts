/** Calls the functions of four float32 numbers, which JavaScript cannot, from a loop in WebAssembly. */
import { binary } from '../src/kernels.wasm.ts';

/** A function on the elements of arrays of equal length. */
export type ArrayFunction = (...arrays: readonly Float32Array[]) => Float32Array<ArrayBuffer>;

/** `name`, as the module exports it, on arrays of any length. */
export function vectorFunction(name: string, arity: 1 | 2): ArrayFunction {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = Uint8Array.from(Buffer.from(binary, 'base64'));
  const functions = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
  const imports = { env: { memory, f: functions[name] as WebAssembly.ImportValue } };
  const { loop } = new WebAssembly.Instance(new WebAssembly.Module(loopOver(arity)), imports).exports as {
    readonly loop: (...addresses: number[]) => void;
  };
  return (...arrays) => {
    const count = arrays[0]!.length;
    const width = Math.ceil(count / 4) * 16;
    const missing = width * (arity + 1) - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    arrays.forEach((array, i) => void new Float32Array(memory.buffer, i * width).set(array));
    if (count > 0) loop(...Array.from({ length: arity + 2 }, (_, i) => i * width));
    return new Float32Array(memory.buffer, arity * width, count).slice();
  };
}

const [i32, v128] = [0x7f, 0x7b];
const vector = (items: readonly (readonly number[])[]): number[] => [items.length, ...items.flat()];
const section = (id: number, ...items: (readonly number[])[]): number[] => {
  const contents = vector(items);
  return [id, contents.length, ...contents];
};
const text = (value: string): number[] => vector([...Buffer.from(value)].map((byte) => [byte]));
const type = (parameters: readonly number[], results: readonly number[]): number[] => [
  0x60,
  ...vector(parameters.map((one) => [one])),
  ...vector(results.map((one) => [one])),
];

/** A module with `loop(first operand, ..., result, end of the result)`, of addresses, which calls the function `env.f`. */
function loopOver(arity: number): Uint8Array<ArrayBuffer> {
  const get = (local: number): number[] => [0x20, local];
  const advance = (local: number): number[] => [...get(local), 0x41, 16, 0x6a, 0x21, local];
  const operands = Array.from({ length: arity }, (_, i) => i);
  const load = (local: number): number[] => [...get(local), 0xfd, 0, 4, 0];
  const body = [
    ...[0, 0x03, 0x40, ...get(arity)],
    ...[...operands.flatMap(load), 0x10, 0, 0xfd, 11, 4, 0],
    ...[...operands, arity].flatMap(advance),
    ...[...get(arity), ...get(arity + 1), 0x49, 0x0d, 0, 0x0b, 0x0b],
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, type(Array(arity).fill(v128), [v128]), type(Array(arity + 2).fill(i32), [])),
    ...section(2, [...text('env'), ...text('f'), 0, 0], [...text('env'), ...text('memory'), 2, 0, 0]),
    ...section(3, [1]),
    ...section(7, [...text('loop'), 0, 1]),
    ...section(10, [body.length, ...body]),
  ]);
}
