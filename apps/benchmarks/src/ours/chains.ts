import type * as tf from '@tensorflow/tfjs';
import { chains, random, sgmcmc, vmap, withAux } from 'posteriors';
import type { Run } from '../tensor-contender.ts';
import { disposeTensors, stateTensors } from '../tensors.ts';
import type { Named, Point, Posterior, PosteriorWorkload } from '../workloads/workload.ts';
import { running, type Way } from './running.ts';

type Params = Named<tf.Tensor>;

let seed = 0;

/** Chains of SGHMC as one state with stacked tensors and a key for each. */
export function beginChains(model: Posterior, algorithm: PosteriorWorkload['algorithm'], start: Point, way: Way): Run {
  if (algorithm.name !== 'sghmc') throw new Error(`beginChains: there are no chains of ${algorithm.name}`);
  const { learningRate, alpha, temperature } = algorithm;
  const logPosterior = (params: Params, batch: Params): readonly [tf.Tensor, []] =>
    withAux(model.logPosterior(params, batch), []);
  const transform = chains(sgmcmc.sghmc.build(logPosterior, { learningRate, alpha, temperature }));

  const params = stateTensors(start.params, model.params);
  const momenta = stateTensors(start.companions, model.params);
  const keys = random.keyTensor(random.split(random.key(seed++), model.chains as number));
  const state = vmap((key: tf.Tensor, at: Params, initial: Params) => sgmcmc.sghmc.init(at, { key, momenta: initial }))(
    keys,
    params,
    momenta,
  );
  keys.dispose();
  disposeTensors(params);
  disposeTensors(momenta);
  return running(transform, state, way, (at) => at.momenta);
}
