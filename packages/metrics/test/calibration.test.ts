import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracy, expectedCalibrationError, reliability } from '../src/index.ts';
import { labelled } from './arbitrary.ts';

const probabilities = [
  [0.55, 0.45],
  [0.6, 0.4],
  [0.05, 0.95],
  [0.9, 0.1],
];
const labels = [0, 1, 1, 0];

describe('reliability', () => {
  test('groups by the top probability', () => {
    const bins = reliability(probabilities, labels, { bins: 10 });
    expect(bins).toHaveLength(10);
    expect(bins.map((bin) => bin.count)).toEqual([0, 0, 0, 0, 0, 2, 0, 0, 1, 1]);
    expect(bins[5]).toEqual({ lower: 0.5, upper: 0.6, count: 2, confidence: (0.55 + 0.6) / 2, accuracy: 0.5 });
    expect(bins[0]).toEqual({ lower: 0, upper: 0.1, count: 0, confidence: Number.NaN, accuracy: Number.NaN });
  });

  test('bins are closed on the right, probability 1 is in the last', () => {
    const occupied = (p: number, bins: number) =>
      reliability([[p, 1 - p]], [0], { bins }).findIndex((bin) => bin.count === 1);
    expect(occupied(1, 15)).toBe(14);
    expect(occupied(0.5, 2)).toBe(0);
    expect(occupied(0.5000001, 2)).toBe(1);
  });

  test('every bin edge belongs to the bin below it, rounding or not', () => {
    for (let bins = 1; bins <= 60; bins++) {
      for (let edge = Math.ceil(bins / 2); edge <= bins; edge++) {
        const p = edge / bins;
        const found = reliability([[p, 1 - p]], [0], { bins }).findIndex((bin) => bin.count === 1);
        expect(found, `edge ${edge} of ${bins} bins`).toBe(edge - 1);
      }
    }
  });

  test('every example is in the bin whose bounds hold its top probability', () => {
    fc.assert(
      fc.property(labelled, fc.integer({ min: 1, max: 20 }), (example, bins) => {
        const tops = example.probabilities.map((row) => Math.max(...row));
        const diagram = reliability(example.probabilities, example.labels, { bins });
        expect(diagram.map((bin) => bin.count)).toEqual(
          diagram.map((bin) => tops.filter((p) => p > bin.lower && p <= bin.upper).length),
        );
      }),
    );
  });
});

describe('expectedCalibrationError', () => {
  test('is the weighted gap between confidence and accuracy', () => {
    const gap = (2 * Math.abs(0.575 - 0.5) + Math.abs(0.95 - 1) + Math.abs(0.9 - 1)) / 4;
    expect(expectedCalibrationError(probabilities, labels, { bins: 10 })).toBeCloseTo(gap, 14);
  });

  test('is 0 for certain and right, 1 for certain and wrong', () => {
    expect(expectedCalibrationError([[1, 0]], [0])).toBe(0);
    expect(expectedCalibrationError([[1, 0]], [1])).toBe(1);
  });

  test('is 0 where 3 of 4 predictions at 0.75 are right', () => {
    const rows = new Array(4).fill([0.75, 0.25]);
    expect(expectedCalibrationError(rows, [0, 0, 1, 0])).toBe(0);
  });

  test('uses 15 bins unless told', () => {
    fc.assert(
      fc.property(labelled, ({ probabilities: rows, labels: classes }) => {
        expect(expectedCalibrationError(rows, classes)).toBe(expectedCalibrationError(rows, classes, { bins: 15 }));
      }),
    );
    expect(reliability(probabilities, labels)).toHaveLength(15);
  });

  test('with one bin is the gap of the means', () => {
    fc.assert(
      fc.property(labelled, ({ probabilities: rows, labels: classes }) => {
        const confidence = rows.reduce((sum, row) => sum + Math.max(...row), 0) / rows.length;
        const gap = Math.abs(confidence - accuracy(rows, classes));
        expect(expectedCalibrationError(rows, classes, { bins: 1 })).toBeCloseTo(gap, 12);
      }),
    );
  });

  test.each([0, 1.5, -2, Number.NaN])('refuses %s bins', (bins) => {
    expect(() => expectedCalibrationError(probabilities, labels, { bins })).toThrow(
      `metrics.expectedCalibrationError: bins is ${bins}, expected a whole number of at least 1`,
    );
  });
});
