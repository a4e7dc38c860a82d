import {
  type Attributes,
  currentTrace,
  kernelSpec,
  record,
  registerKernelSpec,
  type ShapeRule,
  theEngine,
} from '@posteriors/backend';
import { type KernelFunc, registerKernel, type Tensor } from '@tensorflow/tfjs-core';
import { type BatchRule, type Derivative, registerRule } from './rule.ts';

/** A kernel from outside of TensorFlow.js: all that tracing, derivatives, batching and devices need to know of it. */
export interface KernelDefinition {
  /** A name that no kernel has yet. */
  readonly name: string;
  /** Shape and dtype of the output. */
  readonly shape: ShapeRule;
  readonly derivative: Derivative;
  readonly batch: BatchRule;
  /** tfjs kernel functions by device; they find their inputs under '0', '1', ... and the attributes as they were given. */
  readonly run: { readonly [device in 'cpu' | 'wasm' | 'webgpu']?: KernelFunc };
}

/**
 * Defines a kernel and returns it as a function of tensors and attributes, which runs on the current device or, inside of a transform, is
 * recorded.
 *
 * @throws if there is a kernel of that name.
 */
export function defineKernel({
  name,
  shape,
  derivative,
  batch,
  run,
}: KernelDefinition): (inputs: readonly Tensor[], attributes?: Attributes) => Tensor {
  if (kernelSpec(name) !== undefined)
    throw new Error(`defineKernel: there is a kernel ${name} already; choose another name`);
  registerKernelSpec(name, { shape });
  registerRule(name, { derivative, batch });
  for (const [backendName, kernelFunc] of Object.entries(run))
    registerKernel({ kernelName: name, backendName, kernelFunc });
  return (inputs, attributes = {}) =>
    currentTrace() === null
      ? (theEngine().runKernel(name, inputs, attributes) as Tensor)
      : record(name, inputs, attributes);
}
