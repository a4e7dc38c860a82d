/**
 * The error function `2 / sqrt(pi) * integral of exp(-t^2) from 0 to x`, to about one unit in the last place of 1
 * (Abramowitz and Stegun 7.1.6 below 1.5, the continued fraction 7.1.14 above).
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const magnitude = Math.abs(x);
  return Math.sign(x) * (magnitude < 1.5 ? series(magnitude) : 1 - complement(magnitude));
}

/** `2 / sqrt(pi) * exp(-x^2) * sum over n of 2^n x^(2n+1) / (2n+1)!!`, every term positive. */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** `exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...))))`, summed from its tail. */
function complement(x: number): number {
  let denominator = x;
  for (let n = 120; n > 0; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
}
