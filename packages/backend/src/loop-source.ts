/** Fused equations as JavaScript. */
import { type Axes, type FusedEquation, type Operand, reduces, type Statement } from './fused.ts';
import { mergedAxes, strideOf } from './merged-axes.ts';
import { type LoopNames, number, numberKernel } from './number-kernels.ts';

/** The body of a function of the arrays that the loop reads, `in0` and on, and then of those that it writes, `out0` and on. */
export function loopSource({ shape, statements, reads, writes }: FusedEquation): string {
  const { sizes, merged } = mergedAxes(shape, [...reads, ...writes.map(({ axes }) => axes)]);
  const last = sizes.length - 1;
  /** The place of an array that has these axes, in terms of the counters of the loops before `axis`. */
  const place = (axes: Axes, before: number): string => {
    const terms = axes.flatMap((has, axis) => {
      const stride = strideOf(axes, axis, sizes);
      return has && axis < before ? [stride === 1 ? `i${axis}` : `i${axis} * ${stride}`] : [];
    });
    return terms.length === 0 ? '0' : terms.join(' + ');
  };
  const expressionOf = (operand: Operand): string => {
    if (operand.type === 'constant') return number(operand.literal.values[0] as number);
    return operand.type === 'statement' ? `t${operand.index}` : `x${operand.index}`;
  };

  const inside: string[] = reads.map((axes, i) => `const x${i} = in${i}[${place(merged(axes), sizes.length)}];`);
  const parts = new Map<string, string>();
  const magnitudes = new Map<string, string>();
  const names: LoopNames = {
    part(expression) {
      const name = parts.get(expression) ?? `p${parts.size}`;
      if (!parts.has(expression)) inside.push(`const ${name} = ${expression};`);
      parts.set(expression, name);
      return name;
    },
    magnitude: (operand) => magnitudes.get(operand) ?? operand,
  };
  const reductions: { kept: number; begin: string; end: string }[] = [];
  statements.forEach(({ equation, operands }: Statement, i) => {
    const values = operands.map(expressionOf);
    const stored = writes.flatMap(({ statement, axes }, output) =>
      statement === i ? [{ axes: merged(axes), array: `out${output}` }] : [],
    );
    if (!reduces(equation)) {
      if (equation.kernel === 'Neg') magnitudes.set(`t${i}`, names.magnitude(values[0] as string));
      inside.push(`const t${i} = ${numberKernel(equation)?.(values, equation.attributes, names) ?? values[0]};`);
      for (const { array, axes } of stored) inside.push(`${array}[${place(axes, sizes.length)}] = t${i};`);
      return;
    }
    const [start, next] = totals[equation.kernel as keyof typeof totals](`t${i}`, values[0] as string);
    inside.push(`t${i} = ${next};`);
    for (const { array, axes } of stored) {
      const kept = axes.filter(Boolean).length;
      reductions.push({ kept, begin: `let t${i} = ${start};`, end: `${array}[${place(axes, kept)}] = t${i};` });
    }
  });

  const loopFrom = (axis: number): string[] => {
    if (axis > last) return inside;
    const mine = reductions.filter(({ kept }) => kept === axis);
    return [
      ...mine.map(({ begin }) => begin),
      `for (let i${axis} = 0; i${axis} < ${sizes[axis]}; i${axis}++) {`,
      ...loopFrom(axis + 1).map((line) => `  ${line}`),
      '}',
      ...mine.map(({ end }) => end),
    ];
  };
  return loopFrom(0).join('\n');
}

/** What reductions start from, and the next total, in float64, of the one before and a value. */
const totals = {
  Sum: (total: string, value: string) => ['0', `${total} + ${value}`],
  Max: (total: string, value: string) => [
    '-Infinity',
    `${value} > ${total} || ${value} !== ${value} ? ${value} : ${total}`,
  ],
  Min: (total: string, value: string) => [
    'Infinity',
    `${value} < ${total} || ${value} !== ${value} ? ${value} : ${total}`,
  ],
} as const;
