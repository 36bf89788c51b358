package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/engine/enginetest"
	"github.com/sesame-go/sesame/cmd/sesame/internal/doctor"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// findings runs doctor and returns what it has found, by check.
func findings(t testing.TB, args ...string) map[string]doctor.Finding {
	t.Helper()
	out := sesameRun(t, append(args, "doctor", "--json")...)
	all := make(map[string]doctor.Finding)
	problem := false
	for line := range strings.Lines(out.stdout) {
		var f doctor.Finding
		require.NoError(t, json.Unmarshal([]byte(line), &f))
		require.True(t, f.Level == doctor.OK || f.Cure != "" || f.Check == "file", "no cure: %v", f)
		all[f.Check] = f
		problem = problem || f.Level == doctor.Problem
	}
	want := 0
	if problem {
		want = exitFound
	}
	require.Equal(t, want, out.code, "%s%s", out.stdout, out.stderr)
	return all
}

// healthy checks that there is nothing but notes of some checks.
func healthy(t testing.TB, address string, notes ...string) {
	t.Helper()
	for check, f := range findings(t, address) {
		want := doctor.OK
		for _, note := range notes {
			if note == check {
				want = doctor.Note
			}
		}
		require.Equal(t, want, f.Level, "%v", f)
	}
}

// ill checks that there is a problem.
func ill(t testing.TB, address, check, text string) {
	t.Helper()
	f := findings(t, address)[check]
	require.Equal(t, doctor.Problem, f.Level, "%v", f)
	require.Contains(t, f.Text, text)
}

// services starts servers of its own that wait for the disk, as they should, and
// sets the addresses that enginetest reads.
func services(t *testing.T, names ...string) {
	t.Helper()
	script, err := filepath.Abs("../../scripts/services")
	require.NoError(t, err)
	up := exec.Command(script, append([]string{"up"}, names...)...)
	up.Env = append(os.Environ(), "SESAME_SERVICES_FSYNC=1")
	var stderr bytes.Buffer
	up.Stderr = &stderr
	out, err := up.Output()
	require.NoError(t, err, stderr.String())
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		value = strings.Trim(value, "'")
		t.Setenv(name, value)
		if name == "SESAME_TEST_SERVICES" {
			t.Cleanup(func() { require.NoError(t, exec.Command(script, "down", value).Run()) })
		}
	}
}

