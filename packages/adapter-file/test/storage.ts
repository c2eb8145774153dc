/** The storage that a process of its own opens. */
import { FileStorage } from "../src/index.ts"

export default (directory: string) => FileStorage.layer({ directory })
