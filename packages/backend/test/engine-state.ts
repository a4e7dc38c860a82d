import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { currentTrace, theEngine } from '../src/index.ts';
import { float, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

/** What tracing overrides, and the depths it may leave: equal before and after. */
export function engineState(): unknown {
  const engine = theEngine();
  const { gradientDepth, kernelDepth, scopeStack } = engine.state;
  return {
    own: Object.keys(engine).sort(),
    depths: [gradientDepth, kernelDepth, scopeStack.length],
    assign: tf.Variable.prototype.assign,
    random: [Math.random, Object.getOwnPropertyDescriptor(globalThis.crypto, 'getRandomValues')],
    trace: currentTrace(),
  };
}

/** Expects an error from tracing `fn`, and the engine as it was. */
export function expectError(fn: (x: Tensor) => Tensor | Tensor[], message: RegExp | string): void {
  const before = engineState();
  expectNoLeak(() => expect(() => traceOf(fn, [float(2)])).toThrow(message));
  expect(engineState()).toEqual(before);
}
