/** The names of the 300 sessions. */
export const sessions = Array.from({ length: 300 }, (_, i) => `session/${String(i).padStart(3, "0")}`)
