import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The figures of one run. */
export type Result = {
  /** Share of the test digits that the mean prediction names right. */
  readonly testAccuracy: number;
  /** Mean log probability of the true digit, in nats. */
  readonly testLogLikelihood: number;
  /** Expected calibration error of the mean prediction. */
  readonly ece: number;
  /** AUROC of the epistemic uncertainty of foreign images against that of test digits. */
  readonly oodAuroc: number;
  readonly stepsPerSecond: number;
  /** Time of training. */
  readonly seconds: number;
  readonly seed: number;
  readonly backend: string;
  readonly algorithm: string;
};

/** Mean uncertainty of the predictions for one set of images, in nats. */
export type Uncertainty = {
  readonly name: string;
  readonly count: number;
  readonly aleatoric: number;
  readonly epistemic: number;
};

/**
 * The closing table of a run.
 *
 * @param digits the uncertainty of the test digits.
 * @param foreign the uncertainty of images that show no digit.
 */
export function formatReport(result: Result, digits: Uncertainty, foreign: Uncertainty): string {
  const scores = alignColumns([
    ['  accuracy', `${(100 * result.testAccuracy).toFixed(2)} %`],
    ['  mean log likelihood', `${result.testLogLikelihood.toFixed(4)}  `],
    ['  calibration error (ECE)', `${(100 * result.ece).toFixed(2)} %`],
  ]);
  const doubt = alignColumns([
    ['Mean uncertainty (nats)', 'aleatoric', 'epistemic', 'total'],
    ...[digits, foreign].map(({ name, count, aleatoric, epistemic }) => [
      `  ${thousands(count)} ${name}`,
      ...[aleatoric, epistemic, aleatoric + epistemic].map((nats) => nats.toFixed(3)),
    ]),
  ]);
  return [
    `${thousands(digits.count)} ${digits.name}`,
    ...scores,
    '',
    ...doubt,
    `Epistemic uncertainty tells the two apart with AUROC ${result.oodAuroc.toFixed(3)} (0.5 is chance, 1 perfect).`,
    '',
    `Trained with ${result.algorithm} on ${result.backend}, seed ${result.seed}, in ${result.seconds.toFixed(1)} s: ` +
      `${thousands(Math.round(result.stepsPerSecond))} steps/s.`,
    '',
  ].join('\n');
}

/**
 * Writes the figures of a run, and nothing else that `result` may hold, as JSON; missing folders are made.
 *
 * @throws if the file cannot be written.
 */
export async function writeJson(file: string, result: Result): Promise<void> {
  const { testAccuracy, testLogLikelihood, ece, oodAuroc, stepsPerSecond, seconds, seed, backend, algorithm } = result;
  const figures: Result = {
    testAccuracy,
    testLogLikelihood,
    ece,
    oodAuroc,
    stepsPerSecond,
    seconds,
    seed,
    backend,
    algorithm,
  };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`);
}

/** Lines of cells: the first column aligned left, the others right, two spaces between. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(width(column)) : cell.padStart(width(column))))
      .join('  ')
      .trimEnd(),
  );
}

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}
