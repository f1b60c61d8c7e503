"""Writes python.json: which texts Python's fnmatch takes for which globs, for the tests to compare with. Run it with Python 3.11 or later."""
import fnmatch
import itertools
import json
import os
import random

random.seed(7)

globs = ["", "*", "?", "a*", "*a", "a*b*c", "**", "[abc]", "[a-c]", "[!a-c]", "[]a]", "[!]a]", "[a", "[", "[]", "[!]", "[!", "a[b", "[c-a]", "[!c-a]", "[a-]", "[-a]", "[a-c-e]", "[--a]",
         "[a-c--b]", "[^a]", "[\\]", "\\*", "a.b", "*.service", "test-unit*", "abc-[a-z]?it", "[[]", "[a-cx-z]", "ü*", "[ä-ü]", "?[!x]*", "*b?c*", "[!!]", "[a-a]", "a/*", "*[a-c]*[x-z]"]
texts = ["", "a", "b", "c", "d", "-", "^", "!", "]", "[", "[]", "[a", "\\", "\\*", "\\x", "abc", "aXbYc", "a.b", "axb", "x.service", "a/b.service", "test-unit.service", "abc-unit", "abc-xit", "über", "ö",
         "ab", "ba", "a\nb", "aab?c", "e", "a-c-e", "ax", "a/x/y", "z", "cz", "abcxyz", "[!", "b-b-c"]
globs += ["".join(random.choice("ab*?[]!-") for _ in range(random.randrange(1, 8))) for _ in range(300)]
globs = [g for g in globs if "a!" not in g and "b!" not in g or "[" not in g]  # fnmatch drops an empty range before a ! and then takes that for a negation
alphabet = ["".join(t) for n in range(4) for t in itertools.product("ab-[", repeat=n)]

out = {
    "globs": [[g, [t for t in texts + alphabet if fnmatch.fnmatchcase(t, g)]] for g in dict.fromkeys(globs)],
    "texts": texts + alphabet,
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "python.json"), "w") as f:
    json.dump(out, f, indent=None, separators=(",", ":"))
    f.write("\n")
