/** Blocks of memory that are needed for a while, side by side or in the place of one another. */

export interface Block {
  readonly bytes: number;
  /** The steps, first and last, between which it is needed. */
  readonly from: number;
  until: number;
  /** Where it lies, once it is placed. */
  offset: number;
}

/** Blocks begin at multiples of so many bytes, those of a vector. */
const alignment = 16;

const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Places blocks in one piece of memory, and returns how many bytes that has. Each goes to the first gap that is free while it is needed. */
export function placeBlocks(blocks: readonly Block[]): number {
  const placed: Block[] = [];
  let total = 0;
  for (const block of [...blocks].sort((a, b) => a.from - b.from)) {
    block.offset = 0;
    for (const other of placed) {
      if (other.until < block.from || other.from > block.until) continue;
      if (block.offset + aligned(block.bytes) <= other.offset) break;
      block.offset = Math.max(block.offset, other.offset + aligned(other.bytes));
    }
    const next = placed.findIndex(({ offset }) => offset > block.offset);
    placed.splice(next < 0 ? placed.length : next, 0, block);
    total = Math.max(total, block.offset + aligned(block.bytes));
  }
  return total;
}
