import { describe, expect, test } from 'vitest';
import { loadPremierLeague, parseLeague, type Row } from '../src/data.ts';

const row = (date: string, home: string, away: string, score: readonly [number | null, number | null]): Row => ({
  date,
  division: 'D',
  home_team: home,
  away_team: away,
  home_score: score[0],
  away_score: score[1],
});

describe('parseLeague', () => {
  test('puts matches in the order of their days and numbers the teams by name', () => {
    const rows = [
      row('2014-01-02', 'C', 'A', [2, 0]),
      row('2013-08-17', 'A', 'B', [1, 1]),
      row('2014-07-01', 'B', 'C', [0, 3]),
    ];
    const { teams, matches } = parseLeague(rows, 'D');
    expect(teams).toEqual(['A', 'B', 'C']);
    expect(matches.map(({ home, away, result, season }) => [home, away, result, season])).toEqual([
      [0, 1, 'draw', 2013],
      [2, 0, 'home', 2013],
      [1, 2, 'away', 2014],
    ]);
    expect((matches[1]?.day ?? 0) - (matches[0]?.day ?? 0)).toBe(138);
  });

  test('leaves out what was put off and other divisions', () => {
    const other = { ...row('2014-01-03', 'X', 'Y', [1, 0]), division: 'E' };
    const { teams } = parseLeague(
      [row('2014-01-01', 'A', 'B', [null, null]), row('2014-01-02', 'B', 'C', [1, 0]), other],
      'D',
    );
    expect(teams).toEqual(['B', 'C']);
  });

  test('refuses a division without matches, and what is no date', () => {
    expect(() => parseLeague([row('2014-01-01', 'A', 'B', [1, 0])], 'F')).toThrow(
      'parseLeague: no match of F was played; the divisions are D',
    );
    expect(() => parseLeague([row('soon', 'A', 'B', [1, 0])], 'D')).toThrow('the date of a match is soon');
  });
});

test('the Premier League has four whole seasons of 20 teams, each of which meets each other twice', async () => {
  const { teams, matches } = await loadPremierLeague();
  expect(teams).toHaveLength(26);
  expect(matches).toHaveLength(4 * 380);
  for (const season of [2013, 2014, 2015, 2016]) {
    const played = matches.filter((match) => match.season === season);
    expect(new Set(played.map(({ home, away }) => `${home} ${away}`)).size).toBe(380);
    expect(new Set(played.map(({ home }) => home)).size).toBe(20);
  }
});
