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
  const width = 240 + 330 * devices.length;
  const { document } = parseHTML('<html><body></body></html>');
  const figure = Plot.plot({
    document: document as unknown as Document,
    figure: false,
    width,
    height: 170 + ROW * workloads.length,
    marginLeft: 120,
    marginTop: 90,
    marginBottom: 45,
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

/** Dots with names in lines on top; Plot's own legends are HTML. */
function legend(
  document: Document,
  svg: SVGSVGElement,
  libraries: readonly string[],
  colour: (library: string) => string,
): void {
  let [x, y] = [24, 20];
  const add = (name: string, attributes: object): Element => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    svg.append(element);
    return element;
  };
  for (const library of libraries) {
    const width = 34 + 7 * library.length;
    if (x + width > Number(svg.getAttribute('width'))) [x, y] = [24, y + 22];
    add('circle', { cx: x, cy: y, r: 5, fill: colour(library) });
    add('text', { x: x + 10, y: y + 4, fill: '#24292f', 'text-anchor': 'start', 'font-size': 12 }).textContent =
      library;
    x += width;
  }
}
