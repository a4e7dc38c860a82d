/** The devices that run fused equations, and how. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedEquation } from './fused.ts';
import { loopsOnCpu, mayMakeFunctions } from './loops-on-cpu.ts';
import { loopsOnWasm } from './loops-on-wasm.ts';
import { numberKernel } from './number-kernels.ts';
import type { KernelEquation } from './program.ts';
import { vectorKernel } from './vector-kernels.ts';

/** Computes the outputs of a fused equation. */
export type Loop = (inputs: readonly TensorInfo[]) => TensorInfo[];

interface LoopDevice {
  /** Whether loops can compute what this elementwise equation does. */
  readonly computes: (equation: KernelEquation) => boolean;
  readonly compile: (equations: readonly FusedEquation[], device: KernelBackend) => Loop[];
}

const wasm: LoopDevice = { computes: (equation) => vectorKernel(equation) !== undefined, compile: loopsOnWasm };
const cpu: LoopDevice = { computes: (equation) => numberKernel(equation) !== undefined, compile: loopsOnCpu };

/** How a device runs loops; undefined if it has none. */
export function loopDevice(name: string): LoopDevice | undefined {
  if (name === 'wasm') return wasm;
  return name === 'cpu' && mayMakeFunctions() ? cpu : undefined;
}
