package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/manual"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:      "man",
		Usage:     "write the man pages of all commands",
		ArgsUsage: "DIR",
		Hidden:    true, // for those who build and package
		Description: `Writes nixfleet.1 and a page for each command into DIR, which is made where it is missing. They
say what --help says.

Example: nixfleet man man/man1 && man -M man nixfleet compile`,
		Action: func(c *cli.Context) error {
			dir, err := ui.OneArgument(c, "DIR", "a directory")
			if err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("cannot write man pages: %w", err)
			}
			for _, page := range manual.Pages(c.App) {
				if err := os.WriteFile(filepath.Join(dir, page.Name+".1"), []byte(page.Text), 0o644); err != nil {
					return fmt.Errorf("cannot write man pages: %w", err)
				}
			}
			return nil
		},
	}
}
