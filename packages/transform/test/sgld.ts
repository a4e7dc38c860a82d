// The smallest algorithm that the protocol allows, to test what all of them share: stochastic gradient Langevin dynamics.
import { type Disposer, valueAndGrad } from '@posteriors/autodiff';
import { foldIn, type Key, normal } from '@posteriors/random';
import { map, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import {
  atStep,
  checkedLogProb,
  checkHyper,
  type HyperParameter,
  initState,
  type LogProbFn,
  notNegative,
  notYet,
  positive,
  type Scalars,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  warnOfScale,
} from '../src/index.ts';

export interface Hyper {
  readonly learningRate: HyperParameter;
  readonly temperature: HyperParameter;
}

export interface State<P> extends Disposer {
  readonly params: P;
  readonly logPosterior: tf.Tensor;
  readonly key: Key;
  readonly step: number;
}

type Tensors<P> = Pick<State<P>, 'params' | 'logPosterior'>;

const steps = stepCache();

export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  hyper: Hyper,
): Transform<P, State<P>, B, A, Hyper> {
  const name = 'sgld.update';
  const step = steps([logPosterior], '', (): Stepper<Tensors<P>, B, A> => {
    const gradient = valueAndGrad(checkedLogProb(name, logPosterior), { hasAux: true });
    return stepper<Tensors<P>, B, Scalars<Hyper>, A>(
      name,
      ({ params }, batch, { learningRate, temperature }, context) => {
        const [[value, aux], slope] = gradient(params, batch, context);
        const noiseSd = tf.sqrt(tf.mul(2, tf.mul(learningRate, temperature)));
        let leaf = 0;
        const moved = (theta: tf.Tensor, g: tf.Tensor): tf.Tensor => {
          const noise = tf.mul(noiseSd, normal(foldIn(context.key, leaf++), theta.shape));
          return tf.add(tf.add(theta, tf.mul(learningRate, g)), noise);
        };
        return [{ params: map(moved, params, slope), logPosterior: value }, aux];
      },
      { value: 'logPosterior', hyper: ['learningRate', 'temperature'], inspect: warnOfScale(name) },
    );
  });
  return {
    init: (params, options = {}) => initState('sgld.init', params, options, () => ({ logPosterior: notYet() })),
    update: (state, batch, options) =>
      step(
        state,
        batch,
        (at) => {
          const values = atStep({ ...hyper, ...options?.hyper }, at);
          checkHyper<Hyper>(name, values, { learningRate: positive, temperature: notNegative });
          return values;
        },
        options,
      ),
  };
}
