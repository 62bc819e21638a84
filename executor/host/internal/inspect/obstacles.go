package inspect

import "strings"

// compareObstacles refuses what the kernel would refuse in the middle of the work.
func (c *comparison) compareObstacles() error {
	var names []string
	for _, step := range c.work.Removals {
		names = append(names, step.Do.Path)
	}
	for _, step := range c.work.Emptied {
		names = append(names, step.Do)
	}
	for _, step := range c.work.Directories {
		names = append(names, step.Do.Path)
	}
	for _, step := range c.work.Files {
		names = append(names, step.Do.Path)
	}
	for _, name := range names {
		obstacle, err := c.Files.Obstacle(name)
		if err != nil {
			return err
		}
		if obstacle == "" {
			continue
		}
		hint := "lsattr shows it, and chattr -i or -a takes it away"
		if strings.HasSuffix(obstacle, "mount point") {
			hint = "unmount it, or leave it out"
		}
		c.refuse(hint, "cannot change %s: %s", name, obstacle)
	}
	return nil
}
