/** The chart of the results: how many times as long as posteriors each other library takes. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Entry } from '../entry.ts';
import { bestOf, labelOf } from './libraries.ts';

const ROW = 26;
const TITLE = 'Time of a step of other libraries over that of posteriors';

/** An SVG with a panel for each device and a row for each workload. @throws if no library was timed. */
export function drawRatios(entries: readonly Entry[]): string {
  const points = entries.flatMap((entry) =>
    bestOf(entry).map(({ library, ratio }) => ({ library, ratio, workload: labelOf(entry), device: entry.device })),
  );
  if (points.length === 0) throw new Error('there is no other library in these figures: they need a run with --peers');
  const workloads = [...new Set(points.map(({ workload }) => workload))];
  const devices = [...new Set(points.map(({ device }) => device))];
  const { document } = parseHTML('<html><body></body></html>');
  const figure = Plot.plot({
    document: document as unknown as Document,
    figure: false,
    width: 240 + 330 * devices.length,
    height: 130 + ROW * workloads.length,
    marginLeft: 120,
    marginTop: 70,
    style: { background: 'white', fontSize: '12px' },
    x: { type: 'log', label: 'times as long as posteriors (left of 1: faster)', grid: true, tickFormat: '~g' },
    y: { domain: workloads, label: null },
    fx: { domain: devices, label: null },
    color: { legend: false, scheme: 'Observable10' },
    marks: [
      Plot.ruleX([1], { stroke: '#57606a' }),
      Plot.dot(points, { x: 'ratio', y: 'workload', fx: 'device', fill: 'library', r: 5 }),
      Plot.frame({ stroke: '#d0d7de' }),
    ],
  });
  const svg = figure as unknown as SVGSVGElement;
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  legend(document as unknown as Document, svg, [...new Set(points.map(({ library }) => library))], (library) =>
    String(figure.scale('color')?.apply(library)),
  );
  return svg.outerHTML.replace('>', `><title>${TITLE}</title>`);
}

/** Dots with names in a line on top; Plot's own legends are HTML. */
function legend(
  document: Document,
  svg: SVGSVGElement,
  libraries: readonly string[],
  colour: (library: string) => string,
): void {
  let x = 24;
  for (const library of libraries) {
    const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    const text = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    for (const [name, value] of Object.entries({ cx: x, cy: 20, r: 5, fill: colour(library) }))
      dot.setAttribute(name, String(value));
    for (const [name, value] of Object.entries({ x: x + 10, y: 24, fill: '#24292f' }))
      text.setAttribute(name, String(value));
    text.textContent = library;
    svg.append(dot, text);
    x += 34 + 7 * library.length;
  }
}
