/** Draws the picture of the README from a run of the quick start: `npm run picture`. */
import { writeFile } from 'node:fs/promises';
import { PIXELS } from './data.ts';
import { parseOptions } from './options.ts';
import { type Judged, mostDoubtful, type Study, study } from './study.ts';

const SIDE = 28;
const BINS = 24;
const colours = { digits: '#2f6fb2', clothes: '#d9822b', text: '#24292f', faint: '#8c959f' };

const found = await study(parseOptions(process.argv.slice(2)));
const file = new URL('../quickstart.svg', import.meta.url);
await writeFile(file, draw(found));
console.log(`Wrote ${file.pathname}`);

function draw(found: Study): string {
  const { testAccuracy, ece, oodAuroc } = found.result;
  const summary = `${percent(testAccuracy)} of the 10,000 test digits right, calibration error ${percent(ece)}, AUROC ${oodAuroc.toFixed(2)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 330" font-family="system-ui, sans-serif" font-size="12" fill="${colours.text}">
<title>What a Bayesian network knows, and what it does not: ${summary}</title>
<rect width="860" height="330" rx="8" fill="#fff"/>
<text x="24" y="32" font-size="15" font-weight="600">The test digits it is least sure of</text>
${drawDigits(found)}
<text x="466" y="32" font-size="15" font-weight="600">How much it knows that it does not know</text>
${drawHistogram(found.digits, found.clothes)}
<text x="24" y="314" fill="${colours.faint}">After one epoch: ${summary}</text>
<text x="24" y="290" font-size="10" fill="${colours.faint}">below each: its label, and the two digits it most takes it for</text>
</svg>
`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function drawDigits(found: Study): string {
  return mostDoubtful(found, 8)
    .map(({ digit, caption }, i) => {
      const pixels = found.test.images.subarray(digit * PIXELS, (digit + 1) * PIXELS);
      const [x, y] = [24 + 104 * (i % 4), 48 + 124 * Math.floor(i / 4)];
      const [truth, ...guesses] = caption.split(/: |, /);
      const label = `<text x="44" y="101" text-anchor="middle" font-size="8.6">${truth}: ${guesses.map((guess) => guess.replace(' %', '%')).join(' ')}</text>`;
      return `<g transform="translate(${x} ${y})"><rect width="88" height="88" fill="#0d1117"/><g transform="scale(${88 / SIDE})" fill="#fff">${drawPixels(pixels)}</g>${label}</g>`;
    })
    .join('\n');
}

/** Runs of equal grey in sixteen levels, as rectangles a little too wide, so that no seams show. */
function drawPixels(pixels: Float32Array): string {
  const level = (i: number): number => Math.round(15 * (pixels[i] as number));
  const runs: string[] = [];
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0, length = 1; column < SIDE; column += length, length = 1) {
      const grey = level(row * SIDE + column);
      while (column + length < SIDE && level(row * SIDE + column + length) === grey) length++;
      if (grey > 0)
        runs.push(
          `<path d="M${column} ${row}h${length + 0.05}v1.05h-${length + 0.05}z" opacity="${(grey / 15).toFixed(2)}"/>`,
        );
    }
  }
  return runs.join('');
}

/** Shares of images by epistemic uncertainty, on a square root scale, for most digits lie in the first bin. */
function drawHistogram(digits: Judged, clothes: Judged): string {
  const [left, top, width, height] = [496, 56, 340, 190];
  const most = Math.ceil(5 * Math.max(...clothes.epistemicEach)) / 5;
  const y = (share: number): number => top + height * (1 - Math.sqrt(share));
  const bars = (judged: Judged, colour: string): string => {
    const counts = new Array<number>(BINS).fill(0);
    for (const nats of judged.epistemicEach) {
      const bin = Math.min(BINS - 1, Math.max(0, Math.floor((BINS * nats) / most)));
      counts[bin] = (counts[bin] as number) + 1;
    }
    const bar = (count: number, i: number): string => {
      const at = y(count / judged.count);
      return `<rect x="${(left + (i * width) / BINS).toFixed(1)}" y="${at.toFixed(1)}" width="${(width / BINS - 1).toFixed(1)}" height="${(top + height - at).toFixed(1)}"/>`;
    };
    return `<g fill="${colour}" fill-opacity="0.6">${counts.map(bar).join('')}</g>`;
  };
  const shares = [0.01, 0.1, 0.25, 0.5, 1].map(
    (share) =>
      `<path d="M${left} ${y(share).toFixed(1)}h${width}" stroke="#d0d7de" stroke-width="0.5"/><text x="${left - 6}" y="${(y(share) + 4).toFixed(1)}" text-anchor="end" fill="${colours.faint}">${100 * share}%</text>`,
  );
  const nats = Array.from({ length: Math.round(5 * most) + 1 }, (_, i) => i / 5).map(
    (value) =>
      `<text x="${(left + (width * value) / most).toFixed(1)}" y="${top + height + 18}" text-anchor="middle" fill="${colours.faint}">${value.toFixed(1)}</text>`,
  );
  const legend = [
    { judged: digits, colour: colours.digits },
    { judged: clothes, colour: colours.clothes },
  ].map(
    ({ judged, colour }, i) =>
      `<rect x="${left + 150}" y="${top + 8 + 20 * i}" width="11" height="11" fill="${colour}" fill-opacity="0.6"/><text x="${left + 168}" y="${top + 18 + 20 * i}">${judged.count.toLocaleString('en-US')} ${judged.name}</text>`,
  );
  const axis = `<text x="${left + width / 2}" y="${top + height + 38}" text-anchor="middle">epistemic uncertainty of each image (nats)</text><text x="${left}" y="${top - 8}" font-size="10" fill="${colours.faint}">share of the images, on a root scale</text>`;
  return [...shares, bars(digits, colours.digits), bars(clothes, colours.clothes), ...nats, ...legend, axis].join('\n');
}
