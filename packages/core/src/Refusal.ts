/** Refusals of names and events: what they say, whatever was given. */
import { InvalidEvent, InvalidName } from "./Errors.ts"
import { type NameKind, nameProblem } from "./Name.ts"

/** Throws {@link InvalidName} unless `value` is a good name of its kind. */
export const checkName = (kind: NameKind, value: unknown): void => {
  const problem = nameProblem(kind, value)
  if (problem !== undefined) throw new InvalidName({ kind, problem })
}

/** The refusal of an event, whatever its fields hold: only good names are repeated. */
export const invalidEvent = (
  stream: string,
  event: { readonly type: unknown; readonly id: unknown },
  path: string,
  problem: string
): InvalidEvent => {
  const { type, id } = event
  const good = (kind: NameKind, name: unknown): name is string => nameProblem(kind, name) === undefined
  return new InvalidEvent({
    stream,
    type: good("type", type) ? type : "?",
    id: good("id", id) ? id : undefined,
    path,
    problem
  })
}
