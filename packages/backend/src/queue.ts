/** Results of a device, oldest first, and their size in bytes. That one died is only noticed by a sweep. */
export class Queue<E extends { readonly bytes: number }> {
  /** Bytes of all entries, those included that died since the last sweep. */
  bytes = 0;
  private entries: E[] = [];
  private readonly isAlive: (entry: E) => boolean;
  private aliveAfterSweep = 0;

  constructor(isAlive: (entry: E) => boolean) {
    this.isAlive = isAlive;
  }

  push(entry: E): void {
    this.entries.push(entry);
    this.bytes += entry.bytes + upkeep;
    if (this.entries.length > 2 * this.aliveAfterSweep + sweepEvery) this.sweep();
  }

  /** Drops what died. */
  sweep(): void {
    this.drop((entry) => !this.isAlive(entry));
    this.aliveAfterSweep = this.entries.length;
  }

  /** Drops the entries, asked oldest first, that are to go. */
  drop(goes: (entry: E) => boolean): void {
    this.entries = this.entries.filter((entry) => {
      if (!goes(entry)) return true;
      this.bytes -= entry.bytes + upkeep;
      return false;
    });
  }
}

/** Bytes for what the device, tfjs and the queue note about one result. */
const upkeep = 256;
/** New entries after which a sweep is due. */
const sweepEvery = 1024;
