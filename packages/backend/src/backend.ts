import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedProgram } from './fuse.ts';
import type { HostValues, Program } from './program.ts';

/** An input of a run: a tensor, or values on the host that are written to the device for this run only. */
export type RunInput = Tensor | HostValues | number;

/** A program made ready for a device. */
export interface Executable {
  /** The program as it was given: print it (`printProgram`) to see what was traced. */
  readonly source: Program<Tensor>;
  /** The program as it runs on the device, simplified and lowered. */
  readonly program: FusedProgram<Tensor>;
  /** The code that was made for the program, as text: JavaScript on cpu, calls and loops on wasm; empty on a device that has only kernels. */
  readonly code: string;
  /** The largest sum of bytes of what a run computes and still needs; inputs, constants and literals are not counted. */
  readonly peakBytes: number;
  /**
   * Runs the program. Inputs stay the caller's; the tensors returned belong to the caller. A run that throws leaves no tensor behind.
   */
  run(inputs: readonly RunInput[]): Tensor[];
  /** Frees what the executable holds on the device. */
  dispose(): void;
}

/** A device that can run programs. */
export interface Backend {
  readonly name: string;
  compile(program: Program<Tensor>): Executable;
}
