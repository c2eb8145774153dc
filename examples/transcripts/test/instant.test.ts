import { expect, it, vi } from "vitest"
import { instant } from "../src/instant.ts"

const at = Date.UTC(2026, 5, 18, 7, 41, 33, 518)

it.each([
  ["ISO with milliseconds", "2026-06-18T07:41:33.518Z"],
  ["microseconds", "2026-06-18T07:41:33.518999Z"],
  ["nanoseconds", "2026-06-18T07:41:33.518999999Z"],
  ["a zone", "2026-06-18T09:41:33.518+02:00"],
  ["no zone, which is UTC on any machine", "2026-06-18 07:41:33.518"],
  ["epoch milliseconds", 1781768493518],
  ["milliseconds with a fraction", 1781768493518.9],
  ["seconds as a float", 1781768493.518],
  ["seconds as a float, finer than it counts", 1781768493.518999],
  ["epoch microseconds", 1781768493518999],
  ["epoch nanoseconds", 1781768493518999000]
])("reads %s", (_, time) => {
  expect(instant(time)).toBe(at)
})

it("reads the same in any time zone", () => {
  vi.stubEnv("TZ", "Asia/Tokyo")
  expect(new Date(at).getTimezoneOffset()).toBe(-540)
  expect(instant("2026-06-18T07:41:33.518")).toBe(at)
  vi.unstubAllEnvs()
})

it("reads whole seconds and whole days of minutes", () => {
  expect(instant(1781768493)).toBe(at - 518)
  expect(instant("2026-06-18T07:41Z")).toBe(at - 33_518)
})

it.each([
  0,
  1,
  1001,
  -5,
  NaN,
  Infinity,
  1e300,
  "",
  "1",
  "yesterday",
  "{{time}}",
  "2026-13-45T00:00:00Z",
  null,
  {},
  [],
  true
])("does not take %j for a time", (time) => {
  expect(instant(time)).toBeUndefined()
})
