package emit_test

// misses are the variants that the locator answers wrongly or refuses though
// the key has an answer, with what it does not see. A test fails for one that
// is right, so the list only shrinks.
var misses = map[string]string{}
