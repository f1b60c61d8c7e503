package convert

import "testing"

func TestParseBinaryMode(t *testing.T) {
	for s, want := range map[string]BinaryMode{"": Python, "python": Python, "base64": Base64, "replace": Replace} {
		if got, err := ParseBinaryMode(s); got != want || err != nil {
			t.Errorf("%q: got %v, %v", s, got, err)
		}
	}
	const want = `"hex" is no way to write binary fields; there are "python", "base64" and "replace"`
	if _, err := ParseBinaryMode("hex"); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAppendText(t *testing.T) {
	for _, c := range []struct {
		mode        BinaryMode
		value, want string
	}{
		{Python, "é'", "é'"},
		{Base64, "é'", "é'"},
		{Replace, "é'", "é'"},
		{Python, "\xff'", `b"\xff'"`},
		{Base64, "\xff'", "/yc="},
		{Replace, "a\xff\xfeé", "a\ufffd\ufffdé"},
	} {
		if got := string(AppendText([]byte("before "), []byte(c.value), c.mode)); got != "before "+c.want {
			t.Errorf("%q in mode %d: %q, want %q", c.value, c.mode, got, c.want)
		}
	}
}
