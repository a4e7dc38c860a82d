/** Fused equations on tfjs's cpu device. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { makeAll } from './device-data.ts';
import type { FusedEquation } from './fused.ts';
import { elementsOf } from './host-memory.ts';
import { loopSource } from './loop-source.ts';
import type { Loop } from './loops.ts';
import { type HostValues, hostValues, sizeOf } from './program.ts';

type CpuDevice = KernelBackend & {
  makeTensorInfo(shape: number[], dtype: string, values: HostValues): TensorInfo;
};

/** What the expressions of kernels use; the remainder has the sign of the divisor. */
const prelude = `const { fround } = Math;
const mod = (a, b) => { const r = a % b; return r !== 0 && r < 0 !== b < 0 ? r + b : r; };`;

let allowed: boolean | undefined;

/** Whether functions may be made of their source, which the security policy of a page can forbid. */
export function mayMakeFunctions(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() as boolean;
    } catch {
      allowed = false;
    }
  }
  return allowed;
}

/** Compiles the equations, each to a function of its own. */
export function loopsOnCpu(equations: readonly FusedEquation[], device: KernelBackend): Loop[] {
  const cpu = device as CpuDevice;
  return equations.map((equation): Loop => {
    const { reads, writes, outputs } = equation;
    const parameters = [...reads.map((_, i) => `in${i}`), ...writes.map((_, i) => `out${i}`)];
    const factory = new Function(`${prelude}\nreturn (${parameters}) => {\n${loopSource(equation)}\n};`);
    const run = factory() as (...arrays: readonly HostValues[]) => void;
    return (inputs) => {
      const results = outputs.map(({ shape, dtype }) => hostValues(dtype, sizeOf(shape)));
      run(...inputs.map((input) => elementsOf(device, input)), ...results);
      return makeAll(device, outputs, ({ shape, dtype }, i) =>
        cpu.makeTensorInfo([...shape], dtype, results[i] as HostValues),
      );
    };
  });
}
