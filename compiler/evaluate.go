package compiler

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/batch"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
	"github.com/nixfleet/nixfleet/schema"
)

// request is what the library is asked to evaluate.
func (c *compilation) request() (request intent.Request, err error) {
	request = intent.Request{Version: intent.Version, Inputs: c.inputs}
	if c.inventory != nil {
		request.Inventory = &intent.Inventory{File: c.inventory.File, Value: c.inventory.Value}
	}
	request.Select, err = selection(c.in.Hosts, c.in.Groups)
	return request, err
}

// evaluate returns the evaluated intent of the selected hosts; of those that
// evaluate where c.found tells of others, and nil where there is nothing to look at.
func (c *compilation) evaluate(ctx context.Context, request intent.Request) (*intent.Result, error) {
	result, err := c.evaluated(ctx, request)
	if err != nil || result == nil {
		return nil, err
	}
	c.found = append(c.found, c.problems(result)...)
	for _, warning := range result.Warnings {
		d := Diagnostic{Code: diagnostic.FleetWarning, Severity: Warning, Summary: warning.Message}
		if warning.Host != nil {
			d.Host = schema.HostName(*warning.Host)
		}
		c.found = append(c.found, d)
	}
	if len(result.Problems) > 0 && len(result.HostNames) == 0 {
		return result, nil // the problems say why there are none
	}
	return result, checkSelection(c.in.Hosts, c.in.Groups, result)
}

// evaluated evaluates a request in as many processes as it takes.
func (c *compilation) evaluated(ctx context.Context, request intent.Request) (*intent.Result, error) {
	evaluation, err := c.nix.Prepare(ctx, c.source, c.library, request)
	if err != nil {
		return nil, err
	}
	options := c.batches()
	evaluation.Whole = batch.Available() / 10 * 8
	evaluation.Memory = evaluation.Whole / int64(options.Workers)
	result, failed, err := batch.Run(ctx, options, evaluation.Part)
	c.found = append(c.found, c.placed(failed)...)
	return result, err
}

// batches are as large as one process evaluates in a second or two.
func (c *compilation) batches() batch.Options {
	progress := c.deps.Progress
	if progress == nil {
		progress = func(string) {}
	}
	return batch.Options{
		Light: 1000, Heavy: 8, Workers: batch.Workers(), Worthwhile: 150,
		Expected: c.expected(), Explained: 50, Progress: progress,
	}
}

// problems are what is wrong with the inventory, each with its place.
func (c *compilation) problems(result *intent.Result) diagnostic.List {
	var found diagnostic.List
	for _, problem := range result.Problems {
		d := Diagnostic{
			Code: diagnostic.Code(problem.Code), Severity: Error, Summary: problem.Message, Hint: problem.Hint,
			Option: inventory.Path(problem.Path), Position: diagnostic.ParsePosition(problem.At),
		}
		if problem.Host != nil {
			d.Host = schema.HostName(*problem.Host)
		}
		if problem.At == "" {
			d.Position = c.inventory.LocateNear(problem.Path...)
		}
		found = append(found, d)
	}
	return c.relative(found)
}

// expected is how many hosts the inventory says there are, where all are wanted.
func (c *compilation) expected() int {
	if c.inventory == nil || len(c.in.Hosts)+len(c.in.Groups) > 0 {
		return 0
	}
	var declared struct {
		Hosts map[string]json.RawMessage `json:"hosts"`
	}
	_ = json.Unmarshal(c.inventory.Value, &declared) // what is wrong with it is told elsewhere
	return len(declared.Hosts)
}

// placed adds the place in the inventory to errors about a host that name no other.
func (c *compilation) placed(list diagnostic.List) diagnostic.List {
	for i := range list {
		d := &list[i]
		if d.Position.File == "" && d.Host != "" {
			field := strings.TrimPrefix(d.Option, "hosts."+string(d.Host)+".")
			d.Position = c.inventory.LocateHost(string(d.Host), strings.Split(field, ".")...)
		}
	}
	return list
}
