import type * as tf from '@tensorflow/tfjs';
import { optim, sgmcmc, vi, withAux } from 'posteriors';
import type { Run } from '../tensor-contender.ts';
import { disposeTensors, stateTensors } from '../tensors.ts';
import type { Named, Point, Posterior, PosteriorWorkload } from '../workloads/workload.ts';
import { running, type Way } from './running.ts';

type Params = Named<tf.Tensor>;

let seed = 0;

/** A sampler or variational inference, from a state. */
export function beginPosterior(
  model: Posterior,
  algorithm: PosteriorWorkload['algorithm'],
  start: Point,
  way: Way,
): Run {
  const logPosterior = (params: Params, batch: Params): readonly [tf.Tensor, []] =>
    withAux(model.logPosterior(params, batch), []);
  const params = stateTensors(start.params, model.params);
  const companions = stateTensors(start.companions, model.params);
  try {
    if (algorithm.name === 'sghmc') {
      const { learningRate, alpha, temperature } = algorithm;
      const hyper = { learningRate, alpha, temperature, momenta: companions };
      const transform = sgmcmc.sghmc.build(logPosterior, hyper);
      return running(transform, transform.init(params, { seed: seed++ }), way, (state) => state.momenta);
    }
    const { learningRate, temperature } = algorithm;
    const options = { temperature, initLogSds: companions };
    const transform = vi.diag.build(logPosterior, optim.adam({ learningRate }), options);
    return running(transform, transform.init(params, { seed: seed++ }), way, (state) => state.logSdDiag);
  } finally {
    disposeTensors(params);
    disposeTensors(companions);
  }
}
