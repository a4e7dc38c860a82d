import * as tf from '@tensorflow/tfjs';
import { categoricalLogProb, diagNormalLogProb, random } from 'posteriors';
import { loadMnist } from '../../../quickstart/src/data.ts';
import type { Model, Named, Values } from './workload.ts';

const [INPUTS, HIDDEN, CLASSES, BATCH] = [784, 64, 10, 32];

/** A network 784-64-10 with a standard normal prior, and the first 32 MNIST digits. */
export async function loadNetwork(): Promise<Model> {
  const { train } = await loadMnist();
  const images = train.images.slice(0, BATCH * INPUTS);
  const labels = train.labels.slice(0, BATCH);
  const oneHot = new Float32Array(BATCH * CLASSES);
  labels.forEach((label, row) => {
    oneHot[row * CLASSES + label] = 1;
  });
  const { count } = train;

  return {
    name: 'network',
    params: initialWeights(),
    batch: {
      images: { shape: [BATCH, INPUTS], values: images },
      labels: { shape: [BATCH], values: labels },
      oneHot: { shape: [BATCH, CLASSES], values: oneHot },
    },
    numData: count,
    logPosterior: (params, batch) => {
      const logLikelihood = tf.mean(categoricalLogProb(logits(params, batch), batch.labels as tf.Tensor));
      return tf.add(logLikelihood, tf.div(diagNormalLogProb(params, 0, 1, { normalize: false }), count));
    },
    eagerLogPosterior: (params, batch) => {
      const loss = tf.losses.softmaxCrossEntropy(batch.oneHot as tf.Tensor, logits(params, batch));
      const squares = Object.values(params).map((leaf) => tf.sum(tf.square(leaf)));
      return tf.sub(tf.mul(-0.5 / count, tf.addN(squares)), loss as tf.Scalar);
    },
    gradient: (params) => gradient(params, images, labels, count),
  };
}

function initialWeights(): Named<Values> {
  const [first, second] = random.split(random.key(0));
  const glorot = (key: Uint32Array, rows: number, columns: number): Values => {
    const noise = random.normal(key, [rows, columns]);
    const scale = Math.sqrt(2 / (rows + columns));
    const values = Float32Array.from(noise.dataSync(), (value) => scale * value);
    noise.dispose();
    return { shape: [rows, columns], values };
  };
  return {
    weights1: glorot(first as Uint32Array, INPUTS, HIDDEN),
    bias1: { shape: [HIDDEN], values: new Float32Array(HIDDEN) },
    weights2: glorot(second as Uint32Array, HIDDEN, CLASSES),
    bias2: { shape: [CLASSES], values: new Float32Array(CLASSES) },
  };
}

function logits(params: Named<tf.Tensor>, { images }: Named<tf.Tensor>): tf.Tensor {
  const { weights1, bias1, weights2, bias2 } = params as Named<tf.Tensor2D>;
  const hidden = tf.relu(tf.add(tf.matMul(images as tf.Tensor2D, weights1!), bias1!));
  return tf.add(tf.matMul(hidden as tf.Tensor2D, weights2!), bias2!);
}

/** The gradient of the mean log likelihood and the log prior over `count`, by plain loops. */
function gradient(
  params: Named<Float64Array>,
  images: Float32Array,
  labels: Int32Array,
  count: number,
): Named<Float64Array> {
  const { weights1, bias1, weights2, bias2 } = params;
  const hidden = dense(images, weights1!, bias1!).map((value) => Math.max(value, 0));
  const scores = dense(hidden, weights2!, bias2!);
  const residuals = new Float64Array(BATCH * CLASSES);
  for (let row = 0; row < BATCH; row++) {
    const exps = scores.subarray(row * CLASSES, (row + 1) * CLASSES).map(Math.exp);
    const total = exps.reduce((sum, value) => sum + value, 0);
    for (let k = 0; k < CLASSES; k++) {
      residuals[row * CLASSES + k] = ((labels[row] === k ? 1 : 0) - exps[k]! / total) / BATCH;
    }
  }
  const back = new Float64Array(BATCH * HIDDEN);
  for (let row = 0; row < BATCH; row++) {
    for (let unit = 0; unit < HIDDEN; unit++) {
      if (hidden[row * HIDDEN + unit] === 0) continue;
      let sum = 0;
      for (let k = 0; k < CLASSES; k++) sum += residuals[row * CLASSES + k]! * weights2![unit * CLASSES + k]!;
      back[row * HIDDEN + unit] = sum;
    }
  }
  const shrink = (leaf: Float64Array): Float64Array => leaf.map((value) => -value / count);
  return {
    weights1: addOuter(shrink(weights1!), images, back),
    bias1: addRows(shrink(bias1!), back),
    weights2: addOuter(shrink(weights2!), hidden, residuals),
    bias2: addRows(shrink(bias2!), residuals),
  };
}

/** inputs [BATCH, n] weights [n, m] + bias [m] */
function dense(inputs: ArrayLike<number>, weights: Float64Array, bias: Float64Array): Float64Array {
  const [n, m] = [inputs.length / BATCH, bias.length];
  const outputs = new Float64Array(BATCH * m);
  for (let row = 0; row < BATCH; row++) {
    outputs.set(bias, row * m);
    for (let i = 0; i < n; i++) {
      const input = inputs[row * n + i]!;
      for (let j = 0; j < m; j++) outputs[row * m + j]! += input * weights[i * m + j]!;
    }
  }
  return outputs;
}

/** Adds inputsᵀ residuals, [n, BATCH] [BATCH, m], to `sum` [n, m]. */
function addOuter(sum: Float64Array, inputs: ArrayLike<number>, residuals: Float64Array): Float64Array {
  const [n, m] = [inputs.length / BATCH, residuals.length / BATCH];
  for (let row = 0; row < BATCH; row++) {
    for (let i = 0; i < n; i++) {
      const input = inputs[row * n + i]!;
      for (let j = 0; j < m; j++) sum[i * m + j]! += input * residuals[row * m + j]!;
    }
  }
  return sum;
}

function addRows(sum: Float64Array, residuals: Float64Array): Float64Array {
  residuals.forEach((value, i) => {
    sum[i % sum.length]! += value;
  });
  return sum;
}
