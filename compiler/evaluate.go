package compiler

import (
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/batch"
	"github.com/nixfleet/nixfleet/compiler/internal/cache"
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
	"github.com/nixfleet/nixfleet/schema"
)

// cacheVersion changes when an entry of the cache means something else than before.
const cacheVersion = "nixfleet evaluation 1"

// evaluate returns the evaluated intent of the selected hosts; of those that
// evaluate where c.found tells of others, and nil where there is nothing to look at.
func (c *compilation) evaluate(ctx context.Context) (*intent.Result, error) {
	request := intent.Request{Version: intent.Version, Inputs: c.inputs}
	if c.inventory != nil {
		request.Inventory = &intent.Inventory{File: c.inventory.File, Value: c.inventory.Value}
	}
	var err error
	if request.Select, err = selection(c.in.Hosts, c.in.Groups); err != nil {
		return nil, err
	}
	result, err := c.cached(ctx, request)
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

// cached evaluates a request, unless it was evaluated before.
func (c *compilation) cached(ctx context.Context, request intent.Request) (*intent.Result, error) {
	kept := cache.Open(c.deps.CacheDir)
	key, err := c.cacheKey(request)
	if err != nil {
		return nil, err
	}
	if data, ok := kept.Get(key); ok {
		if result, err := intent.Decode(data); err == nil && stillThere(result) {
			return result, nil
		}
	}
	evaluation, err := c.nix.Prepare(ctx, c.source, c.library, request)
	if err != nil {
		return nil, err
	}
	options := c.batches()
	evaluation.Whole = batch.Available() / 10 * 8
	evaluation.Memory = evaluation.Whole / int64(options.Workers)
	result, failed, err := batch.Run(ctx, options, evaluation.Part)
	c.found = append(c.found, c.placed(failed)...)
	if err != nil || len(failed) > 0 || c.deps.CacheDir == "" {
		return result, err
	}
	if data, err := json.Marshal(result); err == nil {
		kept.Put(key, data)
	}
	return result, nil
}

// cacheKey is of all that an evaluation can see. Where an input lies is not: it is
// its content that counts.
func (c *compilation) cacheKey(request intent.Request) (string, error) {
	inputs := map[string]intent.Input{}
	for name, input := range request.Inputs {
		input.Path = ""
		inputs[name] = input
	}
	request.Inputs = inputs
	asked, err := json.Marshal(request)
	if err != nil {
		return "", err
	}
	source, err := c.source.Identity()
	if err != nil {
		return "", err
	}
	return cache.Key([]byte(cacheVersion), c.nix.Identity(), source, []byte(c.library.NarHash), asked), nil
}

// stillThere reports whether the derivations that an evaluation wrote are in the
// store: a garbage collection may have been there since.
func stillThere(result *intent.Result) bool {
	seen := map[string]bool{}
	for _, host := range result.Hosts {
		if host.Closure == nil || seen[host.Closure.Derivation] {
			continue
		}
		if _, err := os.Lstat(host.Closure.Derivation); err != nil {
			return false
		}
		seen[host.Closure.Derivation] = true
	}
	return true
}

// batches are as large as one process evaluates in a second or two.
func (c *compilation) batches() batch.Options {
	progress := c.deps.Progress
	if progress == nil {
		progress = func(string) {}
	}
	return batch.Options{Light: 1000, Heavy: 8, Workers: batch.Workers(), Expected: c.expected(), Explained: 50, Progress: progress}
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
