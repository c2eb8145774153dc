/** Mistakes planted into the adapter's source, as the smallest edit that makes each, and the law that must catch it. */
import type { Edit } from "../../../../test/plant.ts"

export interface Cut extends Edit {
  /** How a finding of it begins. R3 where a log is refused as damaged that a crash may leave so. */
  readonly laws: ReadonlyArray<string>
}

export const cuts: ReadonlyArray<Cut> = [
  {
    name: "a synced group is not synced",
    file: "StreamLog.ts",
    from: "    yield* sync(disk, writing.fd!)\n",
    to: "",
    laws: ["A1", "R3"]
  },
  {
    name: "a duplicate is acknowledged as synced before it is",
    file: "StreamLog.ts",
    from: 'if (group.durability === "synced" &&',
    to: 'if (isNew && group.durability === "synced" &&',
    laws: ["D1", "A1"]
  },
  {
    name: "after a failed sync the next one is believed",
    file: "StreamLog.ts",
    from: '      this.doubt(writing)\n      return { _tag: "Failed"',
    to: '      return { _tag: "Failed"',
    laws: ["A1", "R3"]
  },
  {
    name: "what is unproven is synced again, and not written again",
    file: "Recovery.ts",
    from: "      writeAll(disk, fd, piece, piece.length, offset)\n",
    to: "",
    laws: ["A1", "R3"]
  },
  {
    name: "a takeover believes what it reads",
    file: "Recovery.ts",
    from: "if (found.proven < found.used) fd = yield* rewrite(recovery, fd, found)",
    to: "found.prove(found.end, found.head?.cursor.seq ?? 0)",
    laws: ["A1", "R3"]
  },
  {
    name: "a group is acknowledged before it is written",
    file: "StreamLog.ts",
    from: "    writeAll(disk, fd, buffer.bytes, length, offset)\n",
    to: "    const late = Buffer.from(buffer.bytes.subarray(0, length))\n    setImmediate(() => writeAll(disk, fd, late, length, offset))\n",
    laws: ["A1"]
  },
  {
    name: "a new log's name is not synced",
    file: "StreamLog.ts",
    from: "    if (summary.proven === 0) syncFolder(disk, directory)\n",
    to: "",
    laws: ["A1"]
  },
  {
    name: "a recovered log's name is not synced",
    file: "Recovery.ts",
    from: "    if (isNew) syncFolder(disk, dirname(file))\n",
    to: "",
    laws: ["A1"]
  },
  {
    name: "a removal is not synced",
    file: "remove.ts",
    from: "    syncFolder(disk, directory)\n",
    to: "",
    laws: ["V1", "A3"]
  },
  {
    name: "a short write is not completed",
    file: "files.ts",
    from: "  while (done < length) {\n    const written",
    to: "  if (done < length) {\n    const written",
    laws: ["A", "R"]
  },
  {
    name: "what is torn is cut and not told",
    file: "Recovery.ts",
    from: '  notify({ stream, file, kind: "torn", from: end, bytes: size - end, keptIn })\n',
    to: "",
    laws: ["R2"]
  },
  {
    name: "what is torn is cut before the copy is durable",
    file: "Recovery.ts",
    from: "    yield* sync(disk, copy)\n",
    to: "",
    laws: ["R2"]
  },
  {
    name: "what is torn is cut before the copy's name is durable",
    file: "Recovery.ts",
    from: "  syncFolder(disk, folder)\n  disk.ftruncateSync",
    to: "  disk.ftruncateSync",
    laws: ["R2"]
  },
  {
    name: "what is torn stays, and is written behind",
    file: "Recovery.ts",
    from: "    yield* cut(recovery, fd, found.end)\n",
    to: "",
    laws: ["A", "R"]
  },
  {
    name: "a new writer goes on under the epoch of the last",
    file: "StreamLog.ts",
    from: "begins: true,",
    to: "begins: found.summary === undefined,",
    laws: ["C3", "R3"]
  },
  {
    name: "what is torn is taken for damage",
    file: "Summary.ts",
    from: "    if (!(yield* isProven(offset, disk, fd, size, turns))) break\n",
    to: "",
    laws: ["R"]
  },
  {
    name: "damage is taken for torn",
    file: "Summary.ts",
    from: "if (!(yield* isProven(offset, disk, fd, size, turns))) break",
    to: "break",
    laws: ["R2"]
  },
  {
    name: "removing a stream takes those whose names begin with its own",
    file: "remove.ts",
    from: "file.startsWith(`${log.name}.`)",
    to: "file.startsWith(log.name)",
    laws: ["A1"]
  },
  {
    name: "removing a stream leaves what was kept aside of it",
    file: "remove.ts",
    from: "if (file.startsWith(`${log.name}.`) && file",
    to: "if (file.startsWith(`${log.name}/`) && file",
    laws: ["V1"]
  },
  {
    name: "a reader repairs",
    file: "StreamLog.ts",
    from: "    const fd = openToRead(disk, this.file)\n",
    to: "    const fd = disk.openSync(this.file, 'r+')\n    disk.ftruncateSync(fd, disk.fstatSync(fd).size)\n",
    laws: ["M3"]
  }
]
