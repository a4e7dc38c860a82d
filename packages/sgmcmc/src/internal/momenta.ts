/** The first momenta of the samplers that have them. */

import type { Disposer } from '@posteriors/autodiff';
import { normalLike } from '@posteriors/distributions';
import type { Key } from '@posteriors/random';
import {
  checkHyper,
  finite,
  type InitOptions,
  initState,
  likeParams,
  named,
  notNegative,
  notYet,
  positive,
  readsAtOnce,
  requireElements,
  type StateBase,
} from '@posteriors/transform';
import { map, reduce, size, type TensorTree } from '@posteriors/tree';
import { mul, sqrt, type Tensor } from '@tensorflow/tfjs-core';

/** What the `init` of a sampler with momenta may be given. */
export interface MomentaOptions<P> extends InitOptions {
  /** A tree like the parameters, or a number or a scalar tensor for all elements. Default: a draw from N(0, sigma² temperature). */
  readonly momenta?: P | number | Tensor | undefined;
  /** Standard deviation of the momenta at temperature 1. Default 1. */
  readonly sigma?: number | Tensor;
  /** Default 1. */
  readonly temperature?: number | Tensor;
}

/** The first state of a sampler with momenta, and in it the fields that `make` computes. `name` begins the errors. */
export function initWithMomenta<P extends TensorTree, F extends object>(
  name: string,
  params: P,
  { momenta, sigma = 1, temperature = 1, ...options }: MomentaOptions<NoInfer<P>>,
  make: () => F,
): { readonly params: P; readonly momenta: P; readonly logPosterior: Tensor } & F & StateBase & Disposer {
  const scale = { sigma, temperature };
  checkHyper<typeof scale>(name, scale, { sigma: positive, temperature: notNegative });
  if (momenta !== undefined) named(name, () => requireElements('momenta', momenta, finite));
  const state = initState(name, params, options, (owned, key) => ({
    momenta: momenta === undefined ? stationary(key, owned, scale) : likeParams('momenta', momenta, owned),
    logPosterior: notYet(),
    ...make(),
  }));
  if (momenta !== undefined) warnOfHeat(name, momenta, scale);
  return state;
}

interface Scale {
  readonly sigma: number | Tensor;
  readonly temperature: number | Tensor;
}

/** Momenta from N(0, σ² T), their law at the temperature. */
function stationary<P extends TensorTree>(key: Key, params: P, { sigma, temperature }: Scale): P {
  const sd = mul(sigma, sqrt(temperature));
  return map((noise: Tensor) => mul(noise, sd), normalLike(key, params));
}

/** How many times as large as at the temperature the mean square of given momenta may be, before a warning. */
const TOO_HOT = 100;

/** Warns of momenta that throw the parameters far away, where they can be read at once. At temperature 0 they are a choice of velocity. */
function warnOfHeat(name: string, momenta: TensorTree | number, { sigma, temperature }: Scale): void {
  if (typeof sigma !== 'number' || typeof temperature !== 'number' || temperature === 0) return;
  if (typeof momenta !== 'number' && !readsAtOnce()) return;
  const squares = typeof momenta === 'number' ? momenta ** 2 : meanSquare(momenta);
  const usual = sigma ** 2 * temperature;
  if (squares <= TOO_HOT * usual) return;
  console.warn(
    `${name}: the mean square of the given momenta is ${squares}, and sigma² temperature, which it is in the long run, only ${usual}. Until friction ` +
      'has slowed them down the parameters are thrown far away. Leave momenta out to draw them from N(0, sigma² temperature), or give 0.',
  );
}

function meanSquare(tree: TensorTree): number {
  const add = (sum: number, leaf: Tensor): number => leaf.dataSync<'float32'>().reduce((s, x) => s + x * x, sum);
  return reduce(add, 0, tree) / size(tree);
}
