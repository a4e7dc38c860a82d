/** The steps that a loop of updates goes through, and the numbers of all its steps, computed on the host before it runs. */
import { evalShape } from '@posteriors/autodiff';
import { add, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type HostNumbersInLoop, loopStart, type NumbersOfStep, StepInLoop } from './clock.ts';

export interface LoopClock {
  /** Numbers that are not the same at every step: tensors `[length]`, of which each iteration has a slice. */
  readonly xs: readonly Tensor[];
  /** What the step of a state is in an iteration; `number` is an int32 scalar, which the loop carries. */
  at(number: Tensor, slices: readonly Tensor[]): number;
  /** The step of the next iteration. */
  next(number: Tensor): Tensor;
  /** The step of the state after the loop. */
  readonly last: number;
}

/**
 * The clock of `length` updates from a state with this step. `update` maps the step of a state to that of the next and is traced once, to see
 * which numbers it needs.
 */
export function loopClock(step: unknown, length: number, update: (step: number) => unknown): LoopClock {
  const start = loopStart(step);
  const asked: (NumbersOfStep & { readonly more: number })[] = [];
  let stride = 0;
  evalShape(() => {
    const ask: HostNumbersInLoop = (more, numbers) => {
      asked.push({ ...numbers, more });
      return Array.from({ length: numbers.count }, () => scalar(0));
    };
    const after = update(new StepInLoop(scalar(0, 'int32'), 0, start.now, ask) as unknown as number);
    if (!(after instanceof StepInLoop))
      throw new Error('an update must return the step of the old state and how much more');
    stride = after.more;
    return [];
  });
  const tensors = asked.map(({ count, constant, compute, more }) => {
    if (constant) return start.numbers(count, [], (first) => tidy(() => [...compute(first)]));
    return start.numbers(count, [length], (first) => {
      const arrays = Array.from({ length: count }, () => new Float32Array(length));
      tidy(() => {
        for (let i = 0; i < length; i++) {
          const values = compute(first + i * stride + more);
          for (let k = 0; k < count; k++) (arrays[k] as Float32Array)[i] = values[k] as number;
        }
      });
      return arrays;
    });
  });
  return {
    xs: tensors.filter((_, i) => !asked[i]?.constant).flat(),
    at(number, slices) {
      const rest = [...slices];
      const all = tensors.values();
      const numbers: HostNumbersInLoop = (_, { count, constant }) => {
        const fixed = all.next().value as readonly Tensor[];
        return constant ? fixed : rest.splice(0, count);
      };
      return new StepInLoop(number, 0, start.now, numbers) as unknown as number;
    },
    next: (number) => add(number, scalar(stride, 'int32')),
    last: start.after(length * stride),
  };
}
