/** Equations on many axes as equations on few, for kernels that take no more. */
import { applying } from './equations.ts';
import { isElementwise } from './kernels.ts';
import { type Atom, type KernelEquation, newValue, sizeOf, type Value } from './program.ts';

type Numbers = readonly number[];

/** How many axes the kernels of a device take, and of how many axes at a time PadV2 then pads. */
interface Limit {
  readonly axes: number;
  readonly padded: number;
  isLimited(kernel: string): boolean;
}

const xnnpack = new Set('Add Sub Multiply RealDiv Maximum Minimum'.split(' '));

const limits: { readonly [device: string]: Limit | undefined } = {
  // XNNPACK's kernels, which tfjs calls there, leave their result unwritten when given more.
  wasm: { axes: 6, padded: 2, isLimited: (kernel) => xnnpack.has(kernel) },
  webgpu: { axes: 4, padded: 1, isLimited: isElementwise },
};

/** Merges neighbouring axes that an equation treats alike. */
export function withFewAxes(equation: KernelEquation, device: string): readonly KernelEquation[] {
  const { shape } = equation.outputs[0] as Value;
  const limit = limits[device];
  if (limit === undefined || shape.length <= limit.axes) return [equation];
  if (equation.kernel === 'PadV2') return mergePadding(equation, limit);
  return limit.isLimited(equation.kernel) ? mergeElementwise(equation, shape, limit) : [equation];
}

/** The lengths of axes that are merged where `alike` holds between one and the next. */
function groupAxes(rank: number, alike: (axis: number) => boolean): number[][] {
  const groups: number[][] = [];
  for (let axis = 0; axis < rank; axis++) {
    if (axis > 0 && alike(axis)) groups[groups.length - 1]!.push(axis);
    else groups.push([axis]);
  }
  return groups;
}

function mergeElementwise(equation: KernelEquation, shape: Numbers, { axes: most }: Limit): readonly KernelEquation[] {
  const equations: KernelEquation[] = [];
  const apply = applying(equations);
  const aligned = ({ shape: own }: Atom): number[] => [...shape.slice(own.length).map(() => 1), ...own];
  const repeated = (axis: number): string => equation.inputs.map((x) => aligned(x)[axis] === 1).join();
  let groups = groupAxes(shape.length, (axis) => repeated(axis) === repeated(axis - 1));
  let inputs = equation.inputs;
  if (groups.length > most) {
    inputs = inputs.map((x) => apply('BroadcastTo', [x], shape, { shape }));
    groups = [[...shape.keys()]];
  }
  const merge = (lengths: Numbers): number[] =>
    groups.map((axes) => sizeOf(axes.map((axis) => lengths[axis] as number)));
  const merged = inputs.map((x) => apply('Reshape', [x], merge(aligned(x)), { shape: merge(aligned(x)) }));
  const [output] = equation.outputs as readonly [Value];
  const result = newValue({ shape: merge(shape), dtype: output.dtype });
  equations.push({ ...equation, inputs: merged, outputs: [result] });
  equations.push({ ...equation, kernel: 'Reshape', inputs: [result], attributes: { shape }, outputs: [output] });
  return equations;
}

/** Pads few axes at a time, so that those between them can be merged. */
function mergePadding(equation: KernelEquation, { padded: most }: Limit): readonly KernelEquation[] {
  const equations: KernelEquation[] = [];
  const apply = applying(equations);
  const { paddings, constantValue } = equation.attributes as { paddings: readonly Numbers[]; constantValue: number };
  const padded = [...paddings.keys()].filter((axis) => paddings[axis]!.some((n) => n > 0));
  const amount = (axis: number, chosen: Numbers): Numbers => (chosen.includes(axis) ? paddings[axis]! : [0, 0]);
  let x = equation.inputs[0] as Atom;
  for (let i = 0; i < padded.length; i += most) {
    const chosen = padded.slice(i, i + most);
    const groups = groupAxes(x.shape.length, (axis) => !chosen.includes(axis) && !chosen.includes(axis - 1));
    const merge = (shape: Numbers): number[] => groups.map((axes) => sizeOf(axes.map((axis) => shape[axis] as number)));
    const shape = x.shape.map((n, axis) => n + amount(axis, chosen)[0]! + amount(axis, chosen)[1]!);
    const flat = apply('Reshape', [x], merge(x.shape), { shape: merge(x.shape) });
    const attributes = { paddings: groups.map(([axis]) => amount(axis!, chosen)), constantValue };
    const wide = apply('PadV2', [flat], merge(shape), attributes);
    x = apply('Reshape', [wide], shape, { shape });
  }
  return [...equations, { ...equation, kernel: 'Identity', inputs: [x], attributes: {} }];
}
