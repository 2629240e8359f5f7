/**
 * An error that the person who started the program can fix. Its message is shown without a stack.
 */

export class Problem extends Error {}
