import type { Equation, Program } from '@posteriors/backend';

/** The most numbers that a value of a program has, loops included. */
export const largest = ({ equations }: Program): number =>
  Math.max(
    ...equations.map((equation: Equation) => {
      const own = equation.outputs.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
      return Math.max(...own, 'body' in equation ? largest(equation.body as Program) : 0);
    }),
  );
