import type { CallEquation, ScanEquation } from '@posteriors/backend';
import { describe, expect, test } from 'vitest';
import { interpret } from '../src/index.ts';
import { apply, array, equation, float, literal, program, value, vector } from './build.ts';

describe('equations', () => {
  test('run in order, with literals, repeated and literal outputs', () => {
    const x = value([2]);
    const doubled = value([2]);
    const total = value([]);
    const two = literal([], [2]);
    const made = program(
      [x],
      [equation('Multiply', [x, two], [doubled]), equation('Sum', [doubled], [total], { axis: [0] })],
      [total, x, two, total],
    );
    const outputs = interpret(made, [vector(1.5, 2)]);
    expect(outputs.map(({ shape, values }) => [shape, [...values]])).toEqual([
      [[], [7]],
      [[2], [1.5, 2]],
      [[], [2]],
      [[], [7]],
    ]);
  });

  test('inputs are not written to', () => {
    const x = vector(1, 2, 3);
    apply('Cumsum', [x], { axis: 0, exclusive: false, reverse: true }, float(3));
    expect([...x.values]).toEqual([1, 2, 3]);
  });

  test('computes in float64', () => {
    expect(apply('Add', [vector(1), vector(2 ** -50)], {}, float(1))).toEqual([1 + 2 ** -50]);
  });
});

describe('constants', () => {
  const x = value([]);
  const held = value([]);
  const sum = value([]);
  const captures = program([x], [equation('Add', [x, held], [sum])], [sum], [{ value: held, source: 'five' }]);

  test('come from their sources', () => {
    const sources: { readonly [name: string]: number } = { five: 5 };
    const outputs = interpret(captures, [array([], [2])], (source) => array([], [sources[source as string]!]));
    expect([...outputs[0]!.values]).toEqual([7]);
  });

  test('must be given, with the declared shape', () => {
    expect(() => interpret(captures, [array([], [2])])).toThrow('as the third argument');
    expect(() => interpret(captures, [array([], [2])], () => vector(1, 2))).toThrow(
      'interpret: constants[0]: declared with shape [], but it has shape [2]',
    );
  });
});

describe('scan', () => {
  /** carry' = scale * carry + x; y = carry'. */
  function recurrence(length: number, reverse: boolean): ScanEquation {
    const [scale, carry, x, scaled, next] = [value([]), value([]), value([]), value([]), value([])] as const;
    const steps = [equation('Multiply', [scale, carry], [scaled]), equation('Add', [scaled, x], [next])];
    return {
      type: 'scan',
      body: program([scale, carry, x], steps, [next, next]),
      length,
      constants: 1,
      carry: 1,
      reverse,
      inputs: [value([]), value([]), value([length])],
      outputs: [value([]), value([length])],
    };
  }

  function runRecurrence(scan: ScanEquation, xs: readonly number[]): number[][] {
    const made = program(scan.inputs as readonly ReturnType<typeof value>[], [scan], scan.outputs);
    return interpret(made, [array([], [10]), array([], [1]), vector(...xs)]).map(({ values }) => [...values]);
  }

  test('carries forwards', () => {
    expect(runRecurrence(recurrence(3, false), [1, 2, 3])).toEqual([[1123], [11, 112, 1123]]);
  });

  test('carries backwards, with each y at the place of its x', () => {
    expect(runRecurrence(recurrence(3, true), [1, 2, 3])).toEqual([[1321], [1321, 132, 13]]);
  });

  test('over no steps returns the carry', () => {
    expect(runRecurrence(recurrence(0, false), [])).toEqual([[1], []]);
  });

  test('slices and stacks arrays, also without carry', () => {
    const row = value([2]);
    const total = value([]);
    const twice = value([2]);
    const scan: ScanEquation = {
      type: 'scan',
      body: program(
        [row],
        [equation('Sum', [row], [total], { axis: [0] }), equation('Add', [row, row], [twice])],
        [total, twice],
      ),
      length: 3,
      constants: 0,
      carry: 0,
      reverse: false,
      inputs: [value([3, 2])],
      outputs: [value([3]), value([3, 2])],
    };
    const made = program(scan.inputs as readonly ReturnType<typeof value>[], [scan], scan.outputs);
    const outputs = interpret(made, [array([3, 2], [1, 2, 3, 4, 5, 6])]);
    expect(outputs.map(({ values }) => [...values])).toEqual([
      [3, 7, 11],
      [2, 4, 6, 8, 10, 12],
    ]);
  });

  test('names the body where one of its equations fails', () => {
    const scan = recurrence(1, false);
    const [carry] = scan.body.inputs;
    const body = { ...scan.body, equations: [equation('Mystery', [carry!], [value([])]), ...scan.body.equations] };
    expect(() => runRecurrence({ ...scan, body }, [1])).toThrow('equations[0].body.equations[0] (Mystery)');
  });

  test('refuses xs of another length', () => {
    const scan = recurrence(3, false);
    expect(() => runRecurrence({ ...scan, length: 2 }, [1, 2, 3])).toThrow(
      'runs 2 times, but one of its xs has shape [3]',
    );
  });
});

