/** The same log density given to variational inference and to two samplers. */
import * as tf from '@tensorflow/tfjs-core';
import { optim, run, sampleChain, sgmcmc, type Transform, vi } from 'posteriors';
import { logPosterior, type Point } from './density.ts';

const nothing = (steps: number): null[] => Array.from({ length: steps }, () => null);

export interface Normal {
  readonly mean: Point;
  readonly sd: Point;
}

/**
 * A diagonal normal fitted by 2,000 steps of Adam. It starts off the middle: from there, a wide normal over all four wells is another local
 * optimum, with a lower evidence bound.
 */
export async function fit(seed: number): Promise<Normal> {
  const transform = vi.diag.build(logPosterior, optim.adam({ learningRate: 1e-2 }), { initLogSds: -2 });
  const start = tf.tensor1d([1, -1]);
  const state = await run(transform, transform.init(start, { seed }), nothing(2_000));
  const sds = tf.exp(state.logSdDiag);
  const [mean, sd] = await Promise.all([state.params.data(), sds.data()]);
  tf.dispose([start, sds]);
  state.dispose();
  return { mean: [mean[0]!, mean[1]!], sd: [sd[0]!, sd[1]!] };
}

type Sampler = Transform<tf.Tensor, { readonly params: tf.Tensor; dispose(): void }, null, []>;

/** The error of BAOA is of second order in the step, so it can take longer ones, and gets further in as many. */
export const samplers: Readonly<Record<string, Sampler>> = {
  SGHMC: sgmcmc.sghmc.build(logPosterior, { learningRate: 0.05, alpha: 1 }) as Sampler,
  BAOA: sgmcmc.baoa.build(logPosterior, { learningRate: 0.2, alpha: 1 }) as Sampler,
};

/** One chain of a sampler from the middle. */
export async function sample(
  transform: Sampler,
  seed: number,
  { steps, burnIn, thin }: { readonly steps: number; readonly burnIn: number; readonly thin: number },
): Promise<Point[]> {
  const start = tf.zeros([2]);
  const state = transform.init(start, { seed });
  const draws = await sampleChain(transform, state, nothing(steps), { burnIn, thin });
  const points = draws.map((draw) => Array.from(draw.dataSync()) as [number, number]);
  tf.dispose([start, draws]);
  state.dispose();
  return points;
}
