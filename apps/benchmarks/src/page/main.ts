/** Writes the page of results and its chart from a file of figures. */
import { writeFile } from 'node:fs/promises';
import { readJson } from '../entry.ts';
import { drawRatios } from './chart.ts';
import { resultsPage } from './results-page.ts';

const CHART = 'results.svg';

const [file, ...others] = process.argv.slice(2);
if (file === undefined || others.length > 0) {
  console.error('Usage: npm run bench:page -- FILE\n\n  FILE    figures that npm run bench -- --json FILE has written');
  process.exitCode = 2;
} else {
  const folder = new URL('../../', import.meta.url);
  try {
    const entries = await readJson(file);
    await writeFile(new URL(CHART, folder), drawRatios(entries));
    await writeFile(new URL('RESULTS.md', folder), resultsPage(entries, CHART));
    console.log(`Wrote ${new URL('RESULTS.md', folder).pathname} and ${CHART} beside it`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
