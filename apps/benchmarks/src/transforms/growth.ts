/** A cost at a size. */
export interface Cost {
  readonly size: number;
  readonly medianMs: number;
}

/**
 * The power of the size that the cost goes with: the slope of the line of least squares through the logarithms, over the sizes of at least a tenth
 * of the largest.
 *
 * @throws if fewer than two sizes are left.
 */
export function growth(costs: readonly Cost[]): number {
  const largest = Math.max(...costs.map(({ size }) => size));
  const upper = costs.filter(({ size }) => size >= largest / 10);
  if (upper.length < 2)
    throw new Error(`growth: two sizes from ${largest / 10} to ${largest} are needed, got ${upper.length}`);
  const x = upper.map(({ size }) => Math.log(size));
  const y = upper.map(({ medianMs }) => Math.log(medianMs));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middle, height] = [mean(x), mean(y)];
  const along = x.reduce((sum, value, i) => sum + (value - middle) * ((y[i] as number) - height), 0);
  return along / x.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}