describe('call', () => {
  const [kept, argument, residual, tangent] = [value([2]), value([]), value([]), value([])] as const;
  const call: CallEquation = {
    type: 'call',
    name: 'custom',
    direction: 'forward',
    derivative: program([tangent, value([])], [], [literal([2], [0, 0])]),
    arguments: 1,
    closures: 0,
    inputs: [kept, argument, residual],
    outputs: [value([2])],
  };

  test('is the identity on its values', () => {
    const made = program([kept, argument, residual], [call], call.outputs);
    const outputs = interpret(made, [vector(3, 4), array([], [5]), array([], [6])]);
    expect(outputs.map(({ values }) => [...values])).toEqual([[3, 4]]);
  });

  test('refuses too few inputs and outputs of another shape', () => {
    const short = program([kept], [{ ...call, inputs: [kept] }], []);
    expect(() => interpret(short, [vector(3, 4)])).toThrow('(call custom): takes at least 2 inputs');
    const wrong = program([kept, argument], [{ ...call, inputs: [kept, argument], outputs: [value([3])] }], []);
    expect(() => interpret(wrong, [vector(3, 4), array([], [5])])).toThrow(
      'equations[0] (call).outputs[0]: declared with shape [3], but it has shape [2]',
    );
  });
});

describe('errors', () => {
  const x = value([2]);
  const y = value([2]);

  test('an unknown kernel is named', () => {
    expect(() => apply('Fourier', [vector(1)], {}, float(1))).toThrow(
      "equations[0] (Fourier): unknown kernel 'Fourier'",
    );
    expect(() => apply('toString', [vector(1)], {}, float(1))).toThrow("unknown kernel 'toString'");
  });

  test('a kernel whose result has another shape than declared', () => {
    expect(() => apply('Exp', [vector(1, 2)], {}, float(2, 1))).toThrow(
      'interpret: equations[0] (Exp).outputs[0]: declared with shape [2, 1], but it has shape [2]',
    );
    expect(() => apply('Sum', [vector(1, 2)], { axis: [0] }, float(1))).toThrow('declared with shape [1]');
  });

  test('inputs that do not fit', () => {
    const identity = program([x], [], [x]);
    expect(() => interpret(identity, [])).toThrow('interpret: inputs: takes 1 values, but there are 0');
    expect(() => interpret(identity, [vector(1)])).toThrow('inputs[0]: declared with shape [2], but it has shape [1]');
    expect(() => interpret(identity, [array([2], [1])])).toThrow('an array of shape [2] has 2 elements, not 1');
  });

  test('values without a definition, or with two', () => {
    expect(() => interpret(program([], [], [x]), [])).toThrow(`value ${x.id} is used before it is defined`);
    const twice = program([x], [equation('Exp', [x], [y]), equation('Sin', [x], [y])], [y]);
    expect(() => interpret(twice, [vector(1, 2)])).toThrow(`value ${y.id} is already defined`);
  });

  test('a use that declares another shape than the definition', () => {
    const sum = equation('Neg', [{ ...x, shape: [1, 2] }], [y]);
    expect(() => interpret(program([x], [sum], [y]), [vector(1, 2)])).toThrow(
      'equations[0].inputs[0]: declared with shape [1, 2], but it has shape [2]',
    );
  });

  test('a kernel that declares no output, or two', () => {
    expect(() => interpret(program([x], [equation('Exp', [x], [])], []), [vector(1, 2)])).toThrow('declares no output');
    const two = program([x], [equation('Exp', [x], [y, value([2])])], [y]);
    expect(() => interpret(two, [vector(1, 2)])).toThrow('takes 2 values, but there are 1');
  });
});
