/** What became of a promise: its value, or the error it was rejected with. */
export async function ending(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error;
  }
}
