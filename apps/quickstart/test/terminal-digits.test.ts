import { describe, expect, test } from 'vitest';
import { drawDigits } from '../src/terminal-digits.ts';

// 4 x 4: a bright left half above, a grey right half below.
const image = [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5];

describe('drawDigits', () => {
  test('shades two pixels per character, the caption below', () => {
    expect(drawDigits([image], ['is 3\nno'], { columns: 80, colour: false })).toBe('██\n  ▒▒\nis 3\nno\n');
  });

  test('puts images side by side and wraps them to the width', () => {
    const draw = (columns: number) => drawDigits([image, image, image], ['a', 'b', 'c'], { columns, colour: false });
    expect(draw(16)).toBe('██    ██    ██\n  ▒▒    ▒▒    ▒▒\na     b     c\n');
    expect(draw(15)).toBe('██    ██\n  ▒▒    ▒▒\na     b\n\n██\n  ▒▒\nc\n');
    expect(draw(1)).toBe(['a', 'b', 'c'].map((caption) => `██\n  ▒▒\n${caption}\n`).join('\n'));
  });

  test('widens to the longest caption', () => {
    expect(drawDigits([image, image], ['is 3, says 5', 'b'], { columns: 80, colour: false })).toBe(
      '██            ██\n  ▒▒            ▒▒\nis 3, says 5  b\n',
    );
  });

  test('in colour draws half blocks and names a colour only where it changes', () => {
    const bright = '\x1b[38;5;255;48;5;255m';
    const black = '\x1b[38;5;232;48;5;232m';
    const grey = '\x1b[38;5;244;48;5;244m';
    expect(drawDigits([image], ['x'], { columns: 80, colour: true })).toBe(
      `${bright}▀▀${black}▀▀\x1b[0m\n${black}▀▀${grey}▀▀\x1b[0m\nx\n`,
    );
  });

  test('pads an odd height with background', () => {
    expect(drawDigits([new Array(9).fill(1)], [''], { columns: 80, colour: false })).toBe('███\n▒▒▒\n\n');
  });

  test('a digit is 14 lines of 28 characters, four to 120 columns', () => {
    const digits = new Array(4).fill(new Float32Array(784).fill(1));
    const lines = drawDigits(digits, ['', '', '', ''], { columns: 120, colour: false }).split('\n');
    expect(lines.slice(0, 14)).toEqual(new Array(14).fill(new Array(4).fill('█'.repeat(28)).join('  ')));
    expect(lines.slice(14)).toEqual(['', '']);
  });

  test('of no images is nothing', () => {
    expect(drawDigits([], [], { columns: 80, colour: false })).toBe('');
  });

  test('refuses images that are not squares of one size, and missing captions', () => {
    expect(() => drawDigits([[1, 0]], ['a'])).toThrow('drawDigits: image 0 has 2 pixels');
    expect(() => drawDigits([image, [1]], ['a', 'b'])).toThrow('drawDigits: image 1 has 1 pixels');
    expect(() => drawDigits([image], [])).toThrow('drawDigits: 0 captions for 1 images');
  });
});
