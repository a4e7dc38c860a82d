/** A density with four modes: in each of two dimensions `exp(x² - x⁴ / 10)`, whose wells are at plus and minus the root of 5. */
import * as tf from '@tensorflow/tfjs-core';
import { withAux } from 'posteriors';

export const MODE: number = Math.sqrt(5);

/** The log density of a point `[2]`, up to a constant. There are no data: batches are `null`. */
export function logPosterior(x: tf.Tensor, _batch: null): [value: tf.Tensor, aux: []] {
  const square = tf.square(x);
  return withAux(tf.sum(tf.sub(square, tf.div(tf.square(square), 10))), []);
}

/** The log density of one coordinate, up to a constant. */
export const logMarginal = (x: number): number => x ** 2 - x ** 4 / 10;

export interface Moments {
  /** The mean of x², the same in both dimensions. */
  readonly meanSquare: number;
  /** The mean of |x|. */
  readonly meanSize: number;
}

/** The moments of one coordinate, by the trapezoidal rule, which is exact to rounding for such a density. */
export function exactMoments(): Moments {
  let [total, square, size] = [0, 0, 0];
  for (let x = -8; x <= 8; x += 1e-3) {
    const density = Math.exp(logMarginal(x));
    total += density;
    square += density * x ** 2;
    size += density * Math.abs(x);
  }
  return { meanSquare: square / total, meanSize: size / total };
}

/** A point in the plane. */
export type Point = readonly [x: number, y: number];

/** A share of draws, and its standard error. */
export interface Share {
  readonly share: number;
  readonly error: number;
}

/** Parts of a chain whose means are taken as independent. */
const BLOCKS = 20;

/** The moments of the draws of a chain, and the share of them in each quadrant, by the signs of its coordinates, with errors by batch means. */
export function describe(draws: readonly Point[]): Moments & { readonly quadrants: Readonly<Record<string, Share>> } {
  const coordinates = draws.flat();
  const mean = (of: (x: number) => number): number =>
    coordinates.reduce((sum, x) => sum + of(x), 0) / coordinates.length;
  const sign = (x: number): string => (x < 0 ? '-' : '+');
  const shareOf = (quadrant: string, points: readonly Point[]): number =>
    points.filter(([x, y]) => sign(x) + sign(y) === quadrant).length / points.length;
  const length = Math.floor(draws.length / BLOCKS);
  const blocks = Array.from({ length: length > 0 ? BLOCKS : 0 }, (_, i) => draws.slice(i * length, (i + 1) * length));
  const quadrants = Object.fromEntries(
    ['--', '-+', '+-', '++'].map((quadrant) => {
      const share = shareOf(quadrant, draws);
      const squares = blocks.map((block) => (shareOf(quadrant, block) - share) ** 2);
      const error = Math.sqrt(squares.reduce((a, b) => a + b, 0) / (BLOCKS - 1) / BLOCKS);
      return [quadrant, { share, error }];
    }),
  );
  return { meanSquare: mean((x) => x ** 2), meanSize: mean(Math.abs), quadrants };
}
