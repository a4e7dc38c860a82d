/** Follows the skills of football teams through four seasons, forecasts each match before it is played, and draws the skills. */
import { writeFile } from 'node:fs/promises';
import { setBackend } from 'posteriors';
import { loadPremierLeague, type Match } from './data.ts';
import { type FilterName, follow, makeFilter, type Settings, type Step } from './filters.ts';
import { constantRates, cutsOf, rates } from './model.ts';
import { drawSkills } from './picture.ts';
import { logLosses, meanOf } from './scores.ts';

/** The season on which the cuts and the settings were chosen; it does not count. */
const FIRST = 2013;
/** Of spreads 0.3, 0.5, 0.7, 1 and drifts 0, 0.01, 0.02, 0.03, 0.05 those that forecast the first season best. */
const settings: Settings = { spread: 0.7, drift: 0.01 };
const filters: readonly FilterName[] = ['denseGgn', 'diagGgn', 'denseFisher', 'diagFisher'];
const drawn: FilterName = 'denseGgn';

await setBackend('cpu'); // 26 numbers: a call to a device costs more than the arithmetic
const league = await loadPremierLeague();
const { matches } = league;
const cuts = cutsOf(rates(matches.filter(({ season }) => season === FIRST)));
const followed = new Map<FilterName, Step[]>(
  filters.map((name) => [name, [...follow(makeFilter(name, cuts, settings), league, cuts, settings)]]),
);

const baseline = logLosses(matches, constantRates(matches));
const seasons = [...new Set(matches.map(({ season }) => season))].filter((season) => season > FIRST);
const within = (values: readonly number[], played: (match: Match) => boolean): number[] =>
  values.filter((_, i) => played(matches[i] as Match));
const row = (name: string, losses: readonly number[]): string => {
  const cells = seasons.map((year) => meanOf(within(losses, ({ season }) => season === year)).mean.toFixed(4));
  const counted = (values: readonly number[]): number[] => within(values, ({ season }) => season > FIRST);
  const gain = meanOf(counted(baseline.map((loss, i) => loss - (losses[i] as number))));
  const gained = losses === baseline ? '' : `${gain.mean.toFixed(4)} ± ${gain.standardError.toFixed(4)}`;
  const all = meanOf(counted(losses)).mean.toFixed(4);
  return [name.padEnd(16), ...[...cells, all].map((cell) => cell.padStart(9)), gained.padStart(18)].join('');
};
console.log('Log loss in nats a match, each forecast before it was played:\n');
const heads = [...seasons.map((year) => `${year}/${(year + 1) % 100}`), 'all'].map((head) => head.padStart(9));
console.log(`${' '.repeat(16)}${heads.join('')}${'gain'.padStart(18)}`);
console.log(row('constant rates', baseline));
for (const [name, steps] of followed) {
  const forecasts = steps.map(({ forecast }) => forecast);
  console.log(row(name, logLosses(matches, forecasts)));
}

const file = new URL('../skills.svg', import.meta.url);
await writeFile(file, drawSkills(league, followed.get(drawn) as Step[]));
console.log(`\nWrote ${file.pathname}`);
