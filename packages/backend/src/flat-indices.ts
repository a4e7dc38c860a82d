/** Kernels that find elements by places of many axes as ones that find them by places of one. */
import { applying } from './equations.ts';
import { type Atom, type KernelEquation, newValue, sizeOf, type Value } from './program.ts';

type Numbers = readonly number[];

/** tfjs's webgpu device takes places of up to so many axes. */
const mostAxes = 4;

/** Which input holds the places of a kernel. */
const placesOf: { readonly [kernel: string]: number } = { GatherNd: 1, ScatterNd: 0, TensorScatterUpdate: 1 };

export function withFlatIndices(equation: KernelEquation): readonly KernelEquation[] {
  const which = placesOf[equation.kernel];
  if (which === undefined) return [equation];
  const places = equation.inputs[which] as Atom;
  const depth = places.shape.at(-1) as number;
  if (depth <= mostAxes) return [equation];

  const equations: KernelEquation[] = [];
  const apply = applying(equations);
  const scatters = equation.kernel === 'ScatterNd';
  const shape = scatters ? (equation.attributes['shape'] as Numbers) : (equation.inputs[0] as Atom).shape;
  const flatShape = [sizeOf(shape.slice(0, depth)), ...shape.slice(depth)];
  const strides = Int32Array.from({ length: depth }, (_, i) => sizeOf(shape.slice(i + 1, depth)));
  const count = sizeOf(places.shape) / depth;
  const matrix = apply('Reshape', [places], [count, depth], { shape: [count, depth] });
  const products = apply(
    'Multiply',
    [matrix, { kind: 'literal', dtype: 'int32', shape: [depth], values: strides }],
    [count, depth],
  );
  const sums = apply('Sum', [products], [count], { axis: [1] });
  const column = [...places.shape.slice(0, -1), 1];
  const flat = apply('Reshape', [sums], column, { shape: column });

  const inputs = equation.inputs.map((x, i) => {
    if (i === which) return flat;
    return i === 0 ? apply('Reshape', [x], flatShape, { shape: flatShape }) : x;
  });
  if (equation.kernel === 'GatherNd') return [...equations, { ...equation, inputs }];
  const [output] = equation.outputs as readonly [Value];
  const result = newValue({ shape: flatShape, dtype: output.dtype });
  equations.push({
    ...equation,
    inputs,
    attributes: scatters ? { shape: flatShape } : equation.attributes,
    outputs: [result],
  });
  return [...equations, { ...equation, kernel: 'Reshape', inputs: [result], attributes: { shape } }];
}
