import { clone, type Tensor } from '@tensorflow/tfjs-core';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import type { Transform } from './transform.ts';

type Batches<B> = Iterable<B> | AsyncIterable<B>;

export interface RunOptions<S, A> {
  /** Called after each update; awaited, so that a page can redraw. The state and aux are freed or reused afterwards: clone what you keep. */
  readonly onStep?: (state: S, aux: A) => void | Promise<void>;
}

/**
 * Updates a state in place with each batch. Resolves to that same state.
 *
 * Batches stay their maker's; aux is freed after each step.
 */
export async function run<P extends TensorTree, S, B, A extends TensorTree>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: Batches<B>,
  { onStep }: RunOptions<S, A> = {},
): Promise<S> {
  for await (const batch of batches) {
    const [, aux] = transform.update(state, batch, { inplace: true, aux: onStep !== undefined });
    try {
      await onStep?.(state, aux);
    } finally {
      for (const leaf of leaves(aux as TensorTree)) leaf.dispose();
    }
  }
  return state;
}

export interface SampleChainOptions<S, A> extends RunOptions<S, A> {
  /** Updates before the first draw is kept. Default 0. */
  readonly burnIn?: number;
  /** A draw is kept every `thin` updates. Default 1. */
  readonly thin?: number;
}

/**
 * Updates the state of a sampler in place with each batch, and collects its parameters as draws: those after updates
 * `burnIn + thin`, `burnIn + 2 thin`, ... The draws belong to the caller.
 */
export async function sampleChain<P extends TensorTree, S extends { readonly params: P }, B, A extends TensorTree>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: Batches<B>,
  { burnIn = 0, thin = 1, onStep }: SampleChainOptions<S, A> = {},
): Promise<P[]> {
  if (!Number.isInteger(thin) || thin < 1) throw new Error(`sampleChain: thin is ${thin} and must be a whole number from 1`);
  if (!Number.isInteger(burnIn) || burnIn < 0) throw new Error(`sampleChain: burnIn is ${burnIn} and must be a whole number from 0`);
  const draws: P[] = [];
  let updates = 0;
  try {
    await run(transform, state, batches, {
      onStep: async (current, aux) => {
        updates++;
        if (updates > burnIn && (updates - burnIn) % thin === 0) draws.push(map((leaf: Tensor) => clone(leaf), current.params));
        await onStep?.(current, aux);
      },
    });
  } catch (error) {
    for (const draw of draws) for (const leaf of leaves(draw as TensorTree)) leaf.dispose();
    throw error;
  }
  return draws;
}
