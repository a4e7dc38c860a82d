import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** What a match ended in. */
export const results = ['home', 'draw', 'away'] as const;
export type Result = (typeof results)[number];

export interface Match {
  /** Days since 1970. */
  readonly day: number;
  /** The year in which the season began: one runs from August to May. */
  readonly season: number;
  /** Places of the teams in the list of teams. */
  readonly home: number;
  readonly away: number;
  readonly result: Result;
}

export interface League {
  /** In alphabetical order. */
  readonly teams: readonly string[];
  /** In the order of their days. */
  readonly matches: readonly Match[];
}

/** A match as the file has it; the scores are null where it was put off. */
export interface Row {
  readonly date: string;
  readonly division: string;
  readonly home_team: string;
  readonly away_team: string;
  readonly home_score: number | null;
  readonly away_score: number | null;
}

/** The matches of a division that were played. @throws if there is none, or a date is none. */
export function parseLeague(rows: readonly Row[], division: string): League {
  const played = rows.filter(
    (row): row is Row & { readonly home_score: number; readonly away_score: number } =>
      row.division === division && row.home_score !== null && row.away_score !== null,
  );
  if (played.length === 0) {
    const divisions = [...new Set(rows.map((row) => row.division))];
    throw new Error(`parseLeague: no match of ${division} was played; the divisions are ${divisions.join(', ')}`);
  }
  const teams = [...new Set(played.flatMap((row) => [row.home_team, row.away_team]))].sort();
  const matches = played.map((row) => {
    const time = Date.parse(row.date);
    if (Number.isNaN(time)) throw new Error(`parseLeague: the date of a match is ${row.date}`);
    const date = new Date(time);
    const difference = row.home_score - row.away_score;
    return {
      day: time / 86_400_000,
      season: date.getUTCFullYear() - (date.getUTCMonth() < 6 ? 1 : 0),
      home: teams.indexOf(row.home_team),
      away: teams.indexOf(row.away_team),
      result: difference > 0 ? 'home' : difference < 0 ? 'away' : 'draw',
    } as const;
  });
  return { teams, matches: matches.sort((a, b) => a.day - b.day) };
}

/** The English Premier League from August 2013 to May 2017. */
export async function loadPremierLeague(): Promise<League> {
  const file = require.resolve('vega-datasets/data/football.json');
  return parseLeague(JSON.parse(await readFile(file, 'utf8')) as Row[], 'English Premier League');
}
