const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

/** 22 URL-safe characters that carry 128 random bits and more. */
export const randomId = (): string => {
  let id = ""
  for (const byte of crypto.getRandomValues(new Uint8Array(22))) id += alphabet[byte & 63]
  return id
}
