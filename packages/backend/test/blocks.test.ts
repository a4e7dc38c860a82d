// Where blocks of memory are placed.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Block, placeBlocks } from '../src/blocks.ts';

const blocks = fc.array(
  fc
    .tuple(fc.oneof(fc.nat(100), fc.constantFrom(0, 1, 16, 4096)), fc.nat(12), fc.nat(6))
    .map(([bytes, from, steps]): Block => ({ bytes, from, until: from + steps, offset: -1 })),
  { maxLength: 40, size: 'max' },
);
const meet = (a: Block, b: Block): boolean => a.from <= b.until && b.from <= a.until;
const overlap = (a: Block, b: Block): boolean => a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

test('those that are needed at one time lie side by side, at multiples of 16 bytes', () => {
  fc.assert(
    fc.property(blocks, (given) => {
      const total = placeBlocks(given);
      expect(given.every(({ offset }) => offset >= 0 && offset % 16 === 0)).toBe(true);
      const clash = given.flatMap((block, i) =>
        given.slice(0, i).filter((other) => meet(block, other) && overlap(block, other)),
      );
      expect(clash).toEqual([]);
      expect(total).toBe(Math.max(0, ...given.map(({ offset, bytes }) => offset + aligned(bytes))));
      const all = given.reduce((sum, { bytes }) => sum + aligned(bytes), 0);
      const at = (step: number): number =>
        given.reduce((sum, { bytes, from, until }) => sum + (from <= step && step <= until ? aligned(bytes) : 0), 0);
      expect(total).toBeLessThanOrEqual(all);
      expect(total).toBeGreaterThanOrEqual(Math.max(...given.map(({ from }) => at(from)), 0));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('those that follow one another take the same place, and a gap is filled', () => {
  const block = (bytes: number, from: number, until: number): Block => ({ bytes, from, until, offset: -1 });
  const chain = [block(32, 0, 1), block(32, 1, 2), block(32, 2, 3), block(32, 3, 4)];
  expect(placeBlocks(chain)).toBe(64);
  expect(chain.map(({ offset }) => offset)).toEqual([0, 32, 0, 32]);
  const gap = [block(16, 0, 9), block(48, 0, 1), block(16, 0, 9), block(17, 2, 9), block(16, 2, 9), block(1, 3, 9)];
  expect(placeBlocks(gap)).toBe(96);
  expect(gap.map(({ offset }) => offset)).toEqual([0, 16, 64, 16, 48, 80]);
  expect(placeBlocks([])).toBe(0);
});
