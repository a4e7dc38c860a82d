// The smallest algorithm that the protocol allows, to test what all of them share: stochastic gradient Langevin dynamics.
import { type Disposer, valueAndGrad } from '@posteriors/autodiff';
import { type Key, normal } from '@posteriors/random';
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
} from '../src/index.ts';

export interface Hyper {
  readonly learningRate: HyperParameter;
  readonly temperature: HyperParameter;
}

export interface State extends Disposer {
  readonly params: tf.Tensor;
  readonly logPosterior: tf.Tensor;
  readonly key: Key;
  readonly step: number;
}

type Tensors = Pick<State, 'params' | 'logPosterior'>;

const steps = stepCache();

export function build<B, A>(
  logPosterior: LogProbFn<tf.Tensor, B, A>,
  hyper: Hyper,
): Transform<tf.Tensor, State, B, A, Hyper> {
  const name = 'sgld.update';
  const step = steps([logPosterior], '', (): Stepper<Tensors, B, A> => {
    const gradient = valueAndGrad(checkedLogProb(name, logPosterior), { hasAux: true });
    return stepper<Tensors, B, Scalars<Hyper>, A>(name, ({ params }, batch, { learningRate, temperature }, context) => {
      const [[value, aux], slope] = gradient(params, batch, context);
      const noise = tf.mul(tf.sqrt(tf.mul(2, tf.mul(learningRate, temperature))), normal(context.key, params.shape));
      return [{ params: tf.add(tf.add(params, tf.mul(learningRate, slope)), noise), logPosterior: value }, aux];
    });
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
