import type { FusedProgram } from './fuse.ts';
import type { FusedEquation, Operand } from './fused.ts';
import type { Atom, AttributeValue, Equation } from './program.ts';

/** A program as text, one equation a line, with short names in order of appearance. */
export function printProgram(program: FusedProgram): string {
  const lines: string[] = [];
  // Loops may share a body, whose values then have a name in each.
  let count = 0;
  write(program, new Map(), lines, '', () => `v${count++}`);
  return lines.join('\n');
}

function write(
  program: FusedProgram,
  names: Map<number, string>,
  lines: string[],
  indent: string,
  newName: () => string,
): void {
  const define = (value: Atom & { kind: 'value' }): string => {
    const name = newName();
    names.set(value.id, name);
    return `${name}: ${printAval(value)}`;
  };
  lines.push(`${indent}program(${program.inputs.map(define).join(', ')}) {`);
  for (const { value } of program.constants) lines.push(`${indent}  constant ${define(value)}`);
  for (const equation of program.equations) {
    const inputs = equation.inputs.map((atom) => printAtom(atom, names)).join(', ');
    lines.push(`${indent}  ${equation.outputs.map(define).join(', ')} = ${printEquation(equation)}(${inputs})`);
    if (equation.type === 'scan') write(equation.body, names, lines, `${indent}    `, newName);
    if (equation.type === 'fused') lines.push(...printStatements(equation).map((line) => `${indent}    ${line}`));
    if (equation.type === 'call') write(equation.derivative, names, lines, `${indent}    `, newName);
  }
  lines.push(`${indent}  return ${program.outputs.map((atom) => printAtom(atom, names)).join(', ')}`);
  lines.push(`${indent}}`);
}

/** `float32[3,4]` */
export function printAval({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string {
  return `${dtype}[${shape}]`;
}

function printAtom(atom: Atom, names: Map<number, string>): string {
  if (atom.kind === 'value') return names.get(atom.id) ?? `?${atom.id}`;
  return atom.values.length === 1 ? String(atom.values[0]) : `literal ${printAval(atom)}`;
}

/** What an equation computes, without its inputs: `Sum[axis=[0]]`. */
export function printEquation(equation: Equation | FusedEquation): string {
  if (equation.type === 'fused') return `loop[shape=${printAttribute(equation.shape)}]`;
  if (equation.type === 'scan') return `scan[length=${equation.length}${equation.reverse ? ' reverse' : ''}]`;
  if (equation.type === 'call') return `call[${equation.name}]`;
  const attributes = Object.entries(equation.attributes).map(([key, value]) => `${key}=${printAttribute(value)}`);
  return attributes.length === 0 ? equation.kernel : `${equation.kernel}[${attributes.join(' ')}]`;
}

/** The statements of a loop: of what it reads, `in0` and on, it makes what it writes, `out0` and on. */
export function printStatements({ statements, writes }: FusedEquation): string[] {
  const operand = (of: Operand): string =>
    of.type === 'read' ? `in${of.index}` : of.type === 'statement' ? name(of.index) : String(of.literal.values[0]);
  const name = (statement: number): string => {
    const written = writes.findIndex((write) => write.statement === statement);
    return written < 0 ? `t${statement}` : `out${written}`;
  };
  return statements.map(
    ({ equation, operands }, i) => `${name(i)} = ${printEquation(equation)}(${operands.map(operand).join(', ')})`,
  );
}

/** An attribute as JSON, with the numbers that JSON lacks by name. */
export function printAttribute(attribute: AttributeValue): string {
  const unlike = (value: unknown): boolean =>
    Object.is(value, -0) || (typeof value === 'number' && !Number.isFinite(value));
  return JSON.stringify(attribute, (_, value) =>
    unlike(value) ? (Object.is(value, -0) ? '-0' : String(value)) : value,
  );
}
