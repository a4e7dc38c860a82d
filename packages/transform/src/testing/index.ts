/**
 * The conformance suite: what every inference algorithm must do, as checks for any test runner.
 *
 *     for (const { name, run } of conformance({ name: 'mine', build })) test(name, run);
 */
export { type Check, conformance } from './conformance.ts';
export type { Aux, Batch } from './problem.ts';
export type { ConformanceOptions, Draws } from './property.ts';
