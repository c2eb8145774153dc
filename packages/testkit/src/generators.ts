/** Generators (fast-check) for tests of a storage: names, payloads, events, plans. */
export { attributes, eventId, eventType, hostileNames, streamName } from "./generators/names.ts"
export { differing, hostileJson, jsonText, metaText, respelled } from "./generators/json.ts"
export { anyEvent, anyEvents, event, events, time } from "./generators/events.ts"
