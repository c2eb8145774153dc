import { constants } from "node:os"

const texts: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBADF: "bad file descriptor",
  EEXIST: "file already exists",
  EINVAL: "invalid argument",
  EIO: "i/o error",
  EISDIR: "illegal operation on a directory",
  ELOOP: "too many symbolic links encountered",
  EMFILE: "too many open files",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EPERM: "operation not permitted"
}

/** A failure as Node tells it. Written out, so that users of the kit need no types of Node's. */
export interface DiskError extends Error {
  errno?: number | undefined
  code?: string | undefined
  path?: string | undefined
  syscall?: string | undefined
}

export const diskError = (code: string, syscall: string, path?: string): DiskError =>
  Object.assign(
    new Error(`${code}: ${texts[code] ?? "failed"}, ${syscall}${path === undefined ? "" : ` '${path}'`}`),
    {
      errno: -(constants.errno as Readonly<Record<string, number>>)[code]! || 0,
      code,
      syscall,
      ...(path === undefined ? {} : { path })
    }
  )
