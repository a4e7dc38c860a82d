/** What may be wrong where the new precision is not finite: a sentence for the error. */
export function remedy(): string {
  return 'A log density of the batch, or an output of the model, has no finite derivatives at the parameters: look for NaN in the batch, or leave it out.';
}
