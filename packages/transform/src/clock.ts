/** The step of a state: a number; while a function is compiled by `jit`, and inside of a loop, what stands for one. */
import { Count, hostNumbers, isNumber, numberNow } from '@posteriors/autodiff';
import { flatten, type Structure, unflatten } from '@posteriors/tree';
import { add, reshape, scalar, Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { areConstant } from './hyper.ts';

/** What an update does with the step of a state. */
export interface Clock {
  /** For the program: int32, of one element. */
  readonly step: Uint32Array | Tensor;
  /** The step of the next state. */
  readonly next: number;
  /** The hyper-parameters of this step. */
  hyper(at: (step: number) => object): object;
}

/** What a loop over updates does with the step of its first state, besides. */
export interface LoopStart extends Clock {
  /** What the step is now, in the call that a function is traced for. */
  readonly now: number;
  /** The step of the state after so many updates. */
  after(updates: number): number;
  /** Float32 tensors of this shape for `count` numbers or arrays that are computed on the host from the step, at each call of a compiled function. */
  numbers(
    count: number,
    shape: readonly number[],
    compute: (step: number) => readonly (number | Float32Array)[],
  ): readonly Tensor[];
}

/**
 * The step of a state inside of a loop: that of the state at the beginning of an iteration, and how much more. `numbers` gives scalars for what
 * is computed on the host from the step in each iteration.
 */
export class StepInLoop {
  /** An int32 scalar. */
  readonly number: Tensor;
  readonly more: number;
  /** The step of the first iteration, in the call that the loop is traced for. */
  readonly now: number;
  readonly numbers: HostNumbersInLoop;

  constructor(number: Tensor, more: number, now: number, numbers: HostNumbersInLoop) {
    this.number = number;
    this.more = more;
    this.now = now;
    this.numbers = numbers;
  }

  /** @throws always: it is another one in each iteration. */
  [Symbol.toPrimitive](): never {
    throw new Error(
      'the step of a state is not a number inside of a loop that scan compiles: take it from the state that scan returns',
    );
  }
}

/** Scalars for numbers that are computed on the host from the step that is `more` than that of the iteration. */
export type HostNumbersInLoop = (more: number, numbers: NumbersOfStep) => readonly Tensor[];

/** Numbers that are computed on the host from a step. */
export interface NumbersOfStep {
  readonly count: number;
  /** Not within `tidy`, which may be needed: a schedule may make tensors. */
  readonly compute: (step: number) => readonly number[];
  /** Whether they are the same at every step. */
  readonly constant: boolean;
}

/** @throws if the step is neither a number nor a tensor that stands for one. */
export function clockOf(step: unknown): Clock {
  return step instanceof StepInLoop ? clockInLoop(step) : loopStart(step);
}

/** @throws if the step is neither a number nor a tensor that stands for one, or is that of a loop around. */
export function loopStart(step: unknown): LoopStart {
  if (step instanceof StepInLoop)
    throw new Error('a transform that scan runs cannot call scan in its update; write a loop over update there');
  if (typeof step === 'number') {
    return {
      step: Uint32Array.of(step),
      next: step + 1,
      hyper: (at) => at(step),
      now: step,
      after: (updates) => step + updates,
      numbers: (_, shape, compute) => compute(step).map((values) => tensor(values, [...shape], 'float32')),
    };
  }
  const count = isNumber(step) ? new Count(step, 0) : step;
  if (!(count instanceof Count)) {
    throw new Error(
      `the step of the state is ${step instanceof Tensor ? 'a tensor' : step} and must be a number; give the state as update or init returned it`,
    );
  }
  const after = (updates: number): number => new Count(count.number, count.more + updates) as unknown as number;
  return {
    // Made on the host, as a number of a compiled function is a float32.
    get step(): Tensor {
      return hostNumbers(count, 1, (now) => [Int32Array.of(now)], { shape: [1], dtype: 'int32' })[0] as Tensor;
    },
    next: after(1),
    hyper: (at) =>
      computedHyper(numberNow(count), at, (asked) =>
        hostNumbers(count, asked.count, (now) => tidy(() => [...asked.compute(now)])),
      ),
    now: numberNow(count),
    after,
    numbers: (length, shape, compute) => hostNumbers(count, length, compute, { shape, dtype: 'float32' }),
  };
}

function clockInLoop({ number, more, now, numbers }: StepInLoop): Clock {
  return {
    step: reshape(add(number, scalar(more, 'int32')), [1]),
    next: new StepInLoop(number, more + 1, now, numbers) as unknown as number,
    hyper: (at) => computedHyper(now + more, at, (asked) => numbers(more, asked)),
  };
}

/** Hyper-parameters whose numbers are computed on the host at each call of the compiled function, or for each iteration of a loop. */
function computedHyper(
  now: number,
  at: (step: number) => object,
  scalarsFor: (numbers: NumbersOfStep) => readonly Tensor[],
): object {
  const values = at(now);
  const constant = areConstant(values);
  const { leaves, structure } = flatten<unknown>(values);
  const areNumbers = leaves.map(isPlainNumber);
  const count = leaves.filter(isPlainNumber).length;
  const compute = (step: number): readonly number[] => {
    const then = at(step);
    const found: unknown[] = [];
    addLeaves(structure, then, found);
    if (!areNumbers.every((isNumber, i) => isNumber === isPlainNumber(found[i])))
      throw new Error(
        `which hyper-parameters are numbers and which tensors must not change in a compiled function, as at step ${step}`,
      );
    if (constant && !areConstant(then))
      throw new Error('a hyper-parameter that was a number must not become a schedule in a compiled function');
    return found.filter(isPlainNumber);
  };
  const scalars = scalarsFor({ count, compute, constant });
  let next = 0;
  return unflatten<unknown, unknown>(
    structure,
    leaves.map((leaf) => (isPlainNumber(leaf) ? scalars[next++] : leaf)),
  ) as object;
}

/** Adds the leaves of a tree of this structure. As this is for each step, it sorts no keys. */
function addLeaves({ kind, keys, children }: Structure, tree: unknown, found: unknown[]): void {
  if (kind === 'leaf') found.push(tree);
  else if (kind === 'container') found.push(...flatten<unknown>(tree).leaves);
  else {
    const fields = tree as { readonly [key: string | number]: unknown } | null | undefined;
    for (const [i, child] of children.entries())
      addLeaves(child, fields?.[kind === 'array' ? i : (keys[i] as string)], found);
  }
}

function isPlainNumber(leaf: unknown): leaf is number {
  return typeof leaf === 'number';
}
