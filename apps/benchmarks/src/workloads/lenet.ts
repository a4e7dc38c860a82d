import * as tf from '@tensorflow/tfjs';
import { classifierPosterior } from './classifier.ts';
import { CLASSES, loadDigits, PIXELS } from './digits.ts';
import { glorot } from './initial.ts';
import { lenetGradient } from './lenet-loops.ts';
import type { Named, Posterior, Values } from './workload.ts';

/** LeNet-5 with tanh and average pooling, 61,706 parameters, with a standard normal prior, on the first MNIST digits. */
export async function loadLenet(size: number): Promise<Posterior> {
  const { batch, count } = await loadDigits(size);
  const images = { ...batch.images!, shape: [size, 28, 28, 1] };
  const [filters1, filters2, weights3, weights4, weights5] = glorot(
    [5, 5, 1, 6],
    [5, 5, 6, 16],
    [400, 120],
    [120, 84],
    [84, CLASSES],
  ) as [Values, Values, Values, Values, Values];
  const zeros = (length: number): Values => ({ shape: [length], values: new Float32Array(length) });
  return {
    name: 'lenet',
    params: {
      filters1,
      bias1: zeros(6),
      filters2,
      bias2: zeros(16),
      weights3,
      bias3: zeros(120),
      weights4,
      bias4: zeros(84),
      weights5,
      bias5: zeros(CLASSES),
    },
    batches: [{ ...batch, images }],
    numData: count,
    ...classifierPosterior(logits, count),
    gradient: (params) => {
      const { values } = images;
      const rows = Array.from({ length: size }, (_, row) => values.subarray(row * PIXELS, (row + 1) * PIXELS));
      return lenetGradient(params, rows, batch.labels!.values as Int32Array, count);
    },
  };
}

function logits(params: Named<tf.Tensor>, { images }: Named<tf.Tensor>): tf.Tensor {
  const block = (x: tf.Tensor, layer: 1 | 2, padding: 'same' | 'valid'): tf.Tensor => {
    const filters = params[`filters${layer}`] as tf.Tensor4D;
    const convolved = tf.add(tf.conv2d(x as tf.Tensor4D, filters, 1, padding), params[`bias${layer}`] as tf.Tensor);
    return tf.avgPool(tf.tanh(convolved) as tf.Tensor4D, 2, 2, 'valid');
  };
  const dense = (x: tf.Tensor, layer: 3 | 4 | 5): tf.Tensor =>
    tf.add(tf.matMul(x as tf.Tensor2D, params[`weights${layer}`] as tf.Tensor2D), params[`bias${layer}`] as tf.Tensor);
  const features = block(block(images as tf.Tensor, 1, 'same'), 2, 'valid');
  const flat = tf.reshape(features, [-1, 400]);
  return dense(tf.tanh(dense(tf.tanh(dense(flat, 3)), 4)), 5);
}
