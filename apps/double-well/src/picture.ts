/** The figure: the density, and what each method makes of it. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { logMarginal, type Point } from './density.ts';
import type { Normal } from './inference.ts';

const REACH = 4.2;
/** Of so many draws one is shown. */
const EVERY = 3;

/** An SVG with a panel for each method. */
export function draw(normal: Normal, draws: Readonly<Record<string, readonly Point[]>>): string {
  const { document } = parseHTML('<html><body></body></html>');
  const fitted = 'VI: one and two standard deviations';
  const panels = [fitted, ...Object.keys(draws)];
  const ellipses = [1, 2].flatMap((sds) =>
    Array.from({ length: 65 }, (_, i) => ({
      x: normal.mean[0] + sds * normal.sd[0] * Math.cos((2 * Math.PI * i) / 64),
      y: normal.mean[1] + sds * normal.sd[1] * Math.sin((2 * Math.PI * i) / 64),
      sds,
      panel: fitted,
    })),
  );
  const points = Object.entries(draws).flatMap(([panel, each]) =>
    each.filter((_, i) => i % EVERY === 0).map(([x, y]) => ({ x, y, panel })),
  );
  const svg = Plot.plot({
    document: document as unknown as Document,
    width: 900,
    height: 350,
    marginTop: 36,
    style: { background: 'white', fontSize: '12px' },
    x: { domain: [-REACH, REACH], label: 'x' },
    y: { domain: [-REACH, REACH], label: 'y' },
    fx: { domain: panels, label: null, padding: 0.08 },
    color: { scheme: 'Blues', domain: [0, 1.6] },
    marks: [
      Plot.contour({
        fill: (x: number, y: number) => Math.exp(logMarginal(x) + logMarginal(y) - 5),
        x1: -REACH,
        x2: REACH,
        y1: -REACH,
        y2: REACH,
        thresholds: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        pixelSize: 6,
      }),
      Plot.dot(points, { x: 'x', y: 'y', fx: 'panel', r: 1.5, fill: '#b3400a', fillOpacity: 0.55 }),
      Plot.line(ellipses, { x: 'x', y: 'y', z: 'sds', fx: 'panel', stroke: '#b3400a', strokeWidth: 1.8 }),
      Plot.dot([{ x: normal.mean[0], y: normal.mean[1], panel: fitted }], {
        x: 'x',
        y: 'y',
        fx: 'panel',
        r: 3,
        fill: '#b3400a',
      }),
      Plot.frame({ stroke: '#d0d7de' }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const title = 'A density of four modes: variational inference settles in one, samplers visit all';
  return svg.outerHTML.replace('>', `><title>${title}</title>`);
}
