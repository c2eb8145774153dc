/** better-sqlite3 with faults: what a statement does can be made to fail before or after it was done. */
import Sqlite from "better-sqlite3"
import type { Driver } from "../src/Connection.ts"

export const sqliteError = (code: string): Error =>
  Object.assign(new Error("planted"), { name: "SqliteError", code })

type Step = "open" | "close" | (string & {})

export class Faults {
  /** What was done since `steps` was last emptied: SQL, `open`, `close`. */
  steps: Array<Step> = []
  /** Called before and after each step; may throw. */
  before: (step: Step) => void = () => {}
  behind: (step: Step) => void = () => {}

  readonly driver: Driver
  private last: Sqlite.Database | undefined

  constructor() {
    const opened = (db: Sqlite.Database) => {
      this.steps.push("open")
      this.last = db
    }
    const step = <A>(text: Step, work: () => A) => this.step(text, work)
    class Faulty extends Sqlite {
      constructor(file: string, options: Sqlite.Options) {
        super(file, options)
        opened(this)
      }
      override prepare(sql: string): never {
        const statement = super.prepare(sql)
        const doing =
          (method: "run" | "get" | "all" | "iterate") =>
          (...parameters: Array<unknown>) =>
            step(sql, () => statement[method](...parameters))
        return { run: doing("run"), get: doing("get"), all: doing("all"), iterate: doing("iterate") } as never
      }
      override pragma(source: string, options?: Sqlite.PragmaOptions): unknown {
        return step(source, () => super.pragma(source, options))
      }
      override exec(sql: string): this {
        return step(sql, () => super.exec(sql))
      }
      override close(): this {
        return step("close", () => super.close())
      }
    }
    this.driver = Faulty as never
  }

  /** Makes the next step that `is` one fail, before it is done or behind that. */
  failOnce(is: (step: Step) => boolean, code: string, when: "before" | "behind" = "before"): void {
    let done = false
    this[when] = (step) => {
      if (done || !is(step)) return
      done = true
      throw sqliteError(code)
    }
  }

  /** The steps that are about transactions, in short. */
  get told(): ReadonlyArray<string> {
    return this.steps
      .filter((step) => /^(open|close|BEGIN|COMMIT|ROLLBACK|INSERT INTO events|wal_checkpoint)/.test(step))
      .map((step) => step.split("(position")[0]!)
  }

  /** Rows of a table. */
  count(table: string): number {
    return Sqlite.prototype.prepare.call(this.last, `SELECT count(*) FROM ${table}`).pluck().get() as number
  }

  private step<A>(step: Step, work: () => A): A {
    this.steps.push(step)
    this.before(step)
    const result = work()
    this.behind(step)
    return result
  }
}
