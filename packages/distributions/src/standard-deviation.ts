/** @throws if a standard deviation that is a number is negative or NaN, or 0 where a density divides by it. */
export function requireSd(name: string, what: string, sd: unknown, use: 'density' | 'draws'): void {
  if (typeof sd !== 'number' || sd > 0 || (sd === 0 && use === 'draws')) return;
  const range = use === 'density' ? 'positive' : 'at least 0';
  throw new Error(`${name}: ${what} is ${sd} and must be ${range}, as standard deviations are`);
}
