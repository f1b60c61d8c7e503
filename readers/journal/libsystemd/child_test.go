//go:build cgo && linux

package libsystemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"journalpump/pump"
)

func testChild() int {
	before := func(pump.Position) {}
	if what := os.Getenv(misbehave); what != "" {
		before = misbehaviour(what)
	}
	if err := serve(os.Stdin, os.Stdout, before); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func misbehaviour(what string) hook {
	signals := map[string]syscall.Signal{"crash": syscall.SIGSEGV, "stop": syscall.SIGSTOP, "kill": syscall.SIGKILL}
	at := make(map[uint64]syscall.Signal)
	for part := range strings.SplitSeq(what, ",") {
		name, number, _ := strings.Cut(part, ":")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || signals[name] == 0 {
			panic(part)
		}
		at[n] = signals[name]
	}
	return func(p pump.Position) {
		signal, ok := at[p.Seqnum]
		if !ok || !firstTime() {
			return
		}
		_ = syscall.Kill(os.Getpid(), signal)
		long := time.NewTimer(time.Hour)
		defer long.Stop()
		<-long.C // until the signal arrives, and if it is SIGSTOP followed by SIGCONT
	}
}

func firstTime() bool {
	path := os.Getenv(misbehaveOnce)
	if path == "" {
		return true
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}
