package sqlstore

import (
	"database/sql"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

func TestTableNames(t *testing.T) {
	for _, name := range []string{
		"sesame", "s", "_", "Sessions2", "auth.sessions", "a1._b", strings.Repeat("a", 48),
		strings.Repeat("a", 48) + "." + strings.Repeat("b", 48),
	} {
		assert.NoError(t, checkTable(name), name)
		assert.NotPanics(t, func() { WithTable(name) }, name)
	}
	for _, name := range []string{
		"", ".", "a.", ".a", "a.b.c", "1a", "a.1b", "a b", "a-b", "a;", `"a"`, "`a`", "[a]", "a'", "a\x00", "a\n",
		"ä", "a@", "a`", "a{", "A[", "{table}", "--", "a/**/", strings.Repeat("a", 49), strings.Repeat("a.", 50),
	} {
		err := checkTable(name)
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), "sqlstore: table name ")
		assert.PanicsWithValue(t, err.Error(), func() { WithTable(name) }, name)
	}
}

func TestNewPanics(t *testing.T) {
	db := openFake(t, &fake{})
	assert.PanicsWithValue(t, "sqlstore: New(nil, …): the database is missing; open one with sql.Open",
		func() { New(nil, SQLite()) })
	assert.PanicsWithValue(t, "sqlstore: WithClock(nil): the clock is missing; leave the option out for time.Now",
		func() { WithClock(nil) })
	assert.PanicsWithValue(t, "sqlstore: New with an empty Dialect; use the one of the database, such as sqlstore.SQLite()",
		func() { New(db, Dialect{}) })
	assert.PanicsWithValue(t, "sqlstore: New: an option is nil; leave it out",
		func() { New(db, SQLite(), nil) })
}

func TestSchema(t *testing.T) {
	db := openFake(t, &fake{})
	assert.Equal(t, `CREATE TABLE IF NOT EXISTS sesame (
  id    BLOB PRIMARY KEY NOT NULL, -- the session's ID, 16 bytes
  ver   INTEGER NOT NULL,          -- version, for compare-and-swap
  exp   INTEGER NOT NULL,          -- expiry, in milliseconds since 1970
  slot  INTEGER NOT NULL,          -- exp / 600000
  owner BLOB,                      -- NULL without an owner
  data  BLOB NOT NULL,             -- sesame's header, then what the codec wrote
  crc   INTEGER NOT NULL           -- CRC-32C of id, ver, length of owner, owner and data
);
CREATE INDEX IF NOT EXISTS sesame_slot ON sesame (slot);
CREATE INDEX IF NOT EXISTS sesame_owner ON sesame (owner, id) WHERE owner IS NOT NULL;
`, New(db, SQLite()).Schema())

	assert.Equal(t, `CREATE TABLE IF NOT EXISTS sesame (
  id    bytea PRIMARY KEY, -- the session's ID, 16 bytes
  ver   bigint NOT NULL,   -- version, for compare-and-swap
  exp   bigint NOT NULL,   -- expiry, in milliseconds since 1970
  slot  integer NOT NULL,  -- exp / 600000
  crc   integer NOT NULL,  -- CRC-32C of id, ver, length of owner, owner and data
  owner bytea,             -- NULL without an owner
  data  bytea NOT NULL     -- sesame's header, then what the codec wrote
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX IF NOT EXISTS sesame_slot ON sesame (slot);
CREATE INDEX IF NOT EXISTS sesame_owner ON sesame (owner, id) WHERE owner IS NOT NULL;
`, New(db, PostgreSQL()).Schema())
	assert.Equal(t, strings.Replace(New(db, PostgreSQL()).Schema(), "CREATE TABLE", "CREATE UNLOGGED TABLE", 1),
		New(db, UnloggedPostgreSQL()).Schema())
	inSchema := New(db, PostgreSQL(), WithTable("auth.visits")).Schema()
	assert.Contains(t, inSchema, "CREATE TABLE IF NOT EXISTS auth.visits (")
	assert.Contains(t, inSchema, "INDEX IF NOT EXISTS visits_owner ON auth.visits (owner, id)")

	assert.Equal(t, `CREATE TABLE IF NOT EXISTS sesame (
  id    BINARY(16) NOT NULL PRIMARY KEY, -- the session's ID
  ver   BIGINT NOT NULL,                 -- version, for compare-and-swap
  exp   BIGINT NOT NULL,                 -- expiry, in milliseconds since 1970
  slot  INT NOT NULL,                    -- exp / 600000
  owner VARBINARY(255),                  -- NULL without an owner
  data  LONGBLOB NOT NULL,               -- sesame's header, then what the codec wrote
  crc   INT NOT NULL,                    -- CRC-32C of id, ver, length of owner, owner and data
  KEY slot (slot),
  KEY owner (owner, id)
) ENGINE = InnoDB;
`, New(db, MySQL()).Schema())

	other := New(db, SQLite(), WithTable("auth.visits")).Schema()
	assert.Contains(t, other, "CREATE TABLE IF NOT EXISTS auth.visits (")
	assert.Contains(t, other, "INDEX IF NOT EXISTS auth.visits_slot ON visits (slot)")
	assert.Contains(t, other, "INDEX IF NOT EXISTS auth.visits_owner ON visits (owner, id)")
}

