/** Sets `out` to `count` matrices with their parts multiplied by numbers, as in `src/triangles.ts`; a part times 0 is 0. */
export function triangles(
  out: usize,
  x: usize,
  count: i32,
  rows: i32,
  columns: i32,
  below: f64,
  diagonal: f64,
  above: f64,
): void {
  for (let i = 0; i < count * rows; i++) {
    const row = i % rows;
    const from = min(row, columns);
    const end = min(row + 1, columns);
    scale(out, x, from, below);
    scale(out + (from << 2), x + (from << 2), end - from, diagonal);
    scale(out + (end << 2), x + (end << 2), columns - end, above);
    out += columns << 2;
    x += columns << 2;
  }
}

function scale(out: usize, x: usize, size: i32, factor: f64): void {
  if (factor == 0) memory.fill(out, 0, size << 2);
  else if (factor == 1) memory.copy(out, x, size << 2);
  else for (const end = out + (size << 2); out < end; out += 4, x += 4) store<f32>(out, <f32>(factor * load<f32>(x)));
}
