/** `out[j, i] = from[i, j]` for elements of 4 bytes; rows lie `rowOut` and `rowFrom` bytes apart. */
export function transpose(out: usize, rowOut: usize, from: usize, rowFrom: usize, rows: i32, columns: i32): void {
  // 16 rows at a time, so that whole cache lines are written.
  for (; rows >= 16; rows -= 16) {
    const whole = columns & ~3;
    for (let j = 0; j < whole; j += 4) {
      const x = from + (<usize>j << 2);
      const y = out + <usize>j * rowOut;
      block(y, rowOut, x, rowFrom);
      block(y + 16, rowOut, x + 4 * rowFrom, rowFrom);
      block(y + 32, rowOut, x + 8 * rowFrom, rowFrom);
      block(y + 48, rowOut, x + 12 * rowFrom, rowFrom);
    }
    single(out + <usize>whole * rowOut, rowOut, from + (<usize>whole << 2), rowFrom, 16, columns - whole);
    from += 16 * rowFrom;
    out += 64;
  }
  for (; rows >= 4; rows -= 4) {
    const whole = columns & ~3;
    for (let j = 0; j < whole; j += 4) block(out + <usize>j * rowOut, rowOut, from + (<usize>j << 2), rowFrom);
    single(out + <usize>whole * rowOut, rowOut, from + (<usize>whole << 2), rowFrom, 4, columns - whole);
    from += 4 * rowFrom;
    out += 16;
  }
  single(out, rowOut, from, rowFrom, rows, columns);
}

// @ts-ignore: decorator
@inline
function block(out: usize, rowOut: usize, from: usize, rowFrom: usize): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from + rowFrom);
  const x2 = v128.load(from + 2 * rowFrom);
  const x3 = v128.load(from + 3 * rowFrom);
  const y0 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
  const y1 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const y2 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const y3 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(y0, y2, 0, 2));
  v128.store(out + rowOut, v128.shuffle<i64>(y0, y2, 1, 3));
  v128.store(out + 2 * rowOut, v128.shuffle<i64>(y1, y3, 0, 2));
  v128.store(out + 3 * rowOut, v128.shuffle<i64>(y1, y3, 1, 3));
}

function single(out: usize, rowOut: usize, from: usize, rowFrom: usize, rows: i32, columns: i32): void {
  for (let j = 0; j < columns; j++) {
    let x = from + (<usize>j << 2);
    const end = out + (<usize>rows << 2);
    for (let y = out; y < end; y += 4, x += rowFrom) store<i32>(y, load<i32>(x));
    out += rowOut;
  }
}