// TestDocumentedSchema compares the documentation with the program.
func TestDocumentedSchema(t *testing.T) {
	docs, err := os.ReadFile("../../docs/STORES.md")
	require.NoError(t, err)
	db := openFake(t, &fake{})
	for title, dialect := range map[string]Dialect{
		"the table":               SQLite(),
		"the table in PostgreSQL": PostgreSQL(),
		"the table in MySQL":      MySQL(),
	} {
		_, block, found := strings.Cut(string(docs), "```sql\n-- "+title+"\n")
		require.True(t, found, title)
		block, _, found = strings.Cut(block, "```")
		require.True(t, found, title)
		assert.Equal(t, New(db, dialect).Schema(), block, title)
	}
}

// TestStatements requires that each has as many parameters as it is called with,
// and the table's name everywhere.
func TestStatements(t *testing.T) {
	parameters := statementCounts{
		loadOne: 1, create: 7, save: 8, touch: 5, remove: 1, reclaim: 2,
		page: 3, ownedPage: 4, removeOwned: 3, count: 3, sweep: 3, lock: 0,
	}
	for name, dialect := range map[string]Dialect{
		"SQLite": SQLite(), "PostgreSQL": PostgreSQL(), "UnloggedPostgreSQL": UnloggedPostgreSQL(), "MySQL": MySQL(),
	} {
		texts := New(openFake(t, &fake{}), dialect, WithTable("a.b")).texts
		for i, text := range texts {
			if text == "" {
				assert.Equal(t, lock, statement(i), name)
				continue
			}
			if strings.Contains(name, "PostgreSQL") {
				assert.NotContains(t, text, "?")
				assert.Equal(t, parameters[i], strings.Count(text, "$"), text)
				assert.Equal(t, parameters[i] > 0, strings.Contains(text, "$"+strconv.Itoa(parameters[i])), text)
			} else {
				assert.Equal(t, parameters[i], strings.Count(text, "?"), text)
			}
			assert.Contains(t, text, " a.b ", name)
			assert.NotContains(t, text, "{", name)
		}
		assert.Equal(t, name == "SQLite", texts[lock] != "")
	}
}

type statementCounts [statementCount]int

func TestMillis(t *testing.T) {
	for want, at := range map[int64]time.Time{
		0:                   {},
		1:                   time.Unix(0, 1_999_999),
		1_700_000_000_123:   time.UnixMilli(1_700_000_000_123),
		253_402_300_799_999: time.Unix(math.MaxInt64/2, 0),
	} {
		assert.Equal(t, want, millis(at))
	}
	assert.Zero(t, millis(time.Unix(-1, 0)))
	assert.Zero(t, millis(time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)))
	assert.Zero(t, millis(time.Date(1970, 1, 1, 0, 0, 0, 0, time.FixedZone("", 14*3600))))
	assert.Less(t, slot(millis(time.Unix(math.MaxInt64/2, 0))), int64(math.MaxInt32))
}

// TestLazy requires that the store asks nothing of the database before the first
// operation, and that it prepares statements once and closes them.
func TestLazy(t *testing.T) {
	f := &fake{}
	s := New(openFake(t, f), SQLite())
	assert.Empty(t, f.log())
	for range 3 {
		require.NoError(t, s.Delete(t.Context(), [16]byte{1}))
	}
	statements := int(statementCount)
	assert.Equal(t, statements, f.count("prepare"))
	require.NoError(t, s.Close())
	assert.Equal(t, statements, f.count("close"))
}

// TestUnprepared requires that nothing is prepared for later, and that every
// operation works so.
func TestUnprepared(t *testing.T) {
	f := &fake{}
	s := New(openFake(t, f), PostgreSQL(), WithoutPrepare())
	for range 2 {
		require.NoError(t, s.Delete(t.Context(), store.Key{}))
		_, err := s.Load(t.Context(), store.Key{})
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	assert.Equal(t, f.count("prepare"), f.count("close"), "a statement stayed prepared")
	require.NoError(t, s.Close())
	require.ErrorContains(t, s.Delete(t.Context(), store.Key{}), "the store is closed")
}

func openFake(t *testing.T, f *fake) *sql.DB {
	db := sql.OpenDB(f)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func TestSource(t *testing.T) {
	const settings = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)" +
		"&_journal_mode=WAL&_busy_timeout=5000&_synchronous=FULL"
	assert.Equal(t, "file:///srv/a%20b.sqlite"+settings, sqliteSource("/srv/a b.sqlite"))
	assert.Equal(t, "file:///C:/sessions.sqlite"+settings, sqliteSource("C:/sessions.sqlite"))
}
