// Package conf reads configuration files: JSON in which comments and trailing commas are allowed, where every value
// knows its line and column, and where everything that is wrong is said at once.
//
// Parse gives an Object and a Report. The Object is decoded into structs by their json tags, which come filled with
// defaults; whatever does not fit is added to the Report with the place where it stands, what is wrong and what is
// allowed, and decoding goes on:
//
//	root, report := conf.Parse("journalpump.json", src)
//	cfg := Config{LogLevel: "INFO"}
//	root.Decode(&cfg)
//	for _, p := range report.Problems() {
//		fmt.Println(p) // journalpump.json:7:15: readers.x.tags: must be an object, not a list
//	}
//
// # What decodes into what
//
//   - bool, string, integers (bounds are checked), floats;
//   - structs (by json tag; embedded ones are flattened), maps with string keys, slices, pointers (nil when absent);
//   - any: nil, bool, string, json.Number, []any, map[string]any;
//   - Value (kept as it is, with its place), *Object (decoded later) and json.RawMessage (plain JSON, keys in the
//     order of the file);
//   - Duration, Size, StringList and Secret of this package;
//   - types that implement Decoder, Enum or encoding.TextUnmarshaler.
//
// null stands for "not given": the default stays, except in a Value, an any and a pointer.
//
// A field may have other names: `alias:"flags"` is as good as the name itself, `deprecated:"old_name"` still works
// but is warned about. A key that no struct knows is a warning, with the known key it resembles.
package conf
