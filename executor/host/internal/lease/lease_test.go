package lease

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var since = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func free() error { return nil }

// world is a store with a clock that a test moves.
func world(t *testing.T) (*Store, *time.Duration) {
	t.Helper()
	now := time.Hour
	return New(t.TempDir(), Clock{Boot: "b1", Now: func() time.Duration { return now }}, nil), &now
}

func take(t *testing.T, b *Store, run string) int64 {
	t.Helper()
	epoch, err := b.Take(context.Background(), run, "ann@desk", since, free)
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("expected %q, found %v", want, err)
	}
}

func TestASecondRunIsRefusedUntilTheFirstIsSilent(t *testing.T) {
	b, now := world(t)
	ctx := context.Background()
	first := take(t, b, "r1")
	*now += Length - 1
	_, err := b.Take(ctx, "r2", "bob@desk", since, free)
	wantError(t, err, "locked by run r1, started 2026-01-01T12:00:00Z, by ann@desk")
	if err := b.Renew(ctx, "r1", first); err != nil {
		t.Fatal(err)
	}
	*now += Length - 1
	if holder := b.Holder(); holder == nil || holder.Run != "r1" {
		t.Errorf("a renewed lease is held by %+v", holder)
	}
	*now += 2
	if b.Holder() != nil {
		t.Error("a lease lasts for ever")
	}
	second := take(t, b, "r2")
	if second <= first {
		t.Errorf("epoch %d after %d", second, first)
	}
	// The first wakes up.
	wantError(t, b.Renew(ctx, "r1", first), "the lease of run r1 on this host ended; since 2026-01-01T12:00:00Z it is held by run r2, by ann@desk")
	wantError(t, b.Under(ctx, "r1", first, func() error { t.Error("it did it all the same"); return nil }), "the lease of run r1 on this host ended; since 2026-01-01T12:00:00Z it is held by run r2, by ann@desk")
	if err := b.Release(ctx, "r1", first); err != nil || b.Holder() == nil {
		t.Errorf("it ended another's lease: %v", err)
	}
}

func TestALeaseThatNobodyTookIsStillOnes(t *testing.T) {
	b, now := world(t)
	epoch := take(t, b, "r1")
	*now += 10 * Length
	if err := b.Renew(context.Background(), "r1", epoch); err != nil || b.Holder() == nil {
		t.Errorf("found %v", err)
	}
}

func TestARunThatTakesItsLeaseAgain(t *testing.T) {
	b, _ := world(t)
	first := take(t, b, "r1")
	second := take(t, b, "r1")
	if second == first {
		t.Error("the session before could go on")
	}
	wantError(t, b.Renew(context.Background(), "r1", first), "the lease of run r1 on this host ended")
}

func TestALeaseEndsWithItsReleaseAndWithTheBoot(t *testing.T) {
	b, _ := world(t)
	ctx := context.Background()
	epoch := take(t, b, "r1")
	if err := b.Release(ctx, "r1", epoch); err != nil {
		t.Fatal(err)
	}
	epoch = take(t, b, "r2")
	rebooted := New(b.dir, Clock{Boot: "b2", Now: func() time.Duration { return 0 }}, nil)
	wantError(t, rebooted.Renew(ctx, "r2", epoch), "the lease of run r2 on this host ended")
	if next := take(t, rebooted, "r3"); next != epoch+1 {
		t.Errorf("epoch %d after %d", next, epoch)
	}
}

func TestWhatIsInTheWay(t *testing.T) {
	b, _ := world(t)
	_, err := b.Take(context.Background(), "r1", "ann@desk", since, func() error { return errors.New("busy") })
	wantError(t, err, "busy")
	if b.Holder() != nil {
		t.Error("the lease was given all the same")
	}
}

func TestManyAtOnce(t *testing.T) {
	b, _ := world(t)
	var group sync.WaitGroup
	got := make(chan int64, 16)
	for i := range cap(got) {
		group.Add(1)
		go func() {
			defer group.Done()
			if epoch, err := b.Take(context.Background(), string(rune('a'+i)), "ann@desk", since, free); err == nil {
				got <- epoch
			}
		}()
	}
	group.Wait()
	close(got)
	if len(got) != 1 {
		t.Errorf("%d runs got the lease", len(got))
	}
}

func TestASpoiltLease(t *testing.T) {
	b, _ := world(t)
	if err := os.WriteFile(filepath.Join(b.dir, "lease.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := b.Take(context.Background(), "r1", "ann@desk", since, free)
	wantError(t, err, "cannot read the host's lease: unexpected end of JSON input")
}

func TestTheClockGoesOn(t *testing.T) {
	clock := System()
	if before := clock.Now(); clock.Boot == "unknown" || before <= 0 || clock.Now() < before {
		t.Errorf("boot %q, %s and then %s", clock.Boot, before, clock.Now())
	}
}

// A host that has left its fleet keeps no trace of whoever ends last.
func TestNothingIsMadeToGiveSomethingBack(t *testing.T) {
	b, _ := world(t)
	epoch := take(t, b, "r1")
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := b.Release(ctx, "r1", epoch); err != nil {
		t.Error(err)
	}
	wantError(t, b.Renew(ctx, "r1", epoch), "the lease of run r1 on this host ended")
	if err := b.Alone(ctx, func() error { return errors.New("it did something") }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(b.dir); err == nil {
		t.Error("the directory is there again")
	}
}
