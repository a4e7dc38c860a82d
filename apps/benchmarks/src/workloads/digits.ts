import { loadMnist } from '../../../quickstart/src/data.ts';
import type { Named, Values } from './workload.ts';

const SIDE = 28;
export const PIXELS: number = SIDE * SIDE;
export const CLASSES = 10;

export interface Digits {
  /** Images `[size, 784]`, labels `[size]` and the same as `oneHot` `[size, 10]`. */
  readonly batch: Named<Values>;
  /** How many digits there are in all. */
  readonly count: number;
}

/** The first `size` MNIST digits to train on. */
export async function loadDigits(size: number): Promise<Digits> {
  const { train } = await loadMnist();
  const labels = train.labels.slice(0, size);
  const oneHot = new Float32Array(size * CLASSES);
  labels.forEach((label, row) => {
    oneHot[row * CLASSES + label] = 1;
  });
  return {
    batch: {
      images: { shape: [size, PIXELS], values: train.images.slice(0, size * PIXELS) },
      labels: { shape: [size], values: labels },
      oneHot: { shape: [size, CLASSES], values: oneHot },
    },
    count: train.count,
  };
}

const [TOP, LEFT, ROWS, COLUMNS, HEIGHT, WIDTH] = [3, 4, 11, 4, 2, 5];
export const BLOCKS: number = ROWS * COLUMNS;

/** The middle 22 x 20 pixels of each image as 11 x 4 means over blocks of 2 x 5. */
export function coarse({ batch, count }: Digits): Digits {
  const { values, shape } = batch.images as Values;
  const size = shape[0] as number;
  const means = new Float32Array(size * BLOCKS);
  for (let image = 0; image < size; image++) {
    for (let y = 0; y < ROWS * HEIGHT; y++) {
      for (let x = 0; x < COLUMNS * WIDTH; x++) {
        const pixel = values[image * PIXELS + (TOP + y) * SIDE + LEFT + x] as number;
        const block = Math.floor(y / HEIGHT) * COLUMNS + Math.floor(x / WIDTH);
        means[image * BLOCKS + block]! += pixel / (HEIGHT * WIDTH);
      }
    }
  }
  return { batch: { ...batch, images: { shape: [size, BLOCKS], values: means } }, count };
}
