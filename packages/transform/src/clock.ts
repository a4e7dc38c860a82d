/** The step of a state: a number; while a function is compiled by `jit`, what stands for one. */
import { Count, isNumber } from '@posteriors/autodiff';
import { add, cast, reshape, scalar, type Tensor } from '@tensorflow/tfjs-core';

/** What an update does with the step of a state. */
export interface Clock {
  /** For functions on the host, such as schedules. */
  readonly number: number;
  /** For the program: int32, of one element. */
  readonly step: Uint32Array | Tensor;
  /** The step of the next state. */
  readonly next: number;
}

/** @throws if the step is a tensor that does not stand for a number. */
export function clockOf(step: unknown): Clock {
  if (typeof step === 'number') return { number: step, step: Uint32Array.of(step), next: step + 1 };
  const count = isNumber(step) ? new Count(step, 0) : step;
  if (!(count instanceof Count)) {
    throw new Error(
      'the step of the state is a tensor and must be a number; give the state as update or init returned it',
    );
  }
  return {
    number: unknown as unknown as number,
    step: reshape(add(cast(count.number, 'int32'), scalar(count.more, 'int32')), [1]),
    next: new Count(count.number, count.more + 1) as unknown as number,
  };
}

/** Stands where a number is asked for while none is known. */
const unknown = {
  [Symbol.toPrimitive](): never {
    throw new Error(
      'a schedule cannot be asked for the number of the step while a function is compiled by jit: give the hyper-parameter as an argument of ' +
        'that function, and to update as options.hyper',
    );
  },
};
