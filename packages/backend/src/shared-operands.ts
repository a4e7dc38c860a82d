/** Batches of matrix products of which all have one operand in common. */
import { kernelEquation } from './equations.ts';
import { type Atom, type KernelEquation, newValue, type Program, sameShape, sizeOf, type Value } from './program.ts';
import { removeDeadCode } from './simplify/dead-code.ts';
import { rewriteKernels, type Scope } from './simplify/rewrite.ts';

/**
 * Lets products of float32 take a matrix that is repeated for each of a batch as it is: with the batch axes of length 1, by which the kernels of
 * all devices repeat it without a copy.
 */
export function shareOperands<Source>(program: Program<Source>): Program<Source> {
  const shared = rewriteKernels(program, (equation, scope) => {
    if (equation.kernel !== 'BatchMatMul' || (equation.outputs[0] as Value).dtype !== 'float32') return equation;
    const matrices = equation.inputs.map((operand) => repeated(operand, scope));
    // One of them has the batch.
    const index = matrices[0] === undefined ? 1 : 0;
    const matrix = matrices[index];
    if (matrix === undefined) return equation;
    return [...matrix, { ...equation, inputs: equation.inputs.with(index, matrix[0].outputs[0] as Value) }];
  });
  return removeDeadCode(shared);
}

/** What makes the matrix that a batch of them repeats, with batch axes of length 1; undefined where there is none. */
function repeated(batch: Atom, scope: Scope): readonly [KernelEquation] | undefined {
  const definition = scope.definition(batch);
  if (definition?.kernel !== 'BroadcastTo') return undefined;
  const [source] = definition.inputs as [Atom];
  const matrix = batch.shape.slice(-2);
  if (sizeOf(source.shape) !== sizeOf(matrix) || !sameShape(source.shape.slice(-2), matrix)) return undefined;
  const shape = [...batch.shape.slice(0, -2).fill(1), ...matrix];
  return [kernelEquation('Reshape', [source], { shape }, newValue({ shape, dtype: batch.dtype }))];
}
