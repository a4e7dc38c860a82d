import { describe, expect, test } from 'vitest';
import { accuracy } from '../src/index.ts';

describe('accuracy', () => {
  test('counts the rows whose top class is the label', () => {
    const probabilities = [
      [0.7, 0.2, 0.1],
      [0.1, 0.2, 0.7],
      [0.3, 0.4, 0.3],
      [0, 0, 1],
    ];
    expect(accuracy(probabilities, [0, 2, 0, 2])).toBe(0.75);
  });

  test('of equally probable classes the first is the prediction', () => {
    expect(accuracy([[0.5, 0.5]], [0])).toBe(1);
    expect(accuracy([[0.5, 0.5]], [1])).toBe(0);
  });

  test('takes one example, one class, and every kind of array', () => {
    expect(accuracy([[1]], [0])).toBe(1);
    expect(accuracy([Float32Array.of(0.1, 0.9)], Uint8Array.of(1))).toBe(1);
    const shaped = { values: Float32Array.of(0.1, 0.9, 0.8, 0.2), shape: [2, 2] };
    expect(accuracy(shaped, { values: Int32Array.of(1, 1), shape: [2] })).toBe(0.5);
  });
});
