import fc from 'fast-check';

/** A row of `classes` weights that sum to 1; small whole weights make ties and exact bin edges common. */
function distribution(classes: number): fc.Arbitrary<number[]> {
  return fc
    .array(fc.integer({ min: 0, max: 8 }), { minLength: classes, maxLength: classes })
    .map((weights) => (weights.every((weight) => weight === 0) ? weights.map(() => 1) : weights))
    .map((weights) => {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return weights.map((weight) => weight / sum);
    });
}

/** Between 1 and 30 predictions of 1 to 6 classes with their labels. */
export const labelled: fc.Arbitrary<{ probabilities: number[][]; labels: number[] }> = fc
  .integer({ min: 1, max: 6 })
  .chain((classes) =>
    fc.array(fc.tuple(distribution(classes), fc.nat({ max: classes - 1 })), { minLength: 1, maxLength: 30 }),
  )
  .map((examples) => ({
    probabilities: examples.map(([row]) => row),
    labels: examples.map(([, label]) => label),
  }));

/** Predictions of 1 to 5 draws for 1 to 6 examples of 1 to 5 classes. */
export const samples: fc.Arbitrary<number[][][]> = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }))
  .chain(([draws, examples, classes]) =>
    fc.array(fc.array(distribution(classes), { minLength: examples, maxLength: examples }), {
      minLength: draws,
      maxLength: draws,
    }),
  );
