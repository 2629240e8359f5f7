/**
 * What keeps the local stack from starting, or from what else was asked of it, and can be put right by whoever asked.
 *
 * Owns the difference between that and a mistake of ours: the message is for the person, without a stack.
 */

export class Problem extends Error {}
