/** The Euler-Maruyama scheme of Langevin dynamics with momenta. */

import { normalLike } from '@posteriors/distributions';
import type { Scalars } from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, mul, pow, sqrt, sub, type Tensor } from '@tensorflow/tfjs-core';
import type { GradientNoise, MomentumHyper } from './hyper.ts';
import type { Position } from './sampler.ts';

export interface Moving extends Position {
  readonly momenta: TensorTree;
}

/**
 * One step, where all right-hand sides are of the old state, with a friction that may be another than the α of the noise:
 *
 *     θ ← θ + ε σ⁻² m
 *     m ← m + ε g - ε σ⁻² friction m + √(T ε (2α - T ε β)) z,   z ~ N(0, I)
 */
export function eulerStep(
  { params, momenta }: Moving,
  gradient: TensorTree,
  hyper: Scalars<MomentumHyper & GradientNoise>,
  friction: Tensor,
  noise: Tensor,
): Omit<Moving, 'logPosterior'> {
  const { learningRate: epsilon, alpha, beta, sigma, temperature } = hyper;
  const drift = mul(epsilon, pow(sigma, -2));
  const drag = mul(drift, friction);
  const sd = noiseSd(mul(temperature, epsilon), mul(2, alpha), beta);
  return {
    params: map((theta: Tensor, m: Tensor) => add(theta, mul(drift, m)), params, momenta),
    momenta: map(
      (m: Tensor, g: Tensor, z: Tensor) => add(add(sub(m, mul(drag, m)), mul(epsilon, g)), mul(sd, z)),
      momenta,
      gradient,
      normalLike(noise, momenta),
    ),
  };
}

/** The standard deviation of the noise that a step needs besides that of the gradient: √(h (gain - h β)), where h is T ε. */
export function noiseSd(heat: Tensor, gain: number | Tensor, beta: Tensor): Tensor {
  return sqrt(mul(heat, sub(gain, mul(heat, beta))));
}
