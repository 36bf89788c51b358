package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Versions returns the version of each module that is linked, by its path.
func Versions() map[string]string {
	versions := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			versions[m.Path] = m.Version
		}
	}
	return versions
}

// WriteHeader writes what the results depend on, in the format of benchmarks:
// the machine, Go, the versions and the command.
func WriteHeader(w io.Writer, command string) {
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\ncpu: %s\ncores: %d\n", runtime.GOOS, runtime.GOARCH, cpu(), runtime.NumCPU())
	fmt.Fprintf(w, "kernel: %s\ngo: %s\ncommand: %s\n", kernel(), runtime.Version(), command)
	versions, seen := Versions(), map[string]bool{}
	for _, e := range Entries {
		if e.Module != "" && !seen[e.Module] {
			seen[e.Module] = true
			fmt.Fprintf(w, "version: %s %s\n", e.Module, versions[e.Module])
		}
	}
	fmt.Fprintln(w)
}

func cpu() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(release))
}
