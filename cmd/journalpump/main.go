// Command journalpump reads the systemd journal and pumps its entries to senders.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"journalpump/internal/conf"
	"journalpump/readers/journal/libsystemd"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// errReported ends the program with status 1 and says nothing more: the reason was shown already.
var errReported = errors.New("reported")

func run(args []string) int {
	root := newRootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return 1
	default:
		showError(os.Stderr, err)
		return 1
	}
}

// untilStopped returns a context that ends when the program is asked to stop, from a terminal or by a service manager.
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

func newRootCommand() *cobra.Command {
	var opts runOptions
	root := &cobra.Command{
		Use:   "journalpump CONFIG",
		Short: "Pump the systemd journal to where its entries are wanted",
		Long: "journalpump reads the systemd journal, filters and redacts its entries, and sends them on.\n" +
			"Each sender keeps its own position and moves it only when its destination has accepted.",
		Args:          configArg,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return pumpCommand(cmd.Context(), args[0], opts)
		},
	}
	opts.addFlags(root)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newRunCommand(), newCheckCommand(), newStatusCommand(), newExplainCommand(), newTailCommand(), newAuditCommand(), newReplayCommand(),
		newVersionCommand(), newChildCommand())
	root.AddCommand(generators()...)
	return root
}

// flagError adds to an error about a flag what was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok && invalid.GetFlag().Value.Type() == "duration" {
		return advise(err, "a duration is a number with its unit, such as 500ms, 10s, 1m30s")
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if meant := conf.Suggest(unknown.GetSpecifiedName(), names); meant != "" {
			return advise(err, "did you mean --%s?", meant)
		}
	}
	return advise(err, "`%s --help` lists the flags", cmd.CommandPath())
}

// configArg wants the path of a configuration and nothing else.
func configArg(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 1:
		return notACommand(cmd, args[0])
	case 0:
		return fmt.Errorf("the path of a configuration is missing; see %s --help", cmd.CommandPath())
	default:
		if err := notACommand(cmd, args[0]); err != nil {
			return err
		}
		return fmt.Errorf("want the path of one configuration, got %q; see %s --help", args, cmd.CommandPath())
	}
}

// notACommand wants the argument not to be a command that was written wrongly.
func notACommand(cmd *cobra.Command, arg string) error {
	if _, err := os.Stat(arg); err == nil || strings.ContainsAny(arg, "/.") {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	if meant := conf.Suggest(arg, names); meant != "" {
		return advise(fmt.Errorf("there is neither a command nor a configuration %q", arg), "did you mean `%s %s`?", cmd.CommandPath(), meant)
	}
	return nil
}

func newRunCommand() *cobra.Command {
	var opts runOptions
	cmd := &cobra.Command{
		Use:   "run CONFIG",
		Short: "Pump as CONFIG says (what journalpump CONFIG does too)",
		Args:  configArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return pumpCommand(cmd.Context(), args[0], opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "journalpump", version())
			return err
		},
	}
}

// newChildCommand is what the libsystemd backend starts: a process that may crash instead of the agent.
func newChildCommand() *cobra.Command {
	return &cobra.Command{
		Use:    libsystemd.ChildCommand,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if libsystemd.ChildMain(os.Stdin, os.Stdout) != 0 {
				return errReported
			}
			return nil
		},
	}
}

// release is the version of the package that the binary was built for: the linker sets it (packaging/packaging.mk).
var release string //nolint:gochecknoglobals // what -X sets is a global; nothing else does

// version returns what the build knows of itself: the package's version, the module's, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	if release != "" {
		v = release
	}
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" && s.Value == "0" {
			return v + " (static, native journal backend only)"
		}
	}
	return v
}
