package transaction

import (
	"context"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/schema"
)

// accountDirectory holds the account files, which shadow's tools replace by
// renaming and do not sync.
const accountDirectory = "/etc"

// groupStep creates a group that was not there.
type groupStep struct {
	Group schema.Group `json:"group"`
}

func (s *groupStep) directories() []string { return []string{accountDirectory} }

func (s *groupStep) do(ctx context.Context, t *transaction) error {
	return t.Accounts.AddGroup(ctx, s.Group)
}

func (s *groupStep) undo(ctx context.Context, t *transaction) error {
	return t.removeGroup(ctx, s.Group.Name)
}

func (s *groupStep) check(t *transaction) (string, error) {
	now, err := account.Load(t.Files)
	if err != nil {
		return "", err
	}
	if _, has := now.Group(s.Group.Name); has {
		return fmt.Sprintf("the group %q is still there", s.Group.Name), nil
	}
	return "", nil
}

// removeGroup removes a group, if it is there.
func (t *transaction) removeGroup(ctx context.Context, name schema.AccountName) error {
	now, err := account.Load(t.Files)
	if err != nil {
		return err
	}
	if _, has := now.Group(name); !has {
		return nil
	}
	return t.Accounts.RemoveGroup(ctx, name)
}
