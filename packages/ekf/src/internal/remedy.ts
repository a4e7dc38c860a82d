/** What may be wrong where the new state of a filter is not finite: sentences for errors, by the field. */

const ofValue =
  'Either the log likelihood is not defined for this batch, or the parameters have diverged: lower the learning rate, or start from a smaller covariance.';

/** Of the filters with the Gauss-Newton curvature. */
export function remedyOfCurvature(field: string): string {
  if (field === 'logLikelihood') return ofValue;
  return (
    'Either the outer log likelihood is not concave at this mean, so that a variance would not be positive, or a derivative is not finite there: ' +
    'take one that is concave in the outputs of the model, or a Fisher filter.'
  );
}

/** Of the filters with the empirical Fisher. */
export function remedyOfGradients(field: string): string {
  if (field === 'logLikelihood') return ofValue;
  return 'The gradient of the log likelihood of an example is not finite at this mean, though its value is, or is far too large: lower the learning rate.';
}
