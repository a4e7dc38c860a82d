/** The functions of threefry.ts, uniform.ts and normal.ts in WGSL. */
import { normalCoefficients as c } from './normal.ts';

/** `threefry2x32(key, counter)`: both words of a block. */
export const threefryCode: string = `
fn mixWords(x : vec2<u32>, rotation : u32) -> vec2<u32> {
  let sum = x.x + x.y;
  return vec2<u32>(sum, ((x.y << rotation) | (x.y >> (32u - rotation))) ^ sum);
}
fn fourRounds(x : vec2<u32>, rotations : vec4<u32>) -> vec2<u32> {
  return mixWords(mixWords(mixWords(mixWords(x, rotations.x), rotations.y), rotations.z), rotations.w);
}
fn threefry2x32(key : vec2<u32>, counter : vec2<u32>) -> vec2<u32> {
  let even = vec4<u32>(13u, 15u, 26u, 6u);
  let odd = vec4<u32>(17u, 29u, 16u, 24u);
  let parity = key.x ^ key.y ^ 0x1bd11bdau;
  var x = fourRounds(counter + key, even) + vec2<u32>(key.y, parity + 1u);
  x = fourRounds(x, odd) + vec2<u32>(parity, key.x + 2u);
  x = fourRounds(x, even) + vec2<u32>(key.x, key.y + 3u);
  x = fourRounds(x, odd) + vec2<u32>(key.y, parity + 4u);
  return fourRounds(x, even) + vec2<u32>(parity, key.x + 5u);
}
`;

/** `randomBits(key, i)`: the 32 bits of element i. */
export const bitsCode: string = `
fn randomBits(key : vec2<u32>, i : u32) -> u32 {
  let words = threefry2x32(key, vec2<u32>(0u, i));
  return words.x ^ words.y;
}
`;

export const uniformCode: string = `
fn uniformOfBits(bits : u32) -> f32 {
  return f32(bits >> 9u) * ${1 / 2 ** 23};
}
`;

/** The sequence of normal.ts. A device may fuse products into sums and round quotients less exactly: equal to 1e-5, not to the bit. */
export const normalCode: string = `
fn normalOfBits(bits : u32) -> f32 {
  let m = i32((bits >> 9u) << 2u) - 16777215;
  let x = f32(m) * ${2 ** -24};
  let t = x * x;
  if (t <= 0.75) {
    let r = 0.75 - t;
    let r2 = r * r;
    let n = (${c.N3} * r + ${c.N2}) * r2 + (${c.N1} * r + ${c.N0});
    let d = (r + ${c.D2}) * r2 + (${c.D1} * r + ${c.D0});
    return n / d * x;
  }
  let v = 16777216u - u32(t * 16777216.0);
  let zeros = countLeadingZeros(v);
  let q = i32(v << (zeros - 8u));
  let s = f32(q - ${c.C}) / f32((q + ${c.C}) & -2);
  let square = s * s;
  let w = (f32(zeros) - 7.5) * ${c.LN2} - s * ((${c.L1} * square + ${c.L0}) * square + 2.0);
  let y = sqrt(w) - ${c.R};
  let y2 = y * y;
  let y4 = y2 * y2;
  let low = (${c.T3} * y + ${c.T2}) * y2 + (${c.T1} * y + ${c.T0});
  let middle = (${c.T7} * y + ${c.T6}) * y2 + (${c.T5} * y + ${c.T4});
  let tail = (${c.T8} * y4 + middle) * y4 + low;
  return select(tail, -tail, m < 0);
}
`;
