/** Routines on tfjs's wasm device. */
import type { KernelBackend } from '@tensorflow/tfjs-core';
import { callsOfKernel } from './calls.ts';
import { makeAll } from './device-data.ts';
import type { Value } from './program.ts';
import { type DeviceEquation, isAlias, mayBeRoutine, type Routine } from './routine.ts';
import { type RoutineFunction, routineModule } from './routine-code.ts';
import type { CompiledRoutines, RoutineContext, RunRoutine } from './routines.ts';
import { addressOf, instantiate, newTensor, type WasmFunction, withScratch } from './wasm-functions.ts';

/** Whether an equation can be part of a routine. */
export function isCallableOnWasm(equation: DeviceEquation, context: RoutineContext): boolean {
  if (equation.type === 'fused' || isAlias(equation)) return true;
  if (equation.type === 'scan')
    return mayBeRoutine(context.bodyOf(equation).equations, (each) => isCallableOnWasm(each, context));
  if (equation.type === 'call') return false;
  const operands = equation.inputs.map((atom) => ({ ...atom, memory: atom }));
  const callsOf = callsOfKernel(context.kernel(equation.kernel));
  return callsOf?.({ device: context.device, inputs: operands, attributes: equation.attributes }) !== undefined;
}

/** Compiles routines together, to one module. */
export function routinesOnWasm(routines: readonly Routine[], context: RoutineContext): CompiledRoutines {
  const { device } = context;
  if (routines.length === 0) return { runs: [], code: () => '' };
  const { bytes, imports, routines: made, text } = routineModule(routines, context);
  const modules = Object.fromEntries([...imports].map(([name, functions]) => [name, functions(device)]));
  const exported = instantiate(new WebAssembly.Module(bytes), device, modules);
  const runs = routines.map(({ outputs }, i) => {
    const { index, scratch } = made[i] as RoutineFunction;
    return runRoutine(outputs, exported[index] as WasmFunction, scratch, device);
  });
  return { runs, code: text };
}

function runRoutine(outputs: readonly Value[], run: WasmFunction, scratch: number, device: KernelBackend): RunRoutine {
  return (inputs) => {
    const addresses: number[] = [];
    for (const info of inputs) addresses.push(addressOf(device, info));
    const results = makeAll(device, outputs, ({ shape, dtype }) => newTensor(device, shape, dtype));
    for (const info of results) addresses.push(addressOf(device, info));
    try {
      withScratch(device, scratch, (address) => run(...addresses, address));
    } catch (error) {
      for (const { dataId } of results) device.disposeData(dataId);
      throw error;
    }
    return results;
  };
}