func TestDoctorOnServers(t *testing.T) {
	// Those of all tests do not wait for the disk.
	for check, place := range map[string]func(testing.TB) string{
		"appendfsync": enginetest.Redis, "fsync": enginetest.PostgreSQL, "innodb_flush_log_at_trx_commit": enginetest.MySQL,
	} {
		if os.Getenv("SESAME_SERVICES_FSYNC") == "1" {
			break // they do
		}
		address := place(t)
		openSite(t, address).logIn("ann")
		ill(t, address, check, "a power loss")
	}
	services(t, "redis", "postgres", "mariadb")

	t.Run("redis", func(t *testing.T) {
		address := enginetest.Redis(t)
		s := openSite(t, address)
		s.logIn("ann")
		s.logIn("")
		config := func(key, value string) { require.NoError(t, s.engine.Redis.ConfigSet(t.Context(), key, value).Err()) }
		healthy(t, address)

		config("appendfsync", "everysec")
		healthy(t, address, "appendfsync")
		config("appendfsync", "no")
		ill(t, address, "appendfsync", "no: a power loss")
		config("appendfsync", "always")
		config("maxmemory-policy", "volatile-lru")
		healthy(t, address, "maxmemory-policy")
		config("maxmemory", "1gb")
		ill(t, address, "maxmemory-policy", "volatile-lru: a full server drops sessions")
		config("maxmemory-policy", "noeviction")
		healthy(t, address)
		config("appendonly", "no")
		ill(t, address, "appendonly", "no: a crash")
		config("appendonly", "yes")

		// A user who may ask nothing about the server gets notes.
		require.NoError(t, s.engine.Redis.Do(t.Context(), "ACL", "SETUSER", "ops", "on", ">pw", "~*", "&*", "+@all", "-info", "-config", "-time").Err())
		limited := strings.Replace(address, "redis://", "redis://ops:pw@", 1)
		healthyNotes := findings(t, limited)
		require.Equal(t, doctor.Note, healthyNotes["settings"].Level)

		// An index that has lost a session.
		require.NoError(t, s.engine.Redis.Del(t.Context(), s.engine.Name+"o:ann").Err())
		ill(t, address, "index", "does not find 1 of 1")
		require.Contains(t, sesameRun(t, address, "doctor").stdout, "sesame … revoke ID")
		require.NoError(t, s.engine.Redis.Set(t.Context(), s.engine.Name+"s:"+store.Key{3}.String(), "what is this", 0).Err())
		ill(t, address, "damage", store.Key{3}.String())
	})

	t.Run("postgres", func(t *testing.T) {
		address := enginetest.PostgreSQL(t)
		s := openSite(t, address)
		s.logIn("ann")
		exec := func(query string) { execute(t, s.engine.DB, query) }
		name := s.engine.DB.QueryRowContext(t.Context(), "SELECT current_database()")
		var database string
		require.NoError(t, name.Scan(&database))
		healthy(t, address)

		exec("ALTER TABLE sesame SET UNLOGGED")
		ill(t, address, "table", "unlogged")
		exec("ALTER TABLE sesame SET LOGGED")
		exec("ALTER DATABASE " + database + " SET synchronous_commit = off")
		ill(t, address, "synchronous_commit", "off")
		exec("ALTER DATABASE " + database + " RESET synchronous_commit")
		reload := func(query string, level doctor.Level) {
			exec(query)
			exec("SELECT pg_reload_conf()")
			require.Eventually(t, func() bool { return findings(t, address)["full_page_writes"].Level == level }, 10*time.Second, 50*time.Millisecond)
		}
		reload("ALTER SYSTEM SET full_page_writes = off", doctor.Problem)
		reload("ALTER SYSTEM RESET full_page_writes", doctor.OK)

		// A server whose clock is wrong.
		exec("CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + interval '45 s' $$")
		exec("ALTER DATABASE " + database + " SET search_path = public, pg_catalog")
		ill(t, address, "clock", "differs from this machine's by 4")
		exec("ALTER DATABASE " + database + " RESET search_path")
		healthy(t, address)

		exec("UPDATE sesame SET data = data || '\\x00'")
		ill(t, address, "damage", "1 record that the store cannot read")
	})

	t.Run("mysql", func(t *testing.T) {
		address := enginetest.MySQL(t)
		s := openSite(t, address)
		s.logIn("ann")
		exec := func(query string) { execute(t, s.engine.DB, query) }
		healthy(t, address)
		for _, value := range []string{"0", "2"} {
			exec("SET GLOBAL innodb_flush_log_at_trx_commit = " + value)
			ill(t, address, "innodb_flush_log_at_trx_commit", value)
		}
		exec("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
		exec("SET GLOBAL read_only = 1")
		ill(t, address, "read_only", "nothing can be saved")
		exec("SET GLOBAL read_only = 0")
		exec("ALTER TABLE sesame ENGINE = MyISAM")
		ill(t, address, "table", "MyISAM")
		exec("ALTER TABLE sesame ENGINE = InnoDB")
		healthy(t, address)
	})
}

func execute(t testing.TB, db *sql.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(context.Background(), query)
	require.NoError(t, err, query)
}

func TestDoctorOnNATS(t *testing.T) {
	monitored := func(o *server.Options) { o.HTTPHost, o.HTTPPort = "127.0.0.1", server.RANDOM_PORT }
	synced := enginetest.NATS(t, func(o *server.Options) { monitored(o); o.SyncAlways = true })
	s := openSite(t, synced)
	s.logIn("ann")
	healthy(t, synced, "replicas")

	// The monitor of another server, and none.
	blind, err := url.Parse(synced)
	require.NoError(t, err)
	blind.RawQuery = ""
	healthy(t, blind.String(), "replicas", "sync_interval")
	blind.RawQuery = "monitor=http://127.0.0.1:1"
	healthy(t, blind.String(), "replicas", "sync_interval")

	js := s.engine.JetStream
	stream, err := js.Stream(t.Context(), "KV_sesame")
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("$KV.sesame.o.>")))
	ill(t, synced, "index", "does not find 1 of 1")

	lazy := enginetest.NATS(t, monitored)
	openSite(t, lazy).logIn("ann")
	ill(t, lazy, "sync_interval", "2m0s: a power loss undoes as much")

	e, err := engine.Create(t.Context(), lazy+"&bucket=memory", nil)
	require.NoError(t, err)
	require.NoError(t, e.JetStream.DeleteStream(t.Context(), "KV_memory"))
	_, err = natsstore.Open(t.Context(), e.JetStream, natsstore.WithBucket("memory"), natsstore.WithMemoryStorage())
	require.NoError(t, err)
	require.NoError(t, e.Close())
	ill(t, lazy+"&bucket=memory", "storage", "memory")
}

