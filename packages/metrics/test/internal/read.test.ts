import { describe, expect, test } from 'vitest';
import { accuracy, auroc, entropySplit, type Matrix, negativeLogLikelihood } from '../../src/index.ts';

const twoRows = [
  [0.5, 0.5],
  [0.25, 0.75],
];

describe('labels', () => {
  test.each([2, -1, 0.5, Number.NaN])('of %s among two classes are refused', (label) => {
    expect(() => accuracy(twoRows, [0, label])).toThrow(
      `metrics.accuracy: labels[1] is ${label}, but the probabilities have 2 classes, 0 to 1`,
    );
  });

  test('of another count than the rows are refused', () => {
    expect(() => accuracy(twoRows, [0])).toThrow('metrics.accuracy: 1 labels for 2 rows of probabilities');
  });
});

describe('probabilities', () => {
  test.each<[string, Matrix, string]>([
    ['no rows', [], 'probabilities is empty, of shape [0]; expected at least one example'],
    ['no rows of a shape', { values: [], shape: [0, 10] }, 'probabilities is empty, of shape [0, 10]'],
    ['logits', [[2, -1]], 'probabilities[0][1] is -1, not a probability; apply a softmax to logits first'],
    ['positive logits', [[2, 3]], 'probabilities[0] sums to 5, expected 1; apply a softmax to logits first'],
    ['NaN', [[0.5, Number.NaN]], 'probabilities[0][1] is NaN, not a probability'],
    ['infinity', [[0, Number.POSITIVE_INFINITY]], 'probabilities[0] sums to Infinity, expected 1'],
    ['ragged rows', [[0.5, 0.5], [1]], 'probabilities[1] has 1 entries, probabilities[0] has 2'],
    ['a wrong size', { values: [1, 0, 1], shape: [2, 2] }, 'holds 3 values, but its shape [2, 2] asks for 4'],
    ['a wrong rank', { values: [1], shape: [1, 1, 1] }, 'has shape [1, 1, 1], expected [n, k]'],
    ['a vector', [0.5, 0.5] as never, 'probabilities[0] is 0.5, expected probabilities of shape [n, k]'],
    ['a stack', [[[1]]] as never, 'probabilities[0][0] is an array of 1, expected a number'],
    ['a tensor', { shape: [1, 1] } as never, 'probabilities is a tensor; pass `await fromTensor(probabilities)`'],
    ['nothing', undefined as never, 'probabilities is undefined, expected probabilities of shape [n, k]'],
  ])('%s are refused', (_, probabilities, message) => {
    expect(() => negativeLogLikelihood(probabilities, [0])).toThrow(message);
    expect(() => negativeLogLikelihood(probabilities, [0])).toThrow('metrics.negativeLogLikelihood: ');
  });

  test('a row may miss a sum of 1 by rounding', () => {
    expect(accuracy([[0.5004, 0.5]], [0])).toBe(1);
    expect(() => accuracy([[0.502, 0.5]], [0])).toThrow('probabilities[0] sums to 1.002');
  });

  test('of draws are refused with the path of the row', () => {
    expect(() =>
      entropySplit([
        twoRows,
        [
          [0.5, 0.5],
          [0.5, 0.75],
        ],
      ]),
    ).toThrow('sampleProbabilities[1][1] sums to 1.25');
    expect(() => entropySplit([twoRows, [[0.5, 0.5]]])).toThrow(
      'sampleProbabilities[1] has 1 entries, sampleProbabilities[0] has 2',
    );
    expect(() => entropySplit(twoRows as never)).toThrow('expected sampleProbabilities of shape [s, n, k]');
  });
});

test('scores that are empty or NaN are refused by name', () => {
  expect(() => auroc([], [1])).toThrow('metrics.auroc: positiveScores is empty');
  expect(() => auroc([1], [])).toThrow('metrics.auroc: negativeScores is empty');
  expect(() => auroc([1], [0, Number.NaN])).toThrow('metrics.auroc: negativeScores[1] is NaN');
});
