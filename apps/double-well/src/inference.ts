/** The same log density given to variational inference and to two samplers. */
import * as tf from '@tensorflow/tfjs-core';
import { optim, type random, scan, sgmcmc, type Transform, vi } from 'posteriors';
import { logPosterior, type Point } from './density.ts';

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
  const first = transform.init(start, { seed });
  const [state] = scan(transform, first, 2_000, { batch: null });
  const sds = tf.exp(state.logSdDiag);
  const [mean, sd] = await Promise.all([state.params.data(), sds.data()]);
  tf.dispose([start, sds]);
  first.dispose();
  state.dispose();
  return { mean: [mean[0]!, mean[1]!], sd: [sd[0]!, sd[1]!] };
}

interface Chain {
  readonly params: tf.Tensor;
  readonly key: random.Key;
  readonly step: number;
  dispose(): void;
}
type Sampler = Transform<tf.Tensor, Chain, null, []>;

const position = ({ params }: Chain): tf.Tensor => params;

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
  const first = transform.init(start, { seed });
  const [warm] = scan(transform, first, burnIn, { batch: null });
  const [last, draws] = scan(transform, warm, steps - burnIn, { batch: null, collect: position, thin });
  const values = await draws.data();
  tf.dispose([start, draws]);
  for (const chain of [first, warm, last]) chain.dispose();
  return Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i]!, values[2 * i + 1]!]);
}
