/** Unsigned bytes in row-major order with their shape. */
export type ByteArray = { readonly values: Uint8Array; readonly shape: readonly number[] };

/**
 * Reads the IDX format of the MNIST files: two zero bytes, the type (8: unsigned byte), the rank, each length as a
 * big-endian 32-bit integer, then the values.
 *
 * @param name stands in front of errors, usually the file's path.
 * @throws if the header, the rank or the number of values is not what it should be.
 */
export function parseIdx(bytes: Uint8Array, name: string, rank: number): ByteArray {
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw new Error(`${name}: ${bytes.length} bytes, but an IDX header of rank ${rank} has ${header}`);
  }
  const expected = [0, 0, 8, rank];
  const found = [...bytes.subarray(0, 4)];
  if (found.join() !== expected.join()) {
    throw new Error(
      `${name}: starts with bytes ${found.join(' ')}, expected ${expected.join(' ')} (IDX, unsigned bytes)`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  const values = bytes.subarray(header);
  if (values.length !== size) {
    throw new Error(`${name}: holds ${values.length} values, but its shape [${shape.join(', ')}] asks for ${size}`);
  }
  return { values, shape };
}
