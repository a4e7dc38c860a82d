/** Whether none of `count` elements of float32 is NaN or infinite: 1 or 0. */
export function allFinite(from: usize, count: i32): i32 {
  const exponent = i32x4.splat(0x7f800000);
  const end = from + (<usize>count << 2);
  let a = i32x4.splat(0), b = i32x4.splat(0), c = i32x4.splat(0), d = i32x4.splat(0);
  for (; from + 64 <= end; from += 64) {
    a = v128.or(a, i32x4.eq(v128.and(v128.load(from), exponent), exponent));
    b = v128.or(b, i32x4.eq(v128.and(v128.load(from, 16), exponent), exponent));
    c = v128.or(c, i32x4.eq(v128.and(v128.load(from, 32), exponent), exponent));
    d = v128.or(d, i32x4.eq(v128.and(v128.load(from, 48), exponent), exponent));
  }
  if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) return 0;
  for (; from < end; from += 4) {
    if ((load<i32>(from) & 0x7f800000) == 0x7f800000) return 0;
  }
  return 1;
}
