/** Kernels that work along axes as ones along the rows of a matrix, which tfjs's webgpu device has for tensors of all kinds. */
import { applying } from './equations.ts';
import { type Atom, type Attributes, type KernelEquation, sizeOf, type Value } from './program.ts';

type Numbers = readonly number[];

/** Which axes a kernel works along, and its attributes for a matrix's second. */
const along: {
  readonly [kernel: string]: ((attributes: Attributes, rank: number) => readonly [Numbers, Attributes]) | undefined;
} = {
  ...Object.fromEntries(
    'Sum Prod Max Min All Any'.split(' ').map((kernel) => [kernel, ({ axis }: Attributes) => [axis, { axis: [1] }]]),
  ),
  ...Object.fromEntries(
    'ArgMax ArgMin'.split(' ').map((kernel) => [kernel, ({ axis }: Attributes) => [[axis], { axis: 1 }]]),
  ),
  ...Object.fromEntries(
    'Cumsum Cumprod'
      .split(' ')
      .map((kernel) => [kernel, (attributes: Attributes) => [[attributes['axis']], { ...attributes, axis: 1 }]]),
  ),
  Softmax: (attributes, rank) => [[rank - 1], attributes],
};

/**
 * The axes that the kernel works along as the second of two, the others as the first. tfjs transposes by itself, but neither integers nor
 * tensors of many axes; and its reversed cumulative kernels are compiled for the first length they meet.
 */
export function alongRows(equation: KernelEquation): readonly KernelEquation[] {
  const [x] = equation.inputs as readonly [Atom];
  const [output] = equation.outputs as readonly [Value];
  const found = along[equation.kernel]?.(equation.attributes, x.shape.length);
  if (found === undefined) return [equation];
  const [axes, attributes] = found;
  const equations: KernelEquation[] = [];
  const apply = applying(equations);
  const others = [...x.shape.keys()].filter((axis) => !axes.includes(axis));
  const perm = [...others, ...axes];
  const permuted = perm.map((axis) => x.shape[axis] as number);
  const rows = sizeOf(others.map((axis) => x.shape[axis] as number));
  const matrix = [rows, sizeOf(x.shape) / rows];
  const reverse = attributes['reverse'] === true;
  let value = apply('Transpose', [x], permuted, { perm });
  value = apply('Reshape', [value], matrix, { shape: matrix });
  if (reverse) value = apply('Reverse', [value], matrix, { dims: [1] });
  const keeps = output.shape.length === x.shape.length;
  const shape = keeps ? matrix : [rows];
  value = apply(
    equation.kernel,
    [value],
    shape,
    reverse ? { ...attributes, reverse: false } : attributes,
    output.dtype,
  );
  if (reverse) value = apply('Reverse', [value], matrix, { dims: [1] });
  if (keeps) {
    value = apply('Reshape', [value], permuted, { shape: permuted });
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return [...equations, { ...equation, kernel: 'Transpose', inputs: [value], attributes: { perm: inverse } }];
  }
  return [...equations, { ...equation, kernel: 'Reshape', inputs: [value], attributes: { shape: output.shape } }];
}
