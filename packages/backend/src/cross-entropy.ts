/** The cross entropy of a logit, which tfjs writes with kinks that cancel, as the smooth function that it is. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Atom, Equation, KernelEquation } from './program.ts';
import { constant, currentTrace, record, type Trace } from './trace.ts';

/**
 * `relu(x) - x z + log1p(exp(-|x|))`, as the losses of tfjs-core and tfjs-layers compute it, has the derivative `sigmoid(x) - z`, but its
 * parts have kinks at 0 and give `-z` there. If `a + b` is that sum, this is `(1 - z) softplus(x) + z softplus(-x)`, which equals it, is
 * right at every order, and keeps its digits where the loss is small.
 */
export function smoothCrossEntropy(a: Tensor, b: Tensor): Tensor | undefined {
  const trace = currentTrace() as Trace;
  const recent = trace.equations.slice(-patternLength);
  const inputsOf = (kernel: string, atom: Atom | undefined): readonly Atom[] =>
    recent.find((equation): equation is KernelEquation => makes(equation, kernel, atom))?.inputs ?? [];
  const [exponential] = inputsOf('Log1p', trace.atom(b));
  const [negative] = inputsOf('Exp', exponential);
  const [absolute] = inputsOf('Neg', negative);
  const [x] = inputsOf('Abs', absolute);
  const [relu, product] = inputsOf('Sub', trace.atom(a));
  const [sameX, z] = inputsOf('Multiply', product);
  if (x === undefined || z === undefined || x !== sameX || inputsOf('Relu', relu)[0] !== x) return undefined;
  return crossEntropy(trace.tensor(x), trace.tensor(z));
}

/** The equations of the sum before its last addition, and a cast of the labels. */
const patternLength = 8;

function makes(equation: Equation, kernel: string, atom: Atom | undefined): boolean {
  return equation.type === 'kernel' && equation.kernel === kernel && equation.outputs[0] === atom;
}

function crossEntropy(x: Tensor, z: Tensor): Tensor {
  const one = constant(Float32Array.of(1), [], 'float32');
  const absent = record('Multiply', [record('Sub', [one, z]), record('Softplus', [x])]);
  const present = record('Multiply', [z, record('Softplus', [record('Neg', [x])])]);
  return record('Add', [absent, present]);
}
