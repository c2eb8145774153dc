import { defineConfig } from "vitest/config"

// Packages resolve to their TypeScript source, so tests need no build.
const conditions = ["@varve/source", "module", "node", "development|production"]

const project = (name: string, folder: string, kind = "test") => ({
  extends: true as const,
  test: {
    name: kind === "test" ? name : `${name}-${kind}`,
    root: folder,
    include: [`test/**/*.${kind}.ts`],
    // To load effect anew for each file costs more than most of them.
    isolate: folder.startsWith("packages/adapter")
  }
})

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    // One a core: by default vitest leaves one of two idle.
    maxWorkers: "100%",
    // Processes that tests start find the sources, too.
    execArgv: ["--conditions=@varve/source"],
    // Machines are shared: a test that hangs is found all the same.
    testTimeout: 30_000,
    // Inline, because projects found by a glob lose the condition.
    projects: [
      project("core", "packages/core"),
      project("adapter-file", "packages/adapter-file"),
      project("adapter-sqlite", "packages/adapter-sqlite"),
      project("testkit", "packages/testkit"),
      project("transcripts", "examples/transcripts"),
      project("streaming-transcript", "examples/streaming-transcript"),
      project("sealed-insight", "examples/sealed-insight"),
      project("turn-persistence", "examples/turn-persistence"),
      project("hotspots", "examples/hotspots"),
      project("level-storage", "examples/level-storage"),
      project("many-sessions", "examples/many-sessions"),
      // Faults that are cut into the source: `npm run test:slow`.
      project("testkit", "packages/testkit", "slow"),
      project("adapter-file", "packages/adapter-file", "slow"),
      {
        extends: true as const,
        test: { name: "documents", root: ".", include: ["test/**/*.test.ts"], isolate: false }
      }
    ]
  }
})
