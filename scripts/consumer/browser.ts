// Core leans on the types of no platform: this is checked without Node's.
export * from "@varve/core"
