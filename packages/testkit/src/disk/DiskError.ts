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

/** A failure as Node tells it. */
export const diskError = (code: string, syscall: string, path?: string): NodeJS.ErrnoException =>
  Object.assign(
    new Error(`${code}: ${texts[code] ?? "failed"}, ${syscall}${path === undefined ? "" : ` '${path}'`}`),
    {
      errno: -(constants.errno as Readonly<Record<string, number>>)[code]! || 0,
      code,
      syscall,
      ...(path === undefined ? {} : { path })
    }
  )
