import type { Executable, Program } from '@posteriors/backend';

/** A program that a compiled function ran. */
export interface RanProgram {
  /** The name of the function: `sgmcmc.sghmc.update` for that of a transform. */
  readonly name: string;
  /** The program as it was traced. */
  readonly source: Program;
  /** The program as it ran: simplified, and lowered to its device. */
  readonly program: Executable['program'];
  /** The code that was made for it, as text: JavaScript on cpu, calls and loops on wasm; empty on webgpu. */
  readonly code: string;
}

let notes: RanProgram[] | undefined;

/**
 * Calls `run` and returns the programs that the compiled functions ran which it called, the updates of transforms among them, in that order. To
 * see what an update computes: `programsOf(() => transform.update(state, batch))`, and `printProgram` for each.
 */
export function programsOf(run: () => void): readonly RanProgram[] {
  const outer = notes;
  const own: RanProgram[] = [];
  notes = own;
  try {
    run();
  } finally {
    notes = outer;
    outer?.push(...own);
  }
  return own;
}

/** Notes that a compiled function ran a program, where someone looks. */
export function noteProgram(name: string, executable: Executable): void {
  if (notes === undefined) return;
  const { source, program, code } = executable;
  notes.push({ name, source, program, code });
}
