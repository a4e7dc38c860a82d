import * as tf from '@tensorflow/tfjs';
import { categoricalLogProb, diagNormalLogProb, scan } from 'posteriors';
import { glorot } from './initial.ts';
import { lstmGradient } from './lstm-loops.ts';
import { loadReviews, VOCABULARY } from './reviews.ts';
import type { Named, Posterior, Values } from './workload.ts';

const CLASSES = 2;
const UNITS = 32;

/** The last state of an LSTM over words, 168,386 parameters, with a standard normal prior: IMDB reviews, negative or positive. */
export async function loadLstm(size: number, length: number): Promise<Posterior> {
  const { words, labels, count } = await loadReviews(size, length);
  const [embedding, inputs, recurrent, outputs] = glorot(
    [VOCABULARY, UNITS],
    [UNITS, 4 * UNITS],
    [UNITS, 4 * UNITS],
    [UNITS, CLASSES],
  ) as [Values, Values, Values, Values];
  return {
    name: 'lstm',
    params: {
      embedding,
      inputs,
      recurrent,
      bias: { shape: [4 * UNITS], values: new Float32Array(4 * UNITS) },
      outputs,
      outputsBias: { shape: [CLASSES], values: new Float32Array(CLASSES) },
    },
    batches: [
      {
        words: { shape: [size, length], values: words },
        labels: { shape: [size], values: labels },
      },
    ],
    numData: count,
    logPosterior: (params, data) => {
      const [last] = scan(
        (carry: Carry, x: tf.Tensor) => [cell(params, carry, x), []] as const,
        start(data),
        embedded(params, data),
      );
      const logLikelihood = tf.mean(categoricalLogProb(logits(params, last), data.labels as tf.Tensor));
      return tf.add(logLikelihood, tf.div(diagNormalLogProb(params, 0, 1, { normalize: false }), count));
    },
    gradient: (params) => lstmGradient(params, words, labels, count),
  };
}

/** Output and memory, `[batch, units]`. */
type Carry = { readonly hidden: tf.Tensor; readonly memory: tf.Tensor };

function start({ words }: Named<tf.Tensor>): Carry {
  const zeros = tf.zeros([words!.shape[0] as number, UNITS]);
  return { hidden: zeros, memory: zeros };
}

/** The words one after the other, `[length, batch, units]`. */
function embedded({ embedding }: Named<tf.Tensor>, { words }: Named<tf.Tensor>): tf.Tensor {
  return tf.gather(embedding!, tf.transpose(words as tf.Tensor2D));
}

function cell(params: Named<tf.Tensor>, { hidden, memory }: Carry, x: tf.Tensor): Carry {
  const { inputs, recurrent, bias } = params as Named<tf.Tensor2D>;
  const fromInput = tf.matMul(x as tf.Tensor2D, inputs!);
  const sums = tf.add(tf.add(fromInput, tf.matMul(hidden as tf.Tensor2D, recurrent!)), bias!);
  const [enter, forget, candidate, leave] = tf.split(sums, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const kept = tf.mul(tf.sigmoid(forget), memory);
  const next = tf.add(kept, tf.mul(tf.sigmoid(enter), tf.tanh(candidate)));
  return { hidden: tf.mul(tf.sigmoid(leave), tf.tanh(next)), memory: next };
}

function logits({ outputs, outputsBias }: Named<tf.Tensor>, { hidden }: Carry): tf.Tensor {
  return tf.add(tf.matMul(hidden as tf.Tensor2D, outputs as tf.Tensor2D), outputsBias!);
}
