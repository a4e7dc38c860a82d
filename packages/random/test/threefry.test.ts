import { describe, expect, test } from 'vitest';
import { fillBits, fillFolded, threefry2x32 } from '../src/threefry.ts';
import { golden } from './golden.ts';

describe('threefry2x32', () => {
  // The vectors of the authors' reference implementation (Random123, kat_vectors, "threefry2x32 20").
  test.each([
    { key: [0, 0], counter: [0, 0], expected: [0x6b200159, 0x99ba4efe] },
    { key: [0xffffffff, 0xffffffff], counter: [0xffffffff, 0xffffffff], expected: [0x1cb996fc, 0xbb002be7] },
    { key: [0x13198a2e, 0x03707344], counter: [0x243f6a88, 0x85a308d3], expected: [0xc4923a9c, 0x483df7a0] },
  ])('key $key, counter $counter', ({ key, counter, expected }) => {
    expect(threefry2x32(key[0]!, key[1]!, counter[0]!, counter[1]!)).toEqual(expected);
  });
});

describe('fillBits', () => {
  test('equals the golden bits', () => {
    for (const { key, bits } of golden.samples) {
      const out = new Int32Array(bits.length);
      fillBits(out, key[0]!, key[1]!);
      expect(Array.from(new Uint32Array(out.buffer))).toEqual(bits);
    }
  });

  test('the unrolled rounds equal the loop of rounds', () => {
    const out = new Int32Array(1000);
    fillBits(out, 0xdeadbeef, 0x80000001);
    for (let i = 0; i < out.length; i++) {
      const [first, second] = threefry2x32(0xdeadbeef, 0x80000001, 0, i);
      expect(out[i]).toBe(first ^ second);
    }
  });

  test('a draw is the beginning of a longer one', () => {
    const [short, long] = [new Int32Array(7), new Int32Array(100)];
    fillBits(short, 1, 2);
    fillBits(long, 1, 2);
    expect(short).toEqual(long.slice(0, 7));
  });
});

test('fillFolded folds one number, or one for each key', () => {
  const keys = golden.folds.flatMap(({ key }) => key);
  const out = new Int32Array(keys.length);
  fillFolded(
    out,
    keys,
    golden.folds.map(({ data }) => data),
  );
  expect(Array.from(new Uint32Array(out.buffer))).toEqual(golden.folds.flatMap(({ folded }) => folded));

  fillFolded(out, keys, [7]);
  golden.folds.forEach(({ key }, i) => {
    const expected = golden.folds.find((fold) => fold.data === 7 && String(fold.key) === String(key))!;
    expect(Array.from(out.slice(2 * i, 2 * i + 2), (word) => word >>> 0)).toEqual(expected.folded);
  });
});
