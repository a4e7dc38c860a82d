// Draws of the exact algorithms are calibrated, and the study sees three faults in each of them.
import { beforeAll, describe, expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { calibrate, inferences, mutations, type Verdict } from './calibration.ts';

const seeds = [0, 1, 2, 3, 4];
/** The chi-square law with 19 degrees of freedom exceeds it with probability 1e-3. */
const criticalValue = 43.82;

const isCalibrated = ({ chiSquares, secondMoment }: Verdict): boolean =>
  Math.max(...chiSquares) < criticalValue && Math.abs(secondMoment) < 4;
const describeVerdict = ({ chiSquares, secondMoment }: Verdict): string =>
  `largest chi-square ${Math.max(...chiSquares).toFixed(1)} (critical ${criticalValue}), second moment off by ${secondMoment.toFixed(1)} standard errors`;

beforeAll(() => setBackend('wasm'));

describe.each(Object.entries(inferences))('%s', (name, infer) => {
  describe.each(seeds)('seed %i', (seed) => {
    test('is calibrated', async () => {
      const verdict = await calibrate(infer, seed, 'none');
      console.log(`${name}, seed ${seed}: ${describeVerdict(verdict)}`);
      expect(isCalibrated(verdict), describeVerdict(verdict)).toBe(true);
    });

    test.each(mutations)('is not with %s', async (mutation) => {
      const verdict = await calibrate(infer, seed, mutation);
      console.log(`${name} with ${mutation}, seed ${seed}: ${describeVerdict(verdict)}`);
      expect(isCalibrated(verdict), describeVerdict(verdict)).toBe(false);
    });
  });
});
