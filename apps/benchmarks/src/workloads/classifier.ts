import * as tf from '@tensorflow/tfjs';
import { categoricalLogProb, diagNormalLogProb } from 'posteriors';
import type { Named, Posterior } from './workload.ts';

/** The log posteriors of a classifier with a standard normal prior, over the number of data: as here, and with tfjs's own losses. */
export function classifierPosterior(
  logits: (params: Named<tf.Tensor>, data: Named<tf.Tensor>) => tf.Tensor,
  count: number,
): Required<Pick<Posterior, 'logPosterior' | 'eagerLogPosterior'>> {
  return {
    logPosterior: (params, data) => {
      const logLikelihood = tf.mean(categoricalLogProb(logits(params, data), data.labels as tf.Tensor));
      return tf.add(logLikelihood, tf.div(diagNormalLogProb(params, 0, 1, { normalize: false }), count));
    },
    eagerLogPosterior: (params, data) => {
      const loss = tf.losses.softmaxCrossEntropy(data.oneHot as tf.Tensor, logits(params, data));
      const squares = Object.values(params).map((leaf) => tf.sum(tf.square(leaf)));
      return tf.sub(tf.mul(-0.5 / count, tf.addN(squares)), loss as tf.Scalar);
    },
  };
}
