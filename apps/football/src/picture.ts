/** The figure: skills over time, one panel a team. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { League } from './data.ts';
import type { Step } from './filters.ts';

/** Two champions of these seasons and two that came close, one that went down and one that followed. */
const shown = ['Chelsea', 'Leicester City', 'Manchester City', 'Tottenham Hotspur', 'Aston Villa', 'Sunderland'];

const DAY = 86_400_000;
const colours = { line: '#1f5fa8', band: '#9ec3ea', zero: '#8c959f', rule: '#d0d7de' };

interface Point {
  readonly team: string;
  readonly date: Date;
  readonly season: number;
  readonly skill: number;
  readonly sd: number;
}

/** An SVG of the skill of each team after each of its matches, with one standard deviation to both sides. */
export function drawSkills({ teams }: League, steps: readonly Step[]): string {
  const points = shown.flatMap((team) => pointsOf(team, teams.indexOf(team), steps));
  const starts = [...new Set(steps.map(({ match }) => match.season))]
    .slice(1)
    .map((year) => new Date(Date.UTC(year, 7)));
  const { document } = parseHTML('<html><body></body></html>');
  const panel = (team: string): { column: number; row: number } => {
    const place = shown.indexOf(team);
    return { column: place % 3, row: Math.floor(place / 3) };
  };
  const facet = { fx: ({ team }: Point) => panel(team).column, fy: ({ team }: Point) => panel(team).row };
  const titles = shown.map((team) => ({ team, ...panel(team) }));
  const band = {
    x: 'date',
    y1: ({ skill, sd }: Point) => skill - sd,
    y2: ({ skill, sd }: Point) => skill + sd,
    z: 'season',
  };
  const svg = Plot.plot({
    document: document as unknown as Document,
    width: 960,
    height: 500,
    marginTop: 50,
    marginLeft: 46,
    style: { background: 'white', fontSize: '12px' },
    x: { label: null, type: 'utc', ticks: '1 year', tickFormat: '%Y' },
    y: { label: 'skill, ± one standard deviation', grid: true, ticks: 5, insetTop: 6, insetBottom: 6 },
    fx: { axis: null, padding: 0.07 },
    fy: { axis: null, padding: 0.16 },
    marks: [
      Plot.ruleX(starts, { stroke: colours.rule, strokeDasharray: '2 3' }),
      Plot.ruleY([0], { stroke: colours.zero }),
      Plot.areaY(points, { ...band, ...facet, fill: colours.band, fillOpacity: 0.55 }),
      Plot.line(points, { x: 'date', y: 'skill', z: 'season', ...facet, stroke: colours.line, strokeWidth: 1.6 }),
      Plot.text(titles, {
        fx: 'column',
        fy: 'row',
        text: 'team',
        frameAnchor: 'top-left',
        dy: -16,
        fontWeight: 600,
        fontSize: 13,
      }),
      Plot.frame({ stroke: colours.rule }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const title = 'Skills of six teams of the English Premier League from 2013 to 2017, with one standard deviation';
  return svg.outerHTML.replace('>', `><title>${title}</title>`);
}

/** The skill of a team after each of its own matches, from the first of a season to its last. */
function pointsOf(team: string, place: number, steps: readonly Step[]): Point[] {
  return steps
    .filter(({ match }) => match.home === place || match.away === place)
    .map(({ match, means, sds }) => ({
      team,
      date: new Date(match.day * DAY),
      season: match.season,
      skill: means[place] as number,
      sd: sds[place] as number,
    }));
}
