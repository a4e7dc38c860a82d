// The exact laws of the discrete steps on a normal target of curvature λ with independent dimensions, by recursion of their moments.
import type { Name } from './samplers.ts';

/** Hyper-parameters, the curvature (default 1) and the variance of noise in each element of the gradient (default 0). */
export interface Problem {
  readonly learningRate: number;
  readonly alpha: number;
  readonly beta?: number;
  readonly sigma: number;
  readonly temperature: number;
  readonly curvature?: number;
  readonly gradientNoise?: number;
}

/** Second moments of one dimension, and the thermostat. */
export interface Law {
  readonly params: number;
  readonly cross: number;
  readonly momenta: number;
  readonly xi: number;
}

type Matrix = readonly [a: number, b: number, c: number, d: number];
const product = ([a, b, c, d]: Matrix, [e, f, g, h]: Matrix): Matrix => [
  a * e + b * g,
  a * f + b * h,
  c * e + d * g,
  c * f + d * h,
];

/** A S Aᵀ of the covariance S of (θ, m). */
const carried = (a: Matrix, { params, cross, momenta }: Omit<Law, 'xi'>): Omit<Law, 'xi'> => {
  const transposed: Matrix = [a[0], a[2], a[1], a[3]];
  const [first, second, , last] = product(product(a, [params, cross, cross, momenta]), transposed);
  return { params: first, cross: second, momenta: last };
};

/** The law after one step from the law before. The thermostat is that of infinitely many dimensions, where it does not fluctuate. */
const steps: { readonly [name in Name]: (law: Law, problem: Required<Problem>) => Law } = {
  sgld: (law, { learningRate: e, beta, temperature: t, curvature, gradientNoise }) => ({
    ...law,
    params: (1 - e * curvature) ** 2 * law.params + t * e * (2 - t * e * beta) + e ** 2 * gradientNoise,
  }),
  // (θ ± δ)² has the mean θ² - 2 ε λ θ² + δ² while p₊ is not clipped, with and without noise in the gradient.
  sglrw: (law, { learningRate: e, temperature: t, curvature }) => ({
    ...law,
    params: (1 - 2 * e * curvature) * law.params + 2 * t * e,
  }),
  sghmc: (law, problem) => euler(law, problem, problem.alpha),
  sgnht: (law, problem) => ({
    ...euler(law, problem, law.xi),
    xi: law.xi + problem.learningRate * (law.momenta / problem.sigma ** 2 - problem.temperature),
  }),
  baoa: ({ xi, ...law }, { learningRate: e, alpha, sigma, temperature: t, curvature, gradientNoise }) => {
    const kept = Math.exp((-e * alpha) / sigma ** 2);
    const drift: Matrix = [1, e / 2 / sigma ** 2, 0, 1];
    const pushed = carried([1, 0, -e * curvature, 1], law);
    const halfway = carried(drift, { ...pushed, momenta: pushed.momenta + e ** 2 * gradientNoise });
    const cooled = carried([1, 0, 0, kept], halfway);
    return { ...carried(drift, { ...cooled, momenta: cooled.momenta + sigma ** 2 * t * (1 - kept ** 2) }), xi };
  },
};

function euler(law: Law, problem: Required<Problem>, friction: number): Law {
  const { learningRate: e, alpha, beta, sigma, temperature: t, curvature, gradientNoise } = problem;
  const drift = e / sigma ** 2;
  const { momenta, ...rest } = carried([1, drift, -e * curvature, 1 - drift * friction], law);
  return { ...rest, momenta: momenta + t * e * (2 * alpha - t * e * beta) + e ** 2 * gradientNoise, xi: law.xi };
}

/** The variance of the first parameters: half of what it is in continuous time. Momenta and thermostat start as there. */
export const startVariance = ({ temperature, curvature = 1 }: Problem): number => temperature / curvature / 2;

/** The stationary law, and the number of steps after which no second moment is more than 1e-4 of itself away from it. */
export function stationaryLaw(name: Name, problem: Problem): { readonly law: Law; readonly steps: number } {
  const all = { beta: 0, curvature: 1, gradientNoise: 0, ...problem };
  const { temperature, sigma, alpha } = all;
  const start: Law = { params: startVariance(all), cross: 0, momenta: sigma ** 2 * temperature, xi: alpha };
  const next = (law: Law): Law => steps[name](law, all);
  let law = start;
  for (let i = 0; i < 4_000; i++) law = next(law);
  const far = (other: Law): boolean =>
    (['params', 'momenta'] as const).some((field) => Math.abs(other[field] / law[field] - 1) > 1e-4);
  // The last step that is far away, as moments may oscillate.
  let count = 0;
  let other = start;
  for (let i = 1; i <= 4_000; i++) {
    if (far(other)) count = i;
    other = next(other);
  }
  return { law, steps: count };
}
