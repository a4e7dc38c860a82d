import { atStep, checkHyper, type HyperParameter, notNegative, positive } from '@posteriors/transform';
import type { Tensor } from '@tensorflow/tfjs-core';

/** @throws unless the value is a finite number of at least 0. */
export function requireNotNegative(name: string, option: string, value: number): void {
  checkHyper(name, { [option]: value }, { [option]: notNegative });
}

/** @throws unless the value is a finite number above 0. */
export function requirePositive(name: string, option: string, value: number): void {
  checkHyper(name, { [option]: value }, { [option]: positive });
}

/** @throws unless the value is a number of at least 0 and below 1. */
export function requireDecayRate(name: string, option: string, value: number): void {
  checkHyper(name, { [option]: value }, { [option]: decayRate });
}

const decayRate = {
  test: (value: number): boolean => value >= 0 && value < 1,
  must: 'a number of at least 0 and below 1',
};

/** @throws if the learning rate can be told to be wrong before the first step. */
export function requireLearningRate(name: string, learningRate: HyperParameter): void {
  if (typeof learningRate !== 'function') learningRateAt(name, learningRate, 0);
}

/** @throws if the step is not an integer from 0, or the learning rate at that step is not a scalar of at least 0. */
export function learningRateAt(name: string, learningRate: HyperParameter, step: number): number | Tensor {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new Error(`${name}: the step is ${step} and must be an integer from 0, which is the first step`);
  }
  const values = atStep({ learningRate }, step);
  checkHyper(name, values, { learningRate: notNegative });
  return values.learningRate;
}
