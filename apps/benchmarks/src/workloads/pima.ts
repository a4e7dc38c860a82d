import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const COUNT = 768;
const COLUMNS = 8;
const require = createRequire(import.meta.url);

/** Pima Indians diabetes: 8 measurements of 768 women, each column standardised, and who fell ill (1) or not (0). */
export async function loadPima(): Promise<{
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
  readonly shape: [count: number, columns: number];
}> {
  const file = join(
    dirname(require.resolve('@liquid-carrot/data.pima-indians-diabetes/package.json')),
    'src/index.csv',
  );
  const [, ...lines] = (await readFile(file, 'utf8')).trim().split(/\r?\n/);
  const rows = lines.map((line) => line.split(',').map(Number));
  if (rows.length !== COUNT || rows.some((row) => row.length !== COLUMNS + 1 || row.some(Number.isNaN))) {
    throw new Error(`${file}: expected ${COUNT} rows of ${COLUMNS + 1} numbers`);
  }
  const inputs = new Float32Array(COUNT * COLUMNS);
  for (let column = 0; column < COLUMNS; column++) {
    const values = rows.map((row) => row[column] as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / COUNT;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / COUNT);
    values.forEach((value, row) => {
      inputs[row * COLUMNS + column] = (value - mean) / sd;
    });
  }
  return { inputs, labels: Float32Array.from(rows, (row) => row[COLUMNS] as number), shape: [COUNT, COLUMNS] };
}
