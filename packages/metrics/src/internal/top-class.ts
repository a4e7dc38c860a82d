import type { Rows } from './read.ts';

/** The most probable class of one row, the first of equals. */
export function topClass({ values, classes }: Rows, row: number): number {
  const start = row * classes;
  let top = 0;
  for (let k = 1; k < classes; k++) {
    if ((values[start + k] as number) > (values[start + top] as number)) top = k;
  }
  return top;
}
