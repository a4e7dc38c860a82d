/** The inverse of a positive definite matrix in float64, by Gauss-Jordan elimination. */
export const inverse = (a: readonly (readonly number[])[]): number[][] => {
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let k = 0; k < rows.length; k++) {
    const pivot = rows[k]!.map((value) => value / rows[k]![k]!);
    rows.forEach((row, i) => {
      const factor = row[k]!;
      rows[i] = i === k ? pivot : row.map((value, j) => value - factor * pivot[j]!);
    });
  }
  return rows.map((row) => row.slice(a.length));
};
