import * as tf from '@tensorflow/tfjs';
import { withChains } from './chains.ts';
import { load as loadW2 } from './w2.ts';
import { load as loadW4 } from './w4.ts';
import type { Named, Posterior, PosteriorWorkload } from './workload.ts';

const CHAINS = { W2: 64, W4: 16 } as const;

export async function load(of: string): Promise<PosteriorWorkload> {
  const workload = await (of === 'W2' ? loadW2() : loadW4());
  const chains = CHAINS[of as keyof typeof CHAINS];
  const eager = of === 'W2' ? logisticChains : networkChains;
  return {
    ...workload,
    name: `W10-${of}`,
    title: `${chains} chains of ${of}`,
    model: withChains(workload.model, chains, eager(workload.model)),
  };
}

type Eager = NonNullable<Posterior['eagerLogPosterior']>;

/** weights [chains, d], logits [n, chains] */
function logisticChains({ numData }: Posterior): Eager {
  return ({ weights }, { inputs, labels }) => {
    const logits = tf.matMul(inputs as tf.Tensor2D, weights as tf.Tensor2D, false, true);
    const terms = tf.sub(tf.mul(logits, tf.expandDims(labels as tf.Tensor, 1)), tf.softplus(logits));
    return tf.sub(tf.div(tf.sum(terms), numData), tf.mul(0.5 / numData, tf.sum(tf.square(weights as tf.Tensor))));
  };
}

/** weights [chains, n, m], biases [chains, m], logits [chains, batch, 10] */
function networkChains({ numData }: Posterior): Eager {
  return (params, { images, oneHot }) => {
    const { weights1, bias1, weights2, bias2 } = params as Named<tf.Tensor3D>;
    const each = tf.tile(tf.expandDims(images as tf.Tensor2D, 0), [weights1!.shape[0], 1, 1]) as tf.Tensor3D;
    const hidden = tf.relu(tf.add(tf.matMul(each, weights1!), tf.expandDims(bias1!, 1)));
    const logits = tf.add(tf.matMul(hidden as tf.Tensor3D, weights2!), tf.expandDims(bias2!, 1));
    const batch = logits.shape[1] as number;
    const likelihood = tf.div(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot as tf.Tensor)), batch);
    const squares = Object.values(params).map((leaf) => tf.sum(tf.square(leaf)));
    return tf.sub(likelihood, tf.mul(0.5 / numData, tf.addN(squares)));
  };
}
