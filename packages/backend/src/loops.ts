/** The devices on which elementwise equations run as loops. */

import { numberKernel } from './number-kernels.ts';
import type { KernelEquation } from './program.ts';
import { mayMakeFunctions } from './routines-on-cpu.ts';
import { shareExponentials } from './shared-exponentials.ts';
import { vectorKernel } from './vector-kernels.ts';

interface LoopDevice {
  /** Whether loops can compute what this elementwise equation does. */
  readonly computes: (equation: KernelEquation) => boolean;
  /** The equations of a loop in others that take less to compute, with the same results to the bit. */
  readonly refine: (equations: readonly KernelEquation[]) => readonly KernelEquation[];
}

const wasm: LoopDevice = { computes: (equation) => vectorKernel(equation) !== undefined, refine: shareExponentials };
const cpu: LoopDevice = {
  computes: (equation) => numberKernel(equation) !== undefined,
  refine: (equations) => equations,
};

/** What loops can do on a device; undefined if it has none. */
export function loopDevice(name: string): LoopDevice | undefined {
  if (name === 'wasm') return wasm;
  return name === 'cpu' && mayMakeFunctions() ? cpu : undefined;
}
