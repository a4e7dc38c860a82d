/** The step of a state: a number; while a function is compiled by `jit`, what stands for one. */
import { Count, hostNumbers, isNumber, numberNow } from '@posteriors/autodiff';
import { flatten, unflatten } from '@posteriors/tree';
import { add, cast, reshape, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** What an update does with the step of a state. */
export interface Clock {
  /** For the program: int32, of one element. */
  readonly step: Uint32Array | Tensor;
  /** The step of the next state. */
  readonly next: number;
  /** The hyper-parameters of this step. */
  hyper(at: (step: number) => object): object;
}

/** @throws if the step is a tensor that does not stand for a number. */
export function clockOf(step: unknown): Clock {
  if (typeof step === 'number') return { step: Uint32Array.of(step), next: step + 1, hyper: (at) => at(step) };
  const count = isNumber(step) ? new Count(step, 0) : step;
  if (!(count instanceof Count)) {
    throw new Error(
      'the step of the state is a tensor and must be a number; give the state as update or init returned it',
    );
  }
  return {
    step: reshape(add(cast(count.number, 'int32'), scalar(count.more, 'int32')), [1]),
    next: new Count(count.number, count.more + 1) as unknown as number,
    hyper: (at) => computedHyper(count, at),
  };
}

/** Hyper-parameters whose numbers are computed at each call of the compiled function. */
function computedHyper(count: Count, at: (step: number) => object): object {
  const { leaves, structure } = flatten<unknown>(at(numberNow(count)));
  const places = placesOfNumbers(leaves);
  const scalars = hostNumbers(count, places.length, (step) =>
    tidy(() => {
      const now = flatten<unknown>(at(step)).leaves;
      if (String(placesOfNumbers(now)) !== String(places))
        throw new Error(
          `which hyper-parameters are numbers and which tensors must not change in a compiled function, as at step ${step}`,
        );
      return now.filter(isPlainNumber);
    }),
  );
  let next = 0;
  return unflatten<unknown, unknown>(
    structure,
    leaves.map((leaf) => (isPlainNumber(leaf) ? scalars[next++] : leaf)),
  ) as object;
}

function placesOfNumbers(leaves: readonly unknown[]): readonly number[] {
  return leaves.flatMap((leaf, i) => (isPlainNumber(leaf) ? [i] : []));
}

function isPlainNumber(leaf: unknown): leaf is number {
  return typeof leaf === 'number';
}
