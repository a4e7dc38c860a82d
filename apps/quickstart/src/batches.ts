import * as tf from '@tensorflow/tfjs';
import { random } from 'posteriors';
import { type Digits, PIXELS } from './data.ts';
import type { Batch } from './inference.ts';

/** Whole batches of digits, shuffled anew for each epoch. A batch is freed when the next one is asked for. */
export function* shuffledBatches(
  { images, labels, count }: Digits,
  size: number,
  epochs: number,
  key: Uint32Array,
): Generator<Batch> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.permutation(random.foldIn(key, epoch), count);
    for (let first = 0; first + size <= count; first += size) {
      const pixels = new Float32Array(size * PIXELS);
      const classes = new Int32Array(size);
      for (let i = 0; i < size; i++) {
        const digit = order[first + i] as number;
        pixels.set(images.subarray(digit * PIXELS, (digit + 1) * PIXELS), i * PIXELS);
        classes[i] = labels[digit] as number;
      }
      const batch: Batch = [tf.tensor2d(pixels, [size, PIXELS]), tf.tensor1d(classes, 'int32')];
      try {
        yield batch;
      } finally {
        tf.dispose([...batch]);
      }
    }
  }
}
