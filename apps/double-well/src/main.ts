/** A density of four modes: what variational inference finds of it, and what samplers do. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { setBackend } from 'posteriors';
import { describe, exactMoments, type Moments, type Point } from './density.ts';
import { fit, sample, samplers } from './inference.ts';
import { draw } from './picture.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '0' } } });
const seed = Number(values.seed);

await setBackend('cpu'); // two numbers: a call to a device costs more than the arithmetic
const normal = await fit(seed);
const chain = { steps: 40_000, burnIn: 1_000, thin: 13 };
const draws: Record<string, Point[]> = {};
for (const [name, transform] of Object.entries(samplers)) draws[name] = await sample(transform, seed, chain);

const row = (name: string, { meanSquare, meanSize }: Moments, note: string): string =>
  `${name.padEnd(8)}${meanSquare.toFixed(2).padStart(8)}${meanSize.toFixed(2).padStart(10)}   ${note}`;
const [mean, sd] = [normal.mean, normal.sd].map(([x, y]) => `(${x.toFixed(2)}, ${y.toFixed(2)})`);
console.log(
  `${''.padEnd(8)}${'E x²'.padStart(8)}${'E |x|'.padStart(10)}   share of the draws in each quadrant, with its standard error`,
);
console.log(row('exact', exactMoments(), '-- 25 %      -+ 25 %      +- 25 %      ++ 25 %'));
for (const [name, points] of Object.entries(draws)) {
  const found = describe(points);
  const shares = Object.entries(found.quadrants).map(
    ([quadrant, { share, error }]) => `${quadrant} ${Math.round(100 * share)} ± ${Math.round(100 * error)} %`,
  );
  console.log(row(name, found, shares.join('  ')));
}
console.log(`VI      one mode: mean ${mean}, standard deviations ${sd}`);

const file = new URL('../double-well.svg', import.meta.url);
await writeFile(file, draw(normal, draws));
console.log(`Wrote ${file.pathname}`);
