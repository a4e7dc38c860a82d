import { describe, expect, test } from 'vitest';
import { parseIdx } from '../src/data-idx.ts';

// Two images of 1 x 3 pixels.
const file = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);

describe('parseIdx', () => {
  test('reads shape and values', () => {
    expect(parseIdx(file, 'images', 3)).toEqual({ shape: [2, 1, 3], values: Uint8Array.of(1, 2, 3, 4, 5, 255) });
  });

  test('reads bytes that lie inside a larger buffer, and lengths above 255', () => {
    const labels = new Uint8Array(1 + 8 + 258);
    labels.set([9, 0, 0, 8, 1, 0, 0, 1, 2, 7]);
    const { shape, values } = parseIdx(labels.subarray(1), 'labels', 1);
    expect(shape).toEqual([258]);
    expect(values[0]).toBe(7);
  });

  test('reads a set without examples', () => {
    expect(parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0), 'labels', 1).values).toHaveLength(0);
  });

  test('refuses a cut header, another type or rank, and a wrong number of values', () => {
    expect(() => parseIdx(file.subarray(0, 9), 'images', 3)).toThrow(
      'images: 9 bytes, but an IDX header of rank 3 has 16',
    );
    expect(() => parseIdx(file, 'labels', 1)).toThrow('labels: starts with bytes 0 0 8 3, expected 0 0 8 1');
    expect(() => parseIdx(Uint8Array.of(31, 139, 8, 1, 0, 0, 0, 0), 'labels', 1)).toThrow('bytes 31 139 8 1');
    expect(() => parseIdx(file.subarray(0, -1), 'images', 3)).toThrow(
      'images: holds 5 values, but its shape [2, 1, 3] asks for 6',
    );
  });
});
