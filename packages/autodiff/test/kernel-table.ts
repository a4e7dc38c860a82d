// The table of kernels as it follows from the code: rules, the equations that the cases record, and what devices make of them.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/backend/webgpu';
import {
  type KernelEquation,
  leftOut,
  newValue,
  type Program,
  simplify,
  trace,
  translatedKernels,
} from '@posteriors/backend';
import { getKernel, type Tensor } from '@tensorflow/tfjs-core';
import { kernelOnWasm } from '../../backend/src/kernels-on-wasm.ts';
import { lower } from '../../backend/src/lower.ts';
import { hooks } from '../src/hooks.ts';
import { ruleNames } from '../src/index.ts';
import { ruleOf } from '../src/rule.ts';
import { cases } from './cases.ts';

const devices = ['cpu', 'wasm', 'webgpu'] as const;

/** Changes of shape, which every device has: of no interest beside what they prepare for. */
const movement = new Set(['Reshape', 'Transpose', 'BroadcastTo', 'Identity']);

/** The equations of a kernel that its cases record, those without elements left out. */
function equationsOf(kernel: string): KernelEquation[] {
  return cases
    .filter((each) => each.kernel === kernel && each.shapes.every((shape) => !shape.includes(0)))
    .flatMap(({ f, draws, shapes }) => {
      const avals = draws.map(({ dtype }, i) => ({ dtype, shape: shapes[i]! }));
      return trace((xs) => [f(...xs)], avals, hooks).equations;
    })
    .flatMap((equation) => (equation.type === 'kernel' && equation.kernel === kernel ? [equation] : []));
}

function derivativeOf(kernel: string): string {
  const { derivative } = ruleOf(kernel, 'kernels');
  if (derivative === 'zero') return 'zero';
  const { partials, jvp, transpose, multilinear } = derivative;
  const kinds = [partials && 'partials', jvp && 'jvp', transpose && (multilinear ? 'multilinear' : 'transpose')];
  return kinds.filter(Boolean).join(', ');
}

/** Names without those of mere movement, unless there are no others or the kernel is one of them. */
function interesting(names: readonly string[], kernel: string): string[] {
  const unique = [...new Set(names)].sort();
  const kept = unique.filter((name) => name === kernel || !movement.has(name));
  return kept.length > 0 ? kept : unique;
}

const quoted = (names: readonly string[]): string => (names.length === 0 ? '' : `\`${names.join(' ')}\``);

/** What its batching rule records, with each input batched alone and all together. */
function batchingOf(kernel: string, equations: readonly KernelEquation[]): string {
  const { batch } = ruleOf(kernel, 'kernels');
  const recorded = equations.flatMap(({ inputs, attributes }) => {
    const ways = [
      inputs.map(() => true),
      ...(inputs.length > 1 ? inputs.map((_, i) => inputs.map((_, j) => i === j)) : []),
    ];
    return ways.flatMap((batched) => {
      const avals = inputs.map(({ shape, dtype }, i) => ({ shape: batched[i] ? [2, ...shape] : shape, dtype }));
      const program = trace((xs) => [batch(xs, batched, attributes, 2)], avals, hooks);
      return program.equations.map((equation) => (equation.type === 'kernel' ? equation.kernel : equation.type));
    });
  });
  const names = interesting(recorded, kernel);
  return names.length === 1 && names[0] === kernel ? 'itself' : quoted(names);
}

const alone = (equation: KernelEquation): Program<Tensor> => ({
  inputs: equation.inputs.map(newValue),
  constants: [],
  equations: [equation],
  outputs: equation.outputs,
});

const has = (device: string, kernel: string): boolean =>
  getKernel(kernel, device) !== undefined || (device === 'wasm' && kernelOnWasm(kernel, undefined) !== undefined);

/** The kernels that a device runs in its place. */
function onDevice(kernel: string, equations: readonly KernelEquation[], device: string): string {
  if (equations.every((equation) => simplify(alone(equation)).equations.length === 0)) return 'dropped';
  const run = equations
    .flatMap((equation) => lower(alone(equation), device).equations)
    .map((equation) =>
      equation.type === 'kernel' ? equation.kernel : equation.type === 'fused' ? 'loop' : equation.type,
    );
  const missing = [...new Set(run)].filter((name) => !(name === 'loop' || has(device, name)));
  if (missing.length > 0) return `no ${quoted(missing)}`;
  const names = interesting(run, kernel);
  return names.length === 1 && names[0] === kernel ? 'itself' : quoted(names);
}

function row(kernel: string): string[] {
  const equations = equationsOf(kernel);
  const attributes = [...new Set(equations.flatMap((equation) => Object.keys(equation.attributes)))].sort();
  return [
    `\`${kernel}\``,
    quoted(attributes),
    derivativeOf(kernel),
    batchingOf(kernel, equations),
    ...devices.map((device) => onDevice(kernel, equations, device)),
  ];
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

/** The text of KERNELS.md. Rules of other packages, such as `@posteriors/linalg`, are in it if those are loaded. */
export function kernelTable(): string {
  const names = ruleNames().filter((kernel) => cases.some((each) => each.kernel === kernel));
  const translated = translatedKernels()
    .filter((kernel) => !names.includes(kernel))
    .sort();
  return `# Kernels

This page is made from the code by \`npm run kernels\`.

## Recorded

What a program consists of. Each has one derivative rule and one batching rule.

- Derivative: \`partials\` of an elementwise kernel, \`jvp\`, \`transpose\` of a linear or multilinear kernel, or \`zero\`. One that has
  \`transpose\` beside another is linear in some of its inputs.
- Batching: the kernels that \`vmap\` records for it, beside changes of shape.
- Devices: the kernels that run in its place, beside changes of shape; \`loop\` where it is part of a
  loop that is made for the program; \`dropped\` where nothing needs to run.

${table(['kernel', 'attributes', 'derivative', 'batching', ...devices], names.map(row))}

Two more equations are structured: \`scan\` repeats a program, and \`call\` carries a derivative of its own.

## Translated

These kernels of TensorFlow.js are recorded as those above:

${translated.map((kernel) => `\`${kernel}\``).join(', ')}.

## Left out

These kernels of TensorFlow.js cannot be traced.

${table(
  ['kernel', 'reason'],
  Object.entries(leftOut).map(([kernel, reason]) => [`\`${kernel}\``, reason]),
)}
`;
}
