// The functions of assembly/functions.ts, over all of float32, against those of float64.
import { describe, expect, test } from 'vitest';
import { type ArrayFunction, vectorFunction } from './vector-functions.ts';

/** Positive terms only: Abramowitz and Stegun 7.1.6. */
function erf(x: number): number {
  if (!(Math.abs(x) < 6)) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const logistic = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The sign of a zero is that of the divisor; JavaScript's remainder has that of the dividend. */
function remainder(a: number, b: number): number {
  const r = a % b;
  if (r === 0) return b < 0 ? -0 : 0;
  return r < 0 !== b < 0 ? r + b : r;
}

/** How far off a number may be, in units of the last place: what was found for every 101st float32 number, rounded up. */
const unary: readonly [name: string, exact: (x: number) => number, units: number][] = [
  ['exp', Math.exp, 1],
  ['expm1', Math.expm1, 1.5],
  ['log', Math.log, 1.1],
  ['log1p', Math.log1p, 1.5],
  ['tanh', Math.tanh, 1.5],
  ['sigmoid', logistic, 2.3],
  ['softplus', softplus, 1.8],
  ['erf', erf, 1.5],
  ['sin', Math.sin, 1.7],
  ['cos', Math.cos, 1.7],
  ['tan', Math.tan, 3.8],
  ['asin', Math.asin, 2.5],
  ['acos', Math.acos, 1.2],
  ['atan', Math.atan, 1.5],
  ['sinh', Math.sinh, 2.3],
  ['cosh', Math.cosh, 1.5],
  ['asinh', Math.asinh, 1.8],
  ['acosh', Math.acosh, 2.9],
  ['atanh', Math.atanh, 2.2],
];
const binary: readonly [name: string, exact: (a: number, b: number) => number, units: number][] = [
  ['pow', Math.pow, 0.51],
  ['atan2', Math.atan2, 2],
  ['mod', remainder, 0.5],
];

const largest = (2 - 2 ** -23) * 2 ** 127;
// biome-ignore format: numbers
const special = [
  0, 0.5, 1, 1.5, 2, 3, 4, 2 ** 24 - 1, 2 ** 24, 2 ** 31, 88.72284, 104, 2 ** -149, 2 ** -127, 2 ** -126, largest, Infinity,
]
  .flatMap((x) => [x, -x])
  .concat(Number.NaN);

/** Every `step`th of the float32 numbers, in the order of their bits. */
const everyOf = (step: number): Float32Array =>
  new Float32Array(Uint32Array.from({ length: Math.floor(2 ** 32 / step) }, (_, i) => i * step).buffer);

/** The distance of two neighbours of float32 around x. */
const spacing = (x: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -126) - 23);

/** Units in the last place of float32 between a number and the exact value; infinite where only one of them is a number, or of another sign. */
function distance(received: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(received, rounded)) return 0;
  if (Number.isNaN(received) || Number.isNaN(rounded) || (received === 0 && rounded === 0)) return Infinity;
  const finite = (x: number): number => Math.min(Math.max(x, -(2 ** 128)), 2 ** 128);
  return Math.abs(finite(received) - finite(exact)) / spacing(Math.min(Math.abs(exact), largest));
}

const bitsOf = (x: Float32Array): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);

function requireClose(
  [name, exact, units]: readonly [string, (a: number, b: number) => number, number],
  a: Float32Array,
  b: Float32Array,
  received: Float32Array,
): void {
  received.forEach((value, i) => {
    const expected = exact(a[i]!, b[i]!);
    const off = distance(value, expected);
    if (!(off <= units)) throw new Error(`${name}(${a[i]}, ${b[i]}) is ${value}, not ${expected}: ${off} units off`);
  });
}

/** The elements at every `stride`th place, around and around, so that those that lie side by side have nothing in common. */
const scattered = (x: Float32Array, stride: number): Float32Array => x.map((_, i) => x[(i * stride) % x.length]!);

/** Pairs of all special numbers, of numbers of all magnitudes, and of numbers of everyday size. */
function pairs(): [Float32Array, Float32Array] {
  const all = everyOf(20_011);
  const everyday = (x: number, i: number): number => ((x % 1) * 40 * (i % 7)) / 6;
  const a = special.flatMap((x) => special.map(() => x));
  const b = special.flatMap(() => special);
  const noise = all.map((_, i) => Math.fround(((i * 0.618033988749895) % 1) * 2 - 1));
  const other = all.map((_, i) => Math.fround(((i * 0.7548776662466927) % 1) * 2 - 1));
  return [
    Float32Array.from([...a, ...all, ...noise.map(everyday), ...noise.map((x) => 1 + x / 64)]),
    Float32Array.from([...b, ...scattered(all, 100_003), ...other.map(everyday), ...other.map((x) => x * 4000)]),
  ];
}

describe('over all of float32', () => {
  const numbers = Float32Array.from([...special, ...everyOf(8209)]);
  test.each(unary)('%s', (name, exact, units) => {
    const f = vectorFunction(name, 1);
    const received = f(numbers);
    requireClose([name, exact, units], numbers, numbers, received);
    // What becomes of a number depends on no other: 65537 has no divisor in common with the length.
    const apart = f(scattered(numbers, 65_537));
    expect(numbers.length % 65_537).not.toBe(0);
    expect(bitsOf(apart).equals(bitsOf(scattered(received, 65_537)))).toBe(true);
  });

  const [a, b] = pairs();
  test.each(binary)('%s', (name, exact, units) => {
    requireClose([name, exact, units], a, b, vectorFunction(name, 2)(a, b));
  });
});

describe('special cases', () => {
  const at = (name: string, ...x: number[]): number => vectorFunction(name, 1)(Float32Array.from(x))[0]!;
  const of = (f: ArrayFunction, a: number, b: number): number => f(Float32Array.of(a), Float32Array.of(b))[0]!;

  test.each(['expm1', 'log1p', 'tanh', 'erf', 'sin', 'tan', 'asin', 'atan', 'sinh', 'asinh', 'atanh'])(
    '%s leaves zeros and the numbers next to them as they are',
    (name) => {
      for (const x of [0, -0, 2 ** -149, -(2 ** -149), 3 * 2 ** -149, 2 ** -130]) {
        expect(at(name, x)).toBe(name === 'erf' ? Math.fround(erf(x)) : x);
      }
    },
  );

  test('a power as JavaScript has it', () => {
    const pow = vectorFunction('pow', 2);
    expect(of(pow, Number.NaN, 0)).toBe(1);
    expect(of(pow, -1, Number.POSITIVE_INFINITY)).toBeNaN();
    expect(of(pow, -2, 3)).toBe(-8);
    expect(of(pow, -2, 0.5)).toBeNaN();
    expect(of(pow, -0, -3)).toBe(Number.NEGATIVE_INFINITY);
    expect(of(pow, Number.NEGATIVE_INFINITY, 0.5)).toBe(Number.POSITIVE_INFINITY);
  });

  test('a remainder is exact, however large the quotient, and has the sign of the divisor', () => {
    const mod = vectorFunction('mod', 2);
    expect(of(mod, largest, 3 * 2 ** -149)).toBe(largest % (3 * 2 ** -149));
    expect(of(mod, -7, 3)).toBe(2);
    expect(of(mod, 7, -3)).toBe(-2);
    expect(of(mod, -1, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(of(mod, 1, 0)).toBeNaN();
  });
});
