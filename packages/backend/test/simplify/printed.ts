import type { Tensor } from '@tensorflow/tfjs-core';
import { type Program, printProgram, removeDeadCode } from '../../src/index.ts';

/** What a pass leaves of a program, without what is dead. */
export function printedAfter(pass: (program: Program<Tensor>) => Program<Tensor>, program: Program<Tensor>): string {
  return printProgram(removeDeadCode(pass(program)));
}