func TestDoctorOnFiles(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s.sqlite")
		s := openSite(t, "sqlite:"+path)
		s.logIn("ann")
		s.logIn("") // is not in the index of owners
		healthy(t, "sqlite:"+path, "synchronous")
		healthy(t, "sqlite:file:"+path+"?_pragma=synchronous(FULL)")
		ill(t, "sqlite:file:"+path+"?_pragma=synchronous(NORMAL)", "synchronous", "NORMAL")
		ill(t, "sqlite:file:"+path+"?_pragma=synchronous(OFF)", "synchronous", "OFF")
		healthy(t, "sqlite:file:"+path+"?_pragma=synchronous(FULL)&_pragma=journal_mode(WAL)")
		require.NoError(t, os.Chmod(path, 0o644))
		ill(t, "sqlite:"+path, "mode", "other users may read")
		require.NoError(t, os.Chmod(path, 0o600))

		// The index of the table has lost a row.
		s.engine.DB.SetMaxOpenConns(1)
		execute(t, s.engine.DB, "PRAGMA writable_schema = ON")
		execute(t, s.engine.DB, "UPDATE sqlite_schema SET sql = replace(sql, ' WHERE owner IS NOT NULL', '') WHERE name = 'sesame_owner'")
		s.close()
		ill(t, "sqlite:"+path, "integrity_check", "index sesame_owner")
	})

	t.Run("dir", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "sessions")
		s := openSite(t, "dir:"+dir)
		s.logIn("ann")
		bob := s.logIn("bob")
		healthy(t, "dir:"+dir)
		require.NoError(t, os.Chmod(dir, 0o755))
		healthy(t, "dir:"+dir, "mode")
		files, err := filepath.Glob(dir + "/data/*/*")
		require.NoError(t, err)
		require.NoError(t, os.Chmod(files[0], 0o640))
		ill(t, "dir:"+dir, "mode", "1 file, such as "+files[0])
		require.NoError(t, os.Chmod(dir, 0o700))
		require.NoError(t, s.Revoke(t.Context(), idOf(bob)))
		healthy(t, "dir:"+dir)
		marks, err := filepath.Glob(dir + "/own/*/*")
		require.NoError(t, err)
		for _, mark := range marks {
			require.NoError(t, os.RemoveAll(mark))
		}
		ill(t, "dir:"+dir, "index", "does not find 1 of 1")
		id := damage(t, dir)
		ill(t, "dir:"+dir, "damage", "1 record that the store cannot read")
		require.Equal(t, "1 session ended.\n", does(t, "dir:"+dir, "revoke", "--yes", id))
		healthy(t, "dir:"+dir)
	})

	t.Run("log", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sessions.db")
		s := openSite(t, "log:"+path)
		s.logIn("ann")
		s.logIn("bob")
		s.close()
		healthy(t, "log:"+path)
		require.NoError(t, os.Chmod(path, 0o640))
		ill(t, "log:"+path, "mode", "other users may read")
		require.NoError(t, os.Chmod(path, 0o600))

		b, err := os.ReadFile(path)
		require.NoError(t, err)
		b[60] ^= 1
		require.NoError(t, os.WriteFile(path, b, 0o600))
		ill(t, "log:"+path, "file", "damaged in ")
	})
}

// Records that sesame, or the codec, cannot read, and such as only the program
// can.
func TestDoctorOnRecords(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "s.sqlite")
	s := openSite(t, address)
	ann := s.logIn("ann")
	s.close()
	for _, c := range []codec.Codec{codec.JSON, gobcodec.Gob} {
		s = openSite(t, address, sesame.WithCodec(c))
		s.logIn("ann")
		s.close()
	}
	records := findings(t, address)["records"]
	require.Equal(t, doctor.OK, records.Level)
	require.Contains(t, records.Text, "3 sessions read: 1 gob version 1, 1 json version 1, 1 msgpack version 1; of 1 only the header")

	e, err := engine.Open(t.Context(), address, nil)
	require.NoError(t, err)
	defer e.Close()
	key, err := store.ParseKey(idOf(ann))
	require.NoError(t, err)
	good, err := e.Store.Load(t.Context(), key)
	require.NoError(t, err)
	save := func(n byte, change func(*store.Record)) string {
		r := good
		r.Version, r.Data = 0, bytes.Clone(good.Data)
		change(&r)
		_, err := e.Store.Save(t.Context(), store.Key{n}, r)
		require.NoError(t, err)
		return store.Key{n}.String()
	}
	newer := save(1, func(r *store.Record) { r.Data[0] = 2 })
	short := save(2, func(r *store.Record) { r.Data = r.Data[:20] })
	broken := save(3, func(r *store.Record) { r.Data = append(r.Data[:envelope.Len], 0xc1) })
	save(4, func(r *store.Record) { r.Expires = r.Expires.Add(5 * time.Minute) })
	ill(t, address, "newer", newer)
	ill(t, address, "format", short)
	ill(t, address, "payload", broken)
	ill(t, address, "programs' clocks", "1 session used in the future, by up to ")
	require.Contains(t, sesameRun(t, address, "ls").stderr, "7 sessions, of which 2 cannot be read")
	require.Contains(t, does(t, address, "show", broken), "codec: msgpack")
	require.Contains(t, does(t, address, "show", newer), "unreadable: stored by a newer version")
}
