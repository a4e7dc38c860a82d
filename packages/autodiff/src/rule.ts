/** What derivatives and batching need to know of a kernel. */

import type { Attributes } from '@posteriors/backend';
import type { Tensor } from '@tensorflow/tfjs-core';

/** The partial derivative of an elementwise kernel with respect to one input, at each element; a number where it is constant. */
export type Partial = number | ((inputs: readonly Tensor[], output: Tensor, attributes: Attributes) => Tensor);

/** The tangent of the output; `tangents[i]` is null where input `i` has none. At least one is not null. */
export type JvpRule = (
  tangents: readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  output: Tensor,
  attributes: Attributes,
) => Tensor;

/**
 * The cotangent of input `index`, in which the kernel is linear, given the cotangent of the output. Of the linear inputs only shape and
 * dtype may be used. Null if the kernel is not linear in that input.
 */
export type TransposeRule = (
  index: number,
  cotangent: Tensor,
  inputs: readonly Tensor[],
  attributes: Attributes,
) => Tensor | null;

/** The kernel on operands of which some carry a batch on axis 0; the result carries it on axis 0. */
export type BatchRule = (
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  attributes: Attributes,
  size: number,
) => Tensor;

/**
 * The derivative of a kernel:
 *  - `'zero'`: zero wherever it is defined, or not a function of real numbers;
 *  - `partials`: elementwise, with one entry an input (null: zero), operands broadcasting;
 *  - `transpose`: linear, jointly in all inputs that it accepts or (`multilinear`) in each of them apart;
 *  - `jvp`: anything else.
 * `transpose` may stand beside `partials` or `jvp`, for kernels that occur in derivatives of others.
 */
export type Derivative =
  | 'zero'
  | {
      readonly partials?: readonly (Partial | null)[];
      readonly jvp?: JvpRule;
      readonly transpose?: TransposeRule;
      readonly multilinear?: boolean;
    };

export interface Rule {
  readonly derivative: Derivative;
  readonly batch: BatchRule;
}

const rules = new Map<string, Rule>();

/** Adds the rule of a kernel, or replaces it. */
export function registerRule(kernel: string, rule: Rule): void {
  rules.set(kernel, rule);
}

/** @throws if the kernel has no rule. */
export function ruleOf(kernel: string, purpose: string): Rule {
  const rule = rules.get(kernel);
  if (rule === undefined)
    throw new Error(`${purpose}: the kernel ${kernel} has no derivative and batching rule; defineKernel adds one`);
  return rule;
}

/** Whether the derivative of a kernel is zero wherever it is defined. */
export function isFlat(kernel: string): boolean {
  return rules.get(kernel)?.derivative === 'zero';
}

/** Names of all kernels with a rule. */
export function ruleNames(): string[] {
  return [...rules.keys()].sort();
}
