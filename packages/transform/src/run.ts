import { checkOptions } from '@posteriors/autodiff';
import { map, type TensorTree } from '@posteriors/tree';
import { clone, type Tensor } from '@tensorflow/tfjs-core';
import { readsAtOnce } from './reads-at-once.ts';
import { disposeTensors, type StateBase } from './state.ts';
import { check } from './status.ts';
import { describeGiven, type Transform } from './transform.ts';

type Batches<B> = Iterable<B> | AsyncIterable<B>;

export interface RunOptions<S, A> {
  /** Called after each update; awaited, so that a page can redraw. The state and aux are freed or reused afterwards: clone what you keep. */
  readonly onStep?: (state: S, aux: A) => void | Promise<void>;
}

/**
 * Updates a state in place with each batch. Resolves to that same state.
 *
 * Batches stay their maker's; aux is freed after each step. If anything throws, the state is that of the last update that succeeded. On WebGPU,
 * where an update cannot see what it gives, the state is read every 100 updates and at the end, as by {@link check}: if it is not finite,
 * this rejects, and the state is what it was seen to be.
 */
export async function run<P extends TensorTree, S, B, A>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: Batches<B>,
  options: RunOptions<S, A> = {},
): Promise<S> {
  const { onStep } = checkOptions('run', options, ['onStep']);
  requireBatches('run', batches);
  await loop(transform, state, batches, onStep);
  return state;
}

/** @throws unless they can be iterated. */
function requireBatches(name: string, batches: unknown): void {
  const isObject = typeof batches === 'object' && batches !== null;
  if (isObject && (Symbol.iterator in batches || Symbol.asyncIterator in batches)) return;
  throw new Error(
    `${name}: the batches are ${describeGiven(batches)} and must be iterable, an array or a generator, with one for each update; scan takes a number of updates`,
  );
}

/** How many updates may go by unseen, on a device that cannot be read at once. */
const UNSEEN = 100;

async function loop<P extends TensorTree, S, B, A>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: Batches<B>,
  onStep: RunOptions<S, A>['onStep'],
  afterUpdate?: () => void,
): Promise<void> {
  const sound = async (): Promise<void> => {
    if (!readsAtOnce()) await check(state as StateBase);
  };
  let updates = 0;
  for await (const batch of batches) {
    const [, aux] = transform.update(state, batch, { inplace: true, aux: onStep !== undefined });
    try {
      afterUpdate?.();
      await onStep?.(state, aux);
    } finally {
      disposeTensors(aux);
    }
    if (++updates % UNSEEN === 0) await sound();
  }
  await sound();
}

export interface SampleChainOptions<S, A> extends RunOptions<S, A> {
  /** Updates before the first `thin` that count. Default 0. */
  readonly burnIn?: number;
  /** A draw is kept every `thin` updates. Default 1. */
  readonly thin?: number;
}

/**
 * Updates the state of a sampler in place with each batch, and collects its parameters as draws: those after updates
 * `burnIn + thin`, `burnIn + 2 thin`, ... The draws belong to the caller; if anything throws, they are freed. It looks at the state as
 * {@link run} does.
 *
 * @throws if `thin` is not a whole number from 1, or `burnIn` from 0.
 */
export async function sampleChain<P extends TensorTree, S extends { readonly params: P }, B, A>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: Batches<B>,
  options: SampleChainOptions<S, A> = {},
): Promise<P[]> {
  const { burnIn = 0, thin = 1, onStep } = checkOptions('sampleChain', options, ['burnIn', 'thin', 'onStep']);
  requireBatches('sampleChain', batches);
  if (!Number.isInteger(thin) || thin < 1)
    throw new Error(`sampleChain: thin is ${thin} and must be a whole number from 1`);
  if (!Number.isInteger(burnIn) || burnIn < 0)
    throw new Error(`sampleChain: burnIn is ${burnIn} and must be a whole number from 0`);
  const draws: P[] = [];
  let updates = 0;
  try {
    await loop(transform, state, batches, onStep, () => {
      updates++;
      if (updates > burnIn && (updates - burnIn) % thin === 0)
        draws.push(map((leaf: Tensor) => clone(leaf), state.params));
    });
  } catch (error) {
    disposeTensors(draws);
    throw error;
  }
  return draws;
}
