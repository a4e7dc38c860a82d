/** Fourier transforms as sums with roots of unity computed beforehand: tfjs's kernels lose digits in the cosines of large angles. */
import { rootsOfUnity } from './kernels-fourier.ts';
import type { Lowering } from './lower.ts';
import { type Atom, type Literal, newValue, type Value } from './program.ts';
import { registerShader } from './shader.ts';

// Of the factors of n, those whose product is `done` are summed over already; `radix` is the next.
const statements = `
    let n = uniforms.n;
    let row = index / n;
    let k = index - row * n;
    let isImag = row % 2 == 1;
    let span = uniforms.done * uniforms.radix;
    let within = k % span;
    let step = within * (n / span);
    var place = (row / 2) * 2 * n + (k / span) * uniforms.done + within % uniforms.done;
    var sum = 0.0;
    var turn = 0;
    for (var j = 0; j < uniforms.radix; j++) {
      let root = vec2<f32>(roots[turn], roots[n + turn]);
      let z = vec2<f32>(x[place], x[place + n]);
      sum += select(z.x * root.x - z.y * root.y, z.x * root.y + z.y * root.x, isImag);
      place += n / uniforms.radix;
      // j step modulo n
      turn += step;
      if (turn >= n) { turn -= n; }
    }
    result[index] = sum;`;

/**
 * Gives tfjs's webgpu device the kernel FourierSum of `x`, `[..., 2, n]`, and the roots, `[2, n]`: one of the steps into which Stockham divides a
 * transform. (Govindaraju et al., High performance discrete Fourier transforms on graphics processors, 2008.)
 */
export function registerFourierSum(): void {
  const integers = ['n', 'done', 'radix'];
  const shader = { reads: ['x', 'roots'], dtype: 'float32', integers, statements } as const;
  registerShader('FourierSum', shader, ([x], { done, radix }) => ({
    shape: x!.shape,
    integers: [x!.shape.at(-1) as number, done as number, radix as number],
  }));
}

export const fourierLowerings: { readonly [kernel: string]: Lowering } = {
  FourierTransform(equation, device) {
    if (device === 'cpu' || device === 'wasm') return [equation];
    const n = equation.inputs[0]!.shape.at(-1) as number;
    const roots = rootsFor(n, equation.attributes['sign'] as number);
    const radices = radicesOf(n);
    let x = equation.inputs[0] as Atom;
    let done = 1;
    return radices.map((radix, i) => {
      const output = i < radices.length - 1 ? newValue(x) : (equation.outputs[0] as Value);
      const step = { kernel: 'FourierSum', inputs: [x, roots], attributes: { done, radix }, outputs: [output] };
      x = output;
      done *= radix;
      return { ...equation, ...step };
    });
  },
};

const knownRoots = new Map<string, WeakRef<Literal>>();

/** The roots as one literal for all transforms of a length, of which a program keeps one tensor. */
function rootsFor(n: number, sign: number): Literal {
  const key = `${sign} ${n}`;
  const known = knownRoots.get(key)?.deref();
  if (known !== undefined) return known;
  const values = Float32Array.from(rootsOfUnity(n, sign));
  const roots: Literal = { kind: 'literal', dtype: 'float32', shape: [2, n], values };
  knownRoots.set(key, new WeakRef(roots));
  return roots;
}

/** So many terms may be summed in one step, where the factors of the length allow it. */
const mostTerms = 16;

/** Factors of a length, as many primes in each as `mostTerms` lets in. */
function radicesOf(n: number): number[] {
  const radices: number[] = [];
  let radix = 1;
  let rest = n;
  for (let prime = 2; rest > 1; ) {
    if (rest % prime !== 0) {
      prime++;
      continue;
    }
    if (radix > 1 && radix * prime > mostTerms) {
      radices.push(radix);
      radix = 1;
    }
    radix *= prime;
    rest /= prime;
  }
  return [...radices, radix];
}
