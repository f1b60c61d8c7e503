package guard

// Mode is what is done about entries that are about to be deleted.
type Mode string

// The modes.
const (
	Off  Mode = "off"
	Warn Mode = "warn" // say so in time; the default
)

// ConfValues implements conf.Enum.
func (Mode) ConfValues() []string { return []string{string(Off), string(Warn)} }

// Config is what the configuration of a reader says of its guard.
type Config struct {
	Mode Mode `json:"vacuum_guard"` // "": Warn
}
