import * as tf from '@tensorflow/tfjs';
import { categoricalLogProb } from 'posteriors';
import { concatenate, separate } from '../checks/compare.ts';
import { accumulate } from '../checks/directions.ts';
import { classifierPosterior } from './classifier.ts';
import { BLOCKS, CLASSES, coarse, type Digits, loadDigits, PIXELS } from './digits.ts';
import { glorot } from './initial.ts';
import { type Activation, networkLoops, relu, type Sizes, tanh } from './network-loops.ts';
import type { Likelihood, Named, Posterior, Values } from './workload.ts';

/** A network 784-hidden-10 with a standard normal prior, on the first MNIST digits. */
export async function loadNetwork({
  batch = 32,
  hidden = 64,
}: {
  readonly batch?: number;
  readonly hidden?: number;
} = {}): Promise<Posterior> {
  return networkPosterior(await loadDigits(batch), { inputs: PIXELS, hidden, classes: CLASSES });
}

/** The log likelihoods of the network 784-64-10. */
export async function loadNetworkLikelihood(size: number): Promise<Likelihood> {
  return likelihood('network', await loadDigits(size), { inputs: PIXELS, hidden: 64, classes: CLASSES }, relu);
}

/** The log likelihoods of a network 44-18-10 with tanh, 1,000 parameters, on coarse images. */
export async function loadSmallLikelihood(size: number): Promise<Likelihood> {
  return likelihood(
    'tanhNetwork',
    coarse(await loadDigits(size)),
    { inputs: BLOCKS, hidden: 18, classes: CLASSES },
    tanh,
  );
}

function networkPosterior({ batch, count }: Digits, sizes: Sizes): Posterior {
  const logits = logitsWith(tf.relu);
  const loops = networkLoops(sizes, relu);
  return {
    name: 'network',
    params: initialWeights(sizes),
    batches: [batch],
    numData: count,
    ...classifierPosterior(logits, count),
    gradient: (params) => {
      const sum = concatenate(params).map((value) => -value / count);
      const { images, labels } = arrays(batch);
      for (const gradient of loops.gradients(params, images, labels)) accumulate(sum, 1 / labels.length, gradient);
      return separate(sum, params);
    },
  };
}

function likelihood(name: Likelihood['name'], { batch }: Digits, sizes: Sizes, activation: Activation): Likelihood {
  const logits = logitsWith(activation === relu ? tf.relu : tf.tanh);
  const loops = networkLoops(sizes, activation);
  return {
    name,
    params: initialWeights(sizes),
    batches: [batch],
    forward: logits,
    outer: (outputs, { labels }) => categoricalLogProb(outputs, labels as tf.Tensor),
    eagerLogLikelihood: (params, data) => {
      const loss = tf.losses.softmaxCrossEntropy(
        data.oneHot as tf.Tensor,
        logits(params, data),
        1,
        0,
        tf.Reduction.SUM,
      );
      return tf.neg(loss as tf.Scalar);
    },
    gradients: (params, data) => loops.gradients(params, arrays(data).images, arrays(data).labels),
    ggnTerms: (params, data) => loops.ggnTerms(params, arrays(data).images),
  };
}

function arrays({ images, labels }: Named<Values>): { readonly images: Float32Array; readonly labels: Int32Array } {
  return { images: images!.values as Float32Array, labels: labels!.values as Int32Array };
}

function initialWeights({ inputs, hidden, classes }: Sizes): Named<Values> {
  const [weights1, weights2] = glorot([inputs, hidden], [hidden, classes]) as [Values, Values];
  return {
    weights1,
    bias1: { shape: [hidden], values: new Float32Array(hidden) },
    weights2,
    bias2: { shape: [classes], values: new Float32Array(classes) },
  };
}

function logitsWith(activation: (x: tf.Tensor) => tf.Tensor): Posterior['logPosterior'] {
  return ({ weights1, bias1, weights2, bias2 }, { images }) => {
    const hidden = activation(tf.add(tf.matMul(images as tf.Tensor2D, weights1 as tf.Tensor2D), bias1!));
    return tf.add(tf.matMul(hidden as tf.Tensor2D, weights2 as tf.Tensor2D), bias2!);
  };
}
