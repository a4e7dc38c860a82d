/** Kernels on wasm that are known before they run, from the shapes of their inputs: calls of functions of addresses and numbers. */
import type { KernelBackend, KernelFunc } from '@tensorflow/tfjs-core';
import { kernelCall } from './kernel-call.ts';
import type { Attributes, Aval } from './program.ts';
import { addressOf, type WasmFunction, withIntegers, withScratch, written } from './wasm-functions.ts';

/** The functions of a module, in the memory of a device. */
export type FunctionsOn = (device: KernelBackend) => Readonly<Record<string, WasmFunction>>;

/** A place in the memory of a device, so many bytes after where something begins: an input, the result, memory to work in, or integers. */
export interface Address {
  readonly of: 'input' | 'result' | 'scratch' | 'integers';
  /** Which of the inputs. */
  readonly index: number;
  readonly offset: number;
}

const addressIn =
  (of: Address['of']) =>
  (offset = 0): Address => ({ of, index: 0, offset });
export const input = (index: number, offset = 0): Address => ({ of: 'input', index, offset });
export const result: (offset?: number) => Address = addressIn('result');
export const scratch: (offset?: number) => Address = addressIn('scratch');
export const integers: (offset?: number) => Address = addressIn('integers');

export interface Call {
  readonly functions: FunctionsOn;
  readonly name: string;
  readonly arguments: readonly (number | Address)[];
}

/** A call of a function by its name. */
export function call<Name extends string>(
  functions: (device: KernelBackend) => Readonly<Record<Name, WasmFunction>>,
  name: Name,
  ...args: readonly (number | Address)[]
): Call {
  return { functions: functions as FunctionsOn, name, arguments: args };
}

/** What a kernel does. */
export interface Calls {
  readonly result: Aval;
  /** One after the other. None of them returns anything. */
  readonly calls: readonly Call[];
  /** Bytes of memory to work in. Default 0. */
  readonly scratch?: number;
  /** Whole numbers that the calls read. Default none. */
  readonly integers?: readonly number[];
}

/** What a kernel is asked to do. */
interface Operation {
  readonly device: KernelBackend;
  readonly inputs: readonly Operand[];
  readonly attributes: Attributes;
}

interface Operand extends Aval {
  /** Equal for operands that have the same elements. */
  readonly memory: unknown;
}

/** How a kernel does it; undefined if it cannot, for these dtypes say. */
export type CallsOf = (operation: Operation) => Calls | undefined;

const known = new WeakMap<KernelFunc, CallsOf>();

/** The calls of a kernel made by {@link kernelOfCalls}. */
export function callsOfKernel(kernel: KernelFunc | undefined): CallsOf | undefined {
  return kernel && known.get(kernel);
}

/** A kernel for tfjs's wasm device that consists of calls; what they cannot do is left to `otherwise`. */
export function kernelOfCalls(callsOf: CallsOf, otherwise?: KernelFunc): KernelFunc {
  const kernel: KernelFunc = (kernelParameters) => {
    const { device, inputs, attributes } = kernelCall(kernelParameters);
    const operands = inputs.map(({ shape, dtype, dataId }) => ({ shape, dtype, memory: dataId }));
    const made = callsOf({ device, inputs: operands, attributes });
    if (made === undefined) return (otherwise as KernelFunc)(kernelParameters);
    const { calls, scratch = 0, integers = [] } = made;
    const from = inputs.map((info) => addressOf(device, info));
    return written(device, made.result.shape, made.result.dtype, (to) =>
      withIntegers(device, integers, (read) =>
        withScratch(device, scratch, (free) => {
          const places = { result: to, integers: read, scratch: free };
          const place = ({ of, index, offset }: Address): number =>
            (of === 'input' ? (from[index] as number) : places[of]) + offset;
          for (const { functions, name, arguments: args } of calls) {
            (functions(device)[name] as WasmFunction)(
              ...args.map((arg) => (typeof arg === 'number' ? arg : place(arg))),
            );
          }
        }),
      ),
    );
  };
  known.set(kernel, callsOf);
  return kernel;
}
