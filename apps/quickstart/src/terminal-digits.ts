import { allowsColour } from './terminal.ts';

const GAP = '  ';
const SHADES = ' ░▒▓█';
const RESET = '\x1b[0m';

export type DrawOptions = {
  /** Width to fill, in characters; default the width of standard output, 80 where it has none. */
  readonly columns?: number;
  /** Draw in 256-colour greys rather than in shaded blocks; default whether standard output allows colour. */
  readonly colour?: boolean;
};

/**
 * Draws square images as text, side by side as far as the width allows, each with its caption below. A character holds
 * two pixels, one above the other, so a 28 x 28 digit is 14 lines of 28 characters.
 *
 * @param images each of `side * side` grey levels from 0 to 1, all of one size.
 * @param captions one for each image; it may have several lines.
 * @returns lines that end with a newline, with an empty line between rows of images.
 * @throws if an image is not square or of another size than the first, or the captions are not as many.
 */
export function drawDigits(
  images: readonly ArrayLike<number>[],
  captions: readonly string[],
  options: DrawOptions = {},
): string {
  const { columns = process.stdout.columns ?? 80, colour = allowsColour(process.stdout) } = options;
  if (captions.length !== images.length) {
    throw new Error(`drawDigits: ${captions.length} captions for ${images.length} images`);
  }
  const side = Math.sqrt(images[0]?.length ?? 0);
  images.forEach((image, i) => {
    if (!Number.isInteger(side) || image.length !== side * side) {
      throw new Error(`drawDigits: image ${i} has ${image.length} pixels; expected squares of one size`);
    }
  });
  const captionLines = captions.map((caption) => caption.split('\n'));
  const width = Math.max(side, ...captionLines.flat().map((line) => line.length));
  const tiles = images.map((image, i) => [
    ...drawImage(image, side, colour).map((line) => line + ' '.repeat(width - side)),
    ...(captionLines[i] ?? []).map((line) => line.padEnd(width)),
  ]);
  const perRow = Math.max(1, Math.floor((columns + GAP.length) / (width + GAP.length)));
  const rows: string[] = [];
  for (let start = 0; start < tiles.length; start += perRow) {
    rows.push(besideEachOther(tiles.slice(start, start + perRow), width));
  }
  return rows.join('\n');
}

function besideEachOther(tiles: readonly (readonly string[])[], width: number): string {
  const height = Math.max(...tiles.map((tile) => tile.length));
  return Array.from({ length: height }, (_, line) =>
    tiles
      .map((tile) => tile[line] ?? ' '.repeat(width))
      .join(GAP)
      .trimEnd()
      .concat('\n'),
  ).join('');
}

function drawImage(image: ArrayLike<number>, side: number, colour: boolean): string[] {
  const level = (row: number, column: number) => (row < side ? (image[row * side + column] as number) : 0);
  return Array.from({ length: Math.ceil(side / 2) }, (_, line) => {
    const pairs = Array.from({ length: side }, (_, column): [upper: number, lower: number] => [
      level(2 * line, column),
      level(2 * line + 1, column),
    ]);
    return colour ? halfBlocks(pairs) : shades(pairs);
  });
}

/** Upper half blocks: the upper pixel is the foreground, the lower the background, one of 24 greys each. */
function halfBlocks(pairs: readonly [upper: number, lower: number][]): string {
  const grey = (level: number) => 232 + Math.round(level * 23);
  let colours = '';
  const characters = pairs.map(([upper, lower]) => {
    const next = `\x1b[38;5;${grey(upper)};48;5;${grey(lower)}m`;
    const change = next === colours ? '' : next;
    colours = next;
    return `${change}▀`;
  });
  return characters.join('') + RESET;
}

function shades(pairs: readonly [upper: number, lower: number][]): string {
  return pairs.map(([upper, lower]) => SHADES[Math.round(((upper + lower) / 2) * (SHADES.length - 1))]).join('');
}
