import { registerShader } from './shader.ts';

/**
 * Gives tfjs's webgpu device `AccurateSin`, `AccurateCos` and `AccurateTan`, to rounding for arguments up to about 10^4 by magnitude. WGSL
 * only promises 2^-11 of its own sin and cos, between -pi and pi.
 */
export function registerTrigonometric(): void {
  const register = (kernel: string, value: string): void =>
    registerShader(kernel, { reads: ['x'], functions: sineOfTurned, statements: `result[index] = ${value};` });
  register('AccurateSin', 'sineOfTurned(x[index], 0)');
  register('AccurateCos', 'sineOfTurned(x[index], 1)');
  register('AccurateTan', 'sineOfTurned(x[index], 0) / sineOfTurned(x[index], 1)');
}

// pi / 2 in three parts, of which the first two have few digits: their products with the number of quarter turns are exact.
const first = Math.round((Math.PI / 2) * 2 ** 7) / 2 ** 7;
const second = Math.round((Math.PI / 2 - first) * 2 ** 21) / 2 ** 21;
const third = Math.PI / 2 - first - second;

/** `sineOfTurned(x, turns)`: the sine of x and so many quarter turns, by Taylor's series between -pi / 4 and pi / 4. */
const sineOfTurned = `
fn sineOfTurned(x : f32, turns : i32) -> f32 {
  let quarters = round(x * ${2 / Math.PI});
  let y = ((x - quarters * ${first}) - quarters * ${second}) - quarters * ${third};
  let z = y * y;
  let sine = y + y * z * (${-1 / 6} + z * (${1 / 120} + z * (${-1 / 5040} + z * ${1 / 362880})));
  let cosine = 1.0 - 0.5 * z + z * z * (${1 / 24} + z * (${-1 / 720} + z * (${1 / 40320} + z * ${-1 / 3628800})));
  let quadrant = (i32(quarters) + turns) & 3;
  let unsigned = select(sine, cosine, (quadrant & 1) == 1);
  return select(unsigned, -unsigned, quadrant >= 2);
}
`;
