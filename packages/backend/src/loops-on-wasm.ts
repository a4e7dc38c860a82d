/** Fused equations on tfjs's wasm device. */
import type { KernelBackend } from '@tensorflow/tfjs-core';
import { makeAll } from './device-data.ts';
import type { FusedEquation } from './fused.ts';
import { binary } from './kernels.wasm.ts';
import { loopModule } from './loop-code.ts';
import type { Loop } from './loops.ts';
import { addressOf, instantiate, newTensor, type WasmFunction, wasmFunctions } from './wasm-functions.ts';

const functions = wasmFunctions(binary);

/** Compiles the equations together, to one module. */
export function loopsOnWasm(equations: readonly FusedEquation[], device: KernelBackend): Loop[] {
  if (equations.length === 0) return [];
  const module = new WebAssembly.Module(loopModule(equations));
  const exported = instantiate(module, device, { functions: functions(device) });
  return equations.map(({ outputs }, i): Loop => {
    const run = exported[i] as WasmFunction;
    return (inputs) => {
      const addresses = inputs.map((input) => addressOf(device, input));
      const results = makeAll(device, outputs, ({ shape, dtype }) => newTensor(device, shape, dtype));
      for (const result of results) addresses.push(addressOf(device, result));
      try {
        run(...addresses);
      } catch (error) {
        for (const { dataId } of results) device.disposeData(dataId);
        throw error;
      }
      return results;
    };
  });
}
