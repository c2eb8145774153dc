import { defineConfig } from "vitest/config"

// Packages resolve to their TypeScript source, so tests need no build.
const conditions = ["@varve/source", "module", "node", "development|production"]

const project = (name: string, folder: string) => ({
  extends: true as const,
  test: { name, root: folder, include: ["test/**/*.test.ts"] }
})

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    // One a core: by default vitest leaves one of two idle.
    maxWorkers: "100%",
    // Machines are shared: a test that hangs is found all the same.
    testTimeout: 30_000,
    // Inline, because projects found by a glob lose the condition.
    projects: [
      project("core", "packages/core"),
      project("adapter-file", "packages/adapter-file"),
      project("adapter-sqlite", "packages/adapter-sqlite"),
      project("testkit", "packages/testkit"),
      project("transcripts", "examples/transcripts"),
      project("sealed-insight", "examples/sealed-insight"),
      project("turn-persistence", "examples/turn-persistence"),
      project("hotspots", "examples/hotspots"),
      project("level-storage", "examples/level-storage"),
      { extends: true as const, test: { name: "readme", root: ".", include: ["test/**/*.test.ts"] } }
    ]
  }
})
