package transaction

import "errors"

// leftoverName is a file that says what a transaction could not clean up.
const leftoverName = "leftover.json"

// leftover is what is there for the sake of a transaction that is long committed.
type leftover struct {
	Places []string `json:"places"`
}

// cleanUpOrNote cleans up after a commit. What that leaves, another transaction
// tries again to remove.
func (t *transaction) cleanUpOrNote() error {
	err := t.cleanUp(true)
	if err == nil {
		return nil
	}
	// If we crash here, recovery cleans up again.
	return errors.Join(err, saveJSON(t.State, leftoverName, leftover{t.record.Places}))
}

// sweep removes what an earlier transaction has left.
func (t *transaction) sweep() error {
	var left leftover
	err := loadJSON(t.State, leftoverName, &left)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range left.Places {
		if err := t.Files.RemovePlace(name); err != nil {
			return err
		}
	}
	if err := t.Profile.Unroot(); err != nil {
		return err
	}
	// If we crash here, the next transaction looks again.
	return t.State.Remove(leftoverName)
}
