// Plain JavaScript, so that a Node too old for TypeScript can still say so.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `This needs Node 22.18 or newer, and this is ${process.versions.node}. Run it by "npm start", which brings its own on Linux x64.`
  )
  process.exitCode = 1
} else {
  await import("./src/main.ts")
}
