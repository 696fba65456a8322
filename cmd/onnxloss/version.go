package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the program's version",
		Flags: []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("version takes no arguments, got %q", c.Args().Slice())
			}
			return printVersion(c)
		},
	}
}

func printVersion(c *cli.Context) error {
	if c.Bool("json") {
		return printJSON(c, map[string]string{"version": version(), "go": runtime.Version(), "platform": platform()})
	}
	fmt.Fprintf(c.App.Writer, "onnxloss %s, %s %s\n", version(), runtime.Version(), platform())
	return nil
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// version is the module's version that the binary was built from; for a build
// of a checkout that is no release, 0.0.0 and the commit where Go knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "0.0.0"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "0.0.0-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "0.0.0"
}
