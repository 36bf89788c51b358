package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The figures and examples of docs/SCALE.md are what the program prints.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/SCALE.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```\n\\$ go run \\./bench/scale([^\n]*)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if all := strings.Count(string(text), "$ go run ./bench/scale"); len(blocks) != all || all == 0 {
		t.Fatalf("%d examples, of which %d are whole", all, len(blocks))
	}
	for _, b := range blocks {
		t.Run(strings.TrimSpace(b[1]), func(t *testing.T) {
			if got := output(t, strings.Fields(b[1])...); got != b[2] {
				t.Errorf("the document has\n%s\nand the program prints\n%s", b[2], got)
			}
		})
	}
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	var b strings.Builder
	if err := run(args, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSeeds(t *testing.T) {
	args := []string{"-requests", "20k", "-sessions", "1M", "-engine", "postgres-hash", "-seed"}
	first, again, other := output(t, append(args, "1")...), output(t, append(args, "1")...), output(t, append(args, "2")...)
	if first != again {
		t.Errorf("one seed, two outputs:\n%s\n%s", first, again)
	}
	if first == other {
		t.Error("two seeds, one output")
	}
}

func TestFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-sessions many":               "use a number such as",
		"-sessions -5":                 "use a number such as",
		"-sessions 0":                  "-sessions",
		"-engine mongodb":              "use one of mariadb, nats, postgres",
		"-engine postgres -nodes 3":    "postgres has one",
		"-mix read=50,change=20":       "have to make 100",
		"-mix write=3":                 "use kind=percent",
		"-mix change=90,create=20":     "have to make 100",
		"-mix change=5":                "without new sessions",
		"-set load":                    "use name=value",
		"-set speed=3":                 "no such parameter",
		"-set load=-1":                 "not a number",
		"-set load=NaN":                "not a number",
		"-set cores=0":                 "at least 1",
		"-table -set load=1":           "for one engine",
		"-size 20":                     "-size",
		"-zipf NaN":                    "-zipf",
		"-owned 2":                     "-owned",
		"-burst 0":                     "-burst",
		"-requests 1":                  "-requests",
		"-idle 0s":                     "-idle",
		"-rtt -1s":                     "negative",
		"-replicas -1":                 "negative",
		"-nodes -1":                    "-nodes",
		"redis":                        "flags only",
		"-engine redis-cluster -rps x": "use a number such as",
	} {
		var b strings.Builder
		err := run(strings.Fields(args), &b)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", args, err, want)
		}
	}
}

func TestParams(t *testing.T) {
	for _, name := range engineNames() {
		e := engines()[name]
		for _, p := range e.params {
			if p.source == "" {
				t.Errorf("%s: %s comes from nowhere", name, p.name)
			}
		}
		if got := output(t, "-engine", name, "-params", "-set", "lag=7"); !strings.Contains(got, "lag") || !strings.Contains(got, "-set") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// What Redis 7.0 and PostgreSQL 15 took for records of these sizes.
func TestMeasuredSizes(t *testing.T) {
	redis, cluster, postgres := engines()["redis"], engines()["redis-cluster"], engines()["postgres"]
	for size, want := range map[float64]float64{100: 277, 300: 469, 500: 789, 1000: 1173, 2048: 2709, 4096: 5269} {
		near(t, "redis", redis.bytes(size, 0), want, 0.01)
	}
	near(t, "redis-cluster", cluster.bytes(300, 0), 485, 0.01)
	near(t, "postgres", postgres.bytes(300, 0.5), 616, 0.02)
}

func TestSweep(t *testing.T) {
	fast := sweeping{expiring: 300, processes: 1, flood: 100_000, after: 6 * time.Hour}
	near(t, "capacity", fast.capacity(), 20_000.0/60, 1e-9)
	d := fast.run(1)
	if d.Growing || d.Usual > 60*300 || d.Peak < 100_000 {
		t.Errorf("%+v", d)
	}
	// What is left over of the capacity works the flood off.
	near(t, "drained", d.Drained.Seconds(), 100_000/(fast.capacity()-300), 0.1)

	fast.expiring = 340
	d = fast.run(1)
	if !d.Growing || d.Drained != 0 {
		t.Errorf("more expire than can be swept: %+v", d)
	}
	near(t, "backlog", d.Expired-d.Swept, (340-20_000.0/60)*86_400+100_000, 0.02)

	slow := sweeping{processes: 1, batch: 500 * time.Millisecond}
	near(t, "capacity with the timeout", slow.capacity(), 2000.0/60, 1e-9)
}

func TestRevoke(t *testing.T) {
	r := engines()["redis"].revoke(100_000, time.Millisecond)
	if r.Trips != 202 || r.Blocked != 40*time.Millisecond {
		t.Errorf("redis: %+v", r)
	}
	near(t, "redis takes", r.Took.Seconds(), 0.040+0.66+0.202, 0.01)
	r = engines()["postgres"].revoke(100_000, time.Millisecond)
	if r.Trips != 1 || r.Blocked != 0 {
		t.Errorf("postgres: %+v", r)
	}
}
