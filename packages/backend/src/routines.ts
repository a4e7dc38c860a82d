/** The devices that run routines. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedProgram } from './fuse.ts';
import type { Literal, ScanEquation } from './program.ts';
import type { DeviceEquation, Routine } from './routine.ts';
import { isCallableOnCpu, mayMakeFunctions, routinesOnCpu } from './routines-on-cpu.ts';
import { isCallableOnWasm, routinesOnWasm } from './routines-on-wasm.ts';

/** Computes the outputs of a routine. */
export type RunRoutine = (inputs: readonly TensorInfo[]) => TensorInfo[];

/** Routines made ready. */
export interface CompiledRoutines {
  readonly runs: readonly RunRoutine[];
  /** The code that was made, as text. */
  readonly code: () => string;
}

/** What routines need to know of the device that they run on. */
export interface RoutineContext {
  readonly device: KernelBackend;
  readonly kernel: (name: string) => KernelFunc | undefined;
  /** The body of a loop as the device runs it. */
  readonly bodyOf: (equation: ScanEquation) => FusedProgram;
  /** Writes a literal to the device, for as long as the routines live. */
  readonly hold: (literal: Literal) => TensorInfo;
}

interface RoutineDevice {
  /** Whether an equation can be part of a routine. */
  readonly isCallable: (equation: DeviceEquation, context: RoutineContext) => boolean;
  readonly compile: (routines: readonly Routine[], context: RoutineContext) => CompiledRoutines;
}

/** How a device runs routines; undefined if it has none. */
export function routineDevice(name: string): RoutineDevice | undefined {
  if (name === 'wasm') return { isCallable: isCallableOnWasm, compile: routinesOnWasm };
  return name === 'cpu' && mayMakeFunctions() ? { isCallable: isCallableOnCpu, compile: routinesOnCpu } : undefined;
}
