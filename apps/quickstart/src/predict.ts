import * as tf from '@tensorflow/tfjs';
import { jit, type ModelParameters, modelToFunction } from 'posteriors';
import { type Images, PIXELS } from './data.ts';

/** Probabilities of the classes of each image under each draw, `[draws, images, classes]`. */
export interface Predictions {
  readonly values: Float32Array;
  readonly shape: readonly [draws: number, images: number, classes: number];
}

const CLASSES = 10;
const IMAGES_AT_ONCE = 5_000;

/** What each draw of the parameters predicts. */
export async function predict(
  model: tf.LayersModel,
  draws: readonly ModelParameters[],
  { images, count }: Images,
): Promise<Predictions> {
  const network = modelToFunction(model);
  const probabilities = jit((params: ModelParameters, inputs: tf.Tensor) => tf.softmax(network(params, inputs)), {
    name: 'predict',
  });
  const values = new Float32Array(draws.length * count * CLASSES);
  for (let first = 0; first < count; first += IMAGES_AT_ONCE) {
    const rows = Math.min(IMAGES_AT_ONCE, count - first);
    const inputs = tf.tensor2d(images.subarray(first * PIXELS, (first + rows) * PIXELS), [rows, PIXELS]);
    for (const [i, draw] of draws.entries()) {
      const result = probabilities(draw, inputs);
      values.set(await result.data<'float32'>(), (i * count + first) * CLASSES);
      result.dispose();
    }
    inputs.dispose();
  }
  probabilities.dispose();
  return { values, shape: [draws.length, count, CLASSES] };
}
